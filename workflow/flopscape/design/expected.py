"""The interval that the answer is expected to give for a design, before any of its runs is trained.

Around one law the answer is a normal distribution (fitting/drifting_law/shares.py): with the gradient g of ln N* or
L*, its standard deviation after the runs is √(gᵀSg), and S hangs on where runs stand, on the law, and on the scales of
noise, drift and discrepancy, but on no loss. So it is known before the runs for any law. Which law it will be is not
known, and so it is asked for several: the answer's own priors of laws and scales, which are the spread of published
sweeps (drifting_law/law.py, posterior.py), are cut into sixteen equally likely parts each, and every truth takes one
part of each. Of where the optimum lies a design itself says something: whoever chose its sizes put them around a guess
of N*, which is off by a typical factor two.

Half of a 95 % interval is then 1.96 standard deviations for each truth, and of the truths the median is told, with the
10th and 90th percentile as its spread. A factor in N* is one in D* as well, where C = κ·N·D with a constant κ; where κ
falls with N, D* ∝ C/(κ(N*)·N*) moves by 1 + d ln κ/d ln N as much.

Beside the widths that the answer then has, `python benchmarks/expected.py` prints, as the median ratio of the expected
one to that which came,

    C over the largest budget   N*: 1     10     100    L*: 1     10     100
    20 simulated tables         1.73   1.31    1.34      1.50   1.19    1.10
    4 published tables          1.42   0.75    0.50      1.63   1.13    1.01

so that it is right within a factor 1.5 beyond the runs, where it is asked for, but for N* a hundredfold beyond: the
optimum of the published sweeps drifts by 0.24 to 0.37 where the prior has its median at 0.15.

    >>> import numpy as np
    >>> n = np.tile(np.geomspace(1e7, 1e9, 7), 5)
    >>> c = np.repeat(np.geomspace(1e18, 1e20, 5), 7)
    >>> (found,) = expected_intervals(n, c / (6 * n), c, [1e21])
    >>> f"N* within a factor {np.exp(found.n_params.typical):.1f}, L* within {found.loss.typical:.1%}"
    'N* within a factor 1.4, L* within 2.0%'
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from flopscape.fitting.drifting_law import drift, law
from flopscape.fitting.drifting_law.cells import Cells, center_of, planned_cells
from flopscape.fitting.drifting_law.curve import Curves
from flopscape.fitting.drifting_law.discrepancy import Discrepancy
from flopscape.fitting.drifting_law.posterior import SCALE_PRIORS, Scales
from flopscape.fitting.drifting_law.shares import Shares
from flopscape.laws.law import Array, Compute
from flopscape.runs.table import RunTable

TRUTHS = 16
SEED = 8
"""Of the pairing of the parts: of a dozen the one whose medians are nearest to those of 512 truths, within 0.1."""
HALF = 1.96
"""Standard deviations in half of a 95 % interval of a normal distribution."""
GUESS = 0.3 * float(np.log(10.0))
"""How far the middle of a sweep's sizes is from N*, as a standard deviation in ln N: 0.3 decades."""
TYPICAL_LOSS = 3.0
"""Nats a token in the middle of a sweep, for widths in nats where nothing is known of the losses."""


class Width(NamedTuple):
    """Half the width of a 95 % interval: the median over truths, and their 10th and 90th percentile."""

    typical: float
    low: float
    high: float


class Expected(NamedTuple):
    """What to expect at C: half-widths in ln N*, in ln D*, and of L* as a part of it and in nats; NaN for no end."""

    flops: float
    n_params: Width
    n_tokens: Width
    loss: Width
    loss_nats: Width


class _Truth(NamedTuple):
    """A law of the answer, and its scales."""

    t: Array
    scales: Scales


def expected_intervals(
    n_params: Array,
    n_tokens: Array,
    flops: Array,
    asked: Sequence[float],
    noise: float | None = None,
    typical_loss: float = TYPICAL_LOSS,
) -> list[Expected]:
    """Half-widths of the answer's intervals after runs that are only planned.

    Parameters
    ----------
    n_params, n_tokens, flops : array, shape (runs,)
        N, D and C of each run, seeds one by one; FLOPs as the fits will take them, from which κ(N) follows.
    asked : sequence of float
        Compute to answer for, in FLOPs.
    noise : float, optional
        Standard deviation of a run's loss as a part of the loss, where it is known; the prior's spread, which has its
        median at 0.4 %, when left out.
    typical_loss : float
        L in the middle of the sweep, in nats, for `loss_nats`.

    Returns
    -------
    list of Expected, one for each asked compute.

    Examples
    --------
    See the head of this file.
    """
    design = _table(*(np.asarray(values, float) for values in (n_params, n_tokens, flops)))
    cells = planned_cells(design, center_of(design)._replace(loss=1.0))
    compute = Compute.from_runs(design.n_params, design.n_tokens, design.flops)
    asked = [float(c) for c in asked]
    halves = np.array([_half_widths(truth, cells, compute, asked) for truth in _truths(cells, noise)])
    halves[:, :, -1] *= typical_loss
    return [Expected(c, *map(_width, halves[:, i].T)) for i, c in enumerate(asked)]


