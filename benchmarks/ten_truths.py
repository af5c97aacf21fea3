"""Ten truths that a sweep may meet, and how often each method's intervals hold them where nothing is hidden but known.

Four surfaces, and six that no surface is: the exponent of the coupled law 0.7 and 1.3 in place of 1, an optimum that
drifts up or down by 0.01·(ln(C/10²⁰))², and a cubic term in ln N of either sign, a tenth of the quadratic rise at ±0.6
decades. The six stand on the surface of Hoffmann et al. 2022. C = 6·N·D, σ = 0.01 nats a run; five budgets a factor √10
apart from 10¹⁸ to 10²⁰ FLOPs, with seven sizes within a factor 8 of a guess of N*, which is off by 0.3 decades, and by
0.05 in its slope.
"""

import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from flopscape.answers.backtest.methods import Method
from flopscape.answers.predictive import losses_of, noise_of, predictive
from flopscape.fitting.backtest.hidden import holds
from flopscape.fitting.fit import fit
from flopscape.laws import coupled
from flopscape.laws.coupled import Coupled
from flopscape.laws.law import Array, Compute, Inputs
from flopscape.laws.named_surfaces import SURFACES
from flopscape.laws.surface import Surface, closed_form_optimum
from flopscape.laws.surface import loss as surface_loss
from flopscape.records.fit_result import Estimate
from flopscape.runs.read import table_of
from flopscape.runs.table import RunTable
from flopscape.text.terminal import aligned

SIGMA = 0.01
BUDGETS = np.geomspace(1e18, 1e20, 5)
FACTORS = (1.0, 10.0, 100.0)
"""Compute asked for, in that of the largest budget."""
POINTS = 8
"""Runs that are predicted at each compute, from a factor 8 below N* to one above."""
REACH = float(np.log(8.0))


class Truth(NamedTuple):
    """Losses at N and D, and N* and L* at C."""

    name: str
    loss: Callable[[Array, Array], Array]
    optimum: Callable[[float], tuple[float, float]]


def of_surface(name: str, surface: Surface) -> Truth:
    def optimum(flops: float) -> tuple[float, float]:
        best = closed_form_optimum(surface, flops)
        return float(best.n_params), float(best.loss)

    return Truth(name, lambda n, d: surface_loss(surface, n, d), optimum)


def of_coupled(surface: Surface, gamma: float) -> Truth:
    E, A, B, alpha, beta = surface
    law = Coupled(E, A ** (1 / gamma), B ** (1 / gamma), alpha / gamma, beta / gamma, gamma)

    def optimum(flops: float) -> tuple[float, float]:
        best = coupled.optimum(law, flops, Compute.constant())
        return float(best.n_params), float(best.loss)

    return Truth(f"coupled {gamma:g}", lambda n, d: coupled.loss(law, n, d), optimum)


def of_drift(plain: Truth, sign: int) -> Truth:
    """The surface seen at ln N − δ and ln D + δ, which keeps C: N* moves by the factor e^δ, and L* stays."""

    def moved(flops: Array | float) -> Array:
        return np.asarray(np.exp(sign * 0.01 * np.log(np.asarray(flops) / 1e20) ** 2))

    def optimum(flops: float) -> tuple[float, float]:
        n, lowest = plain.optimum(flops)
        return n * float(moved(flops)), lowest

    def loss(n: Array, d: Array) -> Array:
        by = moved(6 * n * d)
        return plain.loss(n / by, d * by)

    return Truth(f"drift {sign:+d}", loss, optimum)


def of_cubic(plain: Truth, surface: Surface, sign: int) -> Truth:
    """Adds ±0.1·½·L″·w³/ln(10^0.6), w = ln(N/N*), which is flat at the optimum and leaves it where it is."""

    def loss(n: Array, d: Array) -> Array:
        best = closed_form_optimum(surface, 6 * n * d).n_params
        # L″ = α²·A·N*^−α + β²·B·D*^−β, and both terms are in the ratio β : α at the optimum.
        bend = (surface.alpha + surface.beta) * surface.alpha * surface.A * best**-surface.alpha
        return plain.loss(n, d) + sign * 0.05 * bend * np.log(n / best) ** 3 / np.log(10**0.6)

    return Truth(f"cubic {sign:+d}", loss, plain.optimum)


def truths() -> list[Truth]:
    """All ten, the surfaces first."""
    surface = SURFACES["chinchilla"]
    plain = of_surface("chinchilla", surface)
    return [
        *(of_surface(name, SURFACES[name]) for name in ("chinchilla", "asymmetric", "llama3", "soda")),
        *(of_coupled(surface, gamma) for gamma in (0.7, 1.3)),
        *(of_drift(plain, sign) for sign in (1, -1)),
        *(of_cubic(plain, surface, sign) for sign in (1, -1)),
    ]


