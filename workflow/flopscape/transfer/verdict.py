"""Does the best learning rate transfer between widths, and what does it cost to assume so?

At each width w the search gives a best rate η*(w), the vertex of a parabola (transfer/optimum.py), and the study's
recipe assumes a rate η°(w): one for all, or ∝ 1/w, or another rule. The recipe transfers if the two go in parallel, so
that one number found at a small width holds at the large ones. Judged is the slope b of

    ln η*(w) − ln η°(w) = a + b·ln w,

by least squares: b = Σ (x − x̄)·y / Σ (x − x̄)² with x = ln w. b = 0 is transfer; hidden matrices under one rate for all
would have b = −1. Its interval comes from the noise of a run: the losses are redrawn about the measured ones, each of
the redrawn searches has its own vertices and slope, and the quantiles of these slopes are the interval. Where 0 lies
outside, the optimum drifts; where it lies inside an interval that reaches beyond ±`FLAT`, nothing was decided.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from flopscape.config.study import Study
from flopscape.laws.law import Array
from flopscape.records.fit_result import Estimate
from flopscape.text import numbers
from flopscape.transfer.grid import Noise, Width
from flopscape.transfer.optimum import Optimum, loss_at, optima

DRAWS = 1000
FLAT = 0.5
"""Largest exponent of width that still counts as transferring: half way to the 1/width of hidden matrices."""


@dataclass(frozen=True)
class Draws:
    """The losses of every width as measured (row 0) and moved by their noise (the others), and their optima."""

    losses: list[Array]
    optima: list[Optimum]

    @property
    def offsets(self) -> Array:
        """ln of the best rate, shape (1 + draws, widths)."""
        return np.stack([optimum.log_rate for optimum in self.optima], axis=1)


def draw(widths: list[Width], noise: Noise, seed: int) -> Draws:
    """Losses as measured, then redrawn from a multivariate t about them; without known noise as measured only.

    A mean over k seeds has the standard deviation σ/√k. σ itself is estimated, with ν degrees of freedom: σ²·ν/χ²_ν is
    a draw of what it may truly be, the same for all losses of one redrawn search, which makes them a multivariate t.
    """
    generator = np.random.default_rng(seed)
    number = DRAWS if noise.dof else 0
    # One scale for each redrawn search: the same unknown deviation moves all its losses.
    scale = noise.sigma * np.sqrt(noise.dof / generator.chisquare(noise.dof, (number, 1))) if number else 0.0
    losses = []
    for width in widths:
        moved = scale * generator.standard_normal((number, len(width.losses))) / np.sqrt(width.n_seeds)
        losses.append(width.losses + np.concatenate([np.zeros((1, len(width.losses))), moved]))
    return Draws(losses, [optima(w.log_rates, y) for w, y in zip(widths, losses, strict=True)])


def verdict(study: Study, widths: list[Width], noise: Noise, seed: int = 0) -> dict[str, Any]:
    """Everything `verdict.json` holds.

    The optimum of a width is in units of `training.learning_rate`; the slope is that of ln(optimum / rate the study's
    recipe assumes) against ln width: 0 means that the recipe's scaling carries the optimum from one width to another.
    Intervals are the 2.5 and 97.5 % quantiles over losses redrawn with the noise.

    Parameters
    ----------
    study : Study
        For its title and recipe.
    widths : list of Width
        The losses by rate, narrowest first.
    noise : Noise
        That of one run.
    seed : int
        Of the redrawn losses.

    Returns
    -------
    dict
        `status` (transfers, drifts, undecided) with its `reason`; `slope`; and for each of `widths` the `optimum_rate`,
        its loss in nats, and the cost in nats of the study's own rate and of the narrowest width's best.
    """
    drawn = draw(widths, noise, seed)
    log_assumed = np.log([width.assumed for width in widths])
    shift = drawn.offsets - log_assumed
    x = np.log([width.width for width in widths])
    # [1 + draws, widths] @ [widths]: one slope a redrawn search.
    slope = _estimate(shift @ (x - x.mean()) / ((x - x.mean()) @ (x - x.mean())))
    rows = [_row(i, widths, drawn, log_assumed, shift) for i in range(len(widths))]
    status, reason = _judge(widths, rows, slope)
    return {
        "status": status,
        "reason": reason,
        "sentences": [reason, *_costs(rows)],
        "scaling": study.training.learning_rate_scaling,
        "base_width": study.training.base_width,
        "learning_rate": study.training.learning_rate,
        "slope": asdict(slope),
        "widths": rows,
        "noise": {"nats": noise.sigma if noise.dof else None, "dof": noise.dof, "source": noise.source},
        "interval": f"2.5 to 97.5 % of {DRAWS} redrawn searches" if noise.dof else "none",
        "seed": seed,
    }


def _row(i: int, widths: list[Width], drawn: Draws, log_assumed: Array, shift: Array) -> dict[str, Any]:
    """One width: its optimum, and what two other rates cost beyond it."""
    width, optimum, losses = widths[i], drawn.optima[i], drawn.losses[i]

    def cost(log_rate: Array) -> dict[str, Any] | None:
        # No rate costs less than the vertex but by rounding. Outside the rates tried there is no loss to tell.
        excess = np.maximum(loss_at(width.log_rates, losses, log_rate) - optimum.loss, 0.0)
        return asdict(_estimate(excess)) if np.isfinite(excess[0]) else None

    # The study's own rate at this width; and that rate shifted as the narrowest width's optimum is from its own.
    assumed = np.full(len(losses), log_assumed[i])
    return {
        "width": width.width,
        "size": width.size,
        "n_params": width.n_params,
        "assumed_rate": width.assumed,
        "optimum_rate": asdict(_exponential(_estimate(optimum.log_rate))),
        "optimum_loss": asdict(_estimate(optimum.loss)),
        "at_edge": bool(optimum.at_edge[0]),
        "n_diverged": width.n_diverged,
        "cost_of_assumed": cost(assumed),
        "cost_of_transfer": cost(assumed + shift[:, 0]),
    }


def _judge(widths: list[Width], rows: list[dict[str, Any]], slope: Estimate) -> tuple[str, str]:
    """Status and its reason in a sentence."""
    # First of all: a vertex that was not bracketed is a bound and no estimate, and no slope means anything with it.
    edges = [row["width"] for row in rows if row["at_edge"]]
    if edges:
        listed = ", ".join(map(str, edges))
        return "undecided", f"At width {listed} the best rate is at the end of those tried: add rates beyond it."
    span = f"{widths[0].width} to {widths[-1].width}"
    exponent = f"ln(best rate / assumed rate) has slope {numbers.interval(slope, numbers.exponent)} in ln width"
    if slope.low is None or slope.high is None:
        return "undecided", f"{exponent}; without an interval nothing follows: add seeds or rates."
    # What is shown comes before what is not: an interval without 0 is a drift, however wide it is.
    if slope.low > 0 or slope.high < 0:
        return "drifts", f"The optimum does not transfer over widths {span}: {exponent}."
    if max(-slope.low, slope.high) > FLAT:
        return "undecided", f"{exponent}: 0 is inside, and so are exponents beyond {FLAT}; add seeds or widths."
    return "transfers", f"The optimum transfers over widths {span}: {exponent}."


def _costs(rows: list[dict[str, Any]]) -> list[str]:
    """What assuming a rate costs at the width where it costs most."""
    first = f"the best rate of width {rows[0]['width']}"
    sentences = []
    for key, words in (("cost_of_transfer", first), ("cost_of_assumed", "the study's own rate")):
        rated = [row for row in rows if row[key]]
        if not rated:
            sentences.append(f"{words[0].upper()}{words[1:]} lies outside the rates tried everywhere.")
            continue
        worst = max(rated, key=lambda row: row[key]["estimate"])
        most = numbers.interval(Estimate(**worst[key]), numbers.loss)
        sentences.append(f"Assuming {words} costs most at width {worst['width']}: {most} nats.")
    return sentences


def _estimate(draws: Array) -> Estimate:
    """Row 0 with the quantiles of the others; without them where there are none, or not all are numbers."""
    value, moved = float(draws[0]), draws[1:]
    if not len(moved) or not np.isfinite(moved).all():
        return Estimate(value)
    low, high = np.quantile(moved, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def _exponential(number: Estimate) -> Estimate:
    ends = [None if end is None else float(np.exp(end)) for end in (number.low, number.high)]
    return replace(number, estimate=float(np.exp(number.estimate)), low=ends[0], high=ends[1])