def _width(halves: Array) -> Width:
    """Of the truths that have an optimum there."""
    known = halves[np.isfinite(halves)]
    return Width(*np.quantile(known, [0.5, 0.1, 0.9]).tolist()) if len(known) else Width(np.nan, np.nan, np.nan)


def _table(n_params: Array, n_tokens: Array, flops: Array) -> RunTable:
    count = len(n_params)
    name, place = np.arange(count).astype(str), np.arange(count)
    none, one = np.full(count, np.nan), np.ones(count)
    return RunTable("", n_params, n_tokens, flops, one, none, name, name, place, pd.DataFrame(index=place))


def _truths(cells: Cells, noise: float | None) -> Iterator[_Truth]:
    """Laws and scales of the priors, the optimum near the middle of the sizes."""
    prior_sd = law.PRIORS[law.OFFSET].sd
    # A normal prior times a normal guess: precisions add up, and the middle is the mean weighted by them. x of the
    # middle is zero at 20 tokens a parameter, where the prior has its own.
    offset_sd = 1 / np.hypot(1 / prior_sd, 1 / GUESS)
    offset = float(np.average(cells.x, weights=cells.count)) * (offset_sd / GUESS) ** 2
    mean, sd = (np.array([getattr(prior, part) for prior in law.PRIORS]) for part in ("mean", "sd"))
    # Losses are in units of that in the middle, which therefore is one.
    mean[law.OFFSET], sd[law.OFFSET], sd[0] = offset, offset_sd, 0.0
    middle, spread = (np.array(scales) for scales in SCALE_PRIORS)
    for normal in _even(len(mean) + len(middle)):
        scales = middle * np.exp(spread * normal[len(mean) :])
        if noise is not None:
            scales[0] = noise
        yield _Truth(np.append(mean + sd * normal[: len(mean)], np.zeros(drift.MODES)), Scales(*scales.tolist()))


def _even(columns: int) -> Array:
    """Normal numbers (truths, columns), in each column the middles of equally likely parts in another random order.

    This is a Latin hypercube (McKay, Beckman & Conover 1979, doi 10.1080/00401706.1979.10489755).
    """
    rng = np.random.default_rng(SEED)
    order = np.stack([rng.permutation(TRUTHS) for _ in range(columns)], axis=1)
    return np.asarray(ndtri((order + 0.5) / TRUTHS))


def _half_widths(truth: _Truth, cells: Cells, compute: Compute, asked: Sequence[float]) -> list[list[float]]:
    """Of ln N*, ln D*, and L* as a part of it and of the loss in the middle, for each asked compute."""
    discrepancy = Discrepancy.around(cells.x, cells.u, drift.reach_of(cells.u), truth.t[:6])
    # The discrepancy is as likely up as down: the typical law has none.
    curves = Curves(cells.center, discrepancy, compute, truth.t[None], np.zeros((1, sum(discrepancy.sizes))))
    shares = Shares.after(curves, cells, truth.scales)
    found = []
    for c in asked:
        half = {name: HALF * shares.sd(gradient) for name, gradient in shares.of_optimum(c).items()}
        lowest, log_n = _optimum(truth, cells, compute, c)
        n, of_loss = half.get("n_params", np.nan), half.get("loss", np.nan)
        found.append([n, n * abs(1 + float(compute.curve(log_n)[1][0])), of_loss / lowest, of_loss])
    return found


def _optimum(truth: _Truth, cells: Cells, compute: Compute, flops: float) -> tuple[float, Array]:
    """L* and ln N* of a law without drift: u hangs on κ(N*), which changes slowly, so that a few rounds settle it."""
    log_n = np.full(1, cells.center.log_n)
    for _ in range(1 if compute.is_constant else 4):
        u = log_n + compute.tokens(log_n, flops) - cells.center.log_product
        log_n = cells.center.log_n + truth.t[law.OFFSET] + truth.t[law.SLOPE] * u
    return float(law.lowest_and_rise(truth.t[:6], log_n - cells.center.log_n, u)[0][0]), log_n


def as_json(expected: Sequence[Expected]) -> list[dict[str, Any]]:
    """Names and numbers of each; a width that is not known is null."""
    return [
        {"flops": one.flops} | {name: _json(width) for name, width in one._asdict().items() if name != "flops"}
        for one in expected
    ]


def _json(width: Width) -> dict[str, float] | None:
    return width._asdict() if np.isfinite(width.typical) else None