def simulated(truth: Truth, rng: np.random.Generator, reach: float = REACH) -> RunTable:
    """One sweep of a person who guesses N* and how it grows, of sizes within ± reach of ln N of the guess."""
    offset, slope = rng.normal(0, 0.3 * np.log(10)), rng.normal(0, 0.05)
    frames = []
    for flops in BUDGETS:
        guess = np.log(truth.optimum(float(flops))[0]) + offset + slope * np.log(flops / BUDGETS[2])
        n = np.exp(guess + np.linspace(-reach, reach, 7))
        frames.append(pd.DataFrame({"n_params": n, "n_tokens": flops / (6 * n), "budget": flops}))
    frame = pd.concat(frames, ignore_index=True)
    losses = truth.loss(frame["n_params"].to_numpy(), frame["n_tokens"].to_numpy())
    run_id = [f"run{i}" for i in range(len(frame))]
    return table_of(frame.assign(loss=losses + rng.normal(0, SIGMA, len(frame)), run_id=run_id), truth.name)


def of_table(one: Method, truth: Truth, seed: int, bootstrap: int) -> list[dict[str, object]]:
    """A line for each asked compute: whether the intervals hold, and the width of that of ln N*."""
    rng = np.random.default_rng(seed)
    table = simulated(truth, rng)
    asked = [float(factor * BUDGETS[-1]) for factor in FACTORS]
    result, draws = fit(table, one.method, flops=asked, bootstrap=bootstrap, seed=one.seed, **one.own)
    lines = []
    for factor, flops, said in zip(FACTORS, asked, result.predictions, strict=True):
        best, lowest = truth.optimum(flops)
        n = np.exp(np.log(best) + np.linspace(-REACH, REACH, POINTS))
        d = flops / (6 * n)
        losses = losses_of(result, draws, Inputs(n, d, 6 * n * d, np.full(POINTS, np.inf)))
        new = truth.loss(n, d) + rng.normal(0, SIGMA, POINTS)
        noise = noise_of(table, result) if losses is not None else 0.0
        points = (
            []
            if losses is None
            else [predictive(x, noise, y)["loss_holds"] for x, y in zip(losses.T, new, strict=True)]
        )
        line: dict[str, object] = {"factor": factor, "N*": None, "width": None, "L*": None}
        if said.n_params is not None:
            logs = Estimate(*(None if x is None else float(np.log(x)) for x in vars(said.n_params).values()))
            line |= {"N*": holds(np.log(best), 0.0, logs), "width": (logs.high or np.inf) - (logs.low or -np.inf)}
        if said.loss is not None:
            line["L*"] = holds(lowest, 0.0, said.loss)
        lines.append(line | {"points": np.mean(points) if points else None})
    return lines


def coverage(methods: Sequence[Method], tables: int, bootstrap: int) -> str:
    """A table of all methods, truths that are surfaces and others apart; so many tables in all, the truths in turn."""
    known = truths()
    rows = [
        ["", "truths", *(f"{what} ×{factor:g}" for what in ("N*", "w", "L*", "points") for factor in FACTORS), "CPU s"]
    ]
    for one in methods:
        for name, chosen in (("surfaces", known[:4]), ("others", known[4:])):
            started = time.process_time()
            count = max(1, round(tables * len(chosen) / len(known)))
            lines = [
                line for seed in range(count) for line in of_table(one, chosen[seed % len(chosen)], seed, bootstrap)
            ]
            seconds = (time.process_time() - started) / count
            print(f"{one.name}: {count} tables of {name}", file=sys.stderr)
            rows.append([one.name, name, *_cells(pd.DataFrame(lines)), f"{seconds:.2f}"])
    noise = 1.96 * np.sqrt(0.95 * 0.05 / (tables / 2))
    head = (
        f"Coverage of 95 % intervals on {tables} simulated tables of ten truths (about ±{noise:.2f} each), in per cent"
    )
    return f"{head}\n{aligned(rows, right=range(2, 15))}"


def _cells(frame: pd.DataFrame) -> list[str]:
    at = frame.groupby("factor")
    shares = {name: [100 * pd.to_numeric(part[name]).mean() for _, part in at] for name in ("N*", "L*", "points")}
    widths = [pd.to_numeric(part["width"]).median() for _, part in at]
    written = {name: ["" if np.isnan(share) else f"{share:.0f}" for share in values] for name, values in shares.items()}
    return [*written["N*"], *(f"{width:.2f}" for width in widths), *written["L*"], *written["points"]]
