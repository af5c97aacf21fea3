"""A ladder beside a grid of budgets, at the same compute in all: how far off are N* and L* beyond the runs?

Both are run by a person whose guess of ln N* is off by 0.3 decades and its slope by 0.05. The grid, REF, has five
budgets a factor √10 apart with seven sizes within half a decade of the guess, as the shipped studies have. The ladder
is that of `sweep.ladder` with its defaults, centred by the rules of the package (flopscape/design/rung.py), with sizes
that need not be whole widths. Its scouts are paid for and leave the fits.
"""

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from ten_truths import SIGMA, Truth, truths

from flopscape.config.ladder import Ladder
from flopscape.design.rung import Losses, centers_of, line_through
from flopscape.fitting.answer import estimate
from flopscape.laws.law import Array
from flopscape.plan.rungs import LN10
from flopscape.runs.table import RunTable
from flopscape.text.terminal import aligned
from flopscape.twin.estimates import estimates

TOP = 1e20
"""Largest budget of REF, in FLOPs; the asked compute is 10 and 100 times that."""
FACTORS = (10.0, 100.0)
REF_BUDGETS, REF_SIZES, REF_HALF_SPAN = TOP * 10 ** np.linspace(-2, 0, 5), 7, 0.5 * LN10
TOTAL = float(REF_SIZES * REF_BUDGETS.sum())
"""FLOPs of all runs of either design."""
N_SURFACES = 4
"""Of the truths, the first ones."""
REACH = {"surf": (0.85, 0.70), "mis": (0.65, 0.75), "parabolas": (0.70, 0.75)}
WORST, CENTERED = 1.3, 0.06


class Guess(NamedTuple):
    """How far off ln N* and d ln N*/d ln C are that a person begins with, the former at the middle budget of REF."""

    log_n: float
    slope: float

    def at(self, truth: Truth, flops: float) -> float:
        """The guessed ln N* at C."""
        return math.log(truth.optimum(flops)[0]) + self.log_n + self.slope * math.log(flops / REF_BUDGETS[2])


class Design(NamedTuple):
    """The runs to be fitted, and the center of the largest budget."""

    table: RunTable
    top: float
    center: float


def budget_runs(truth: Truth, flops: float, center: float, half_span: float, n_sizes: int, n_seeds: int,
                rng: np.random.Generator) -> Losses:  # fmt: skip
    """Runs of one budget, with C = 6·N·D and sizes evenly spread in ln N."""
    log_n = np.repeat(np.linspace(center - half_span, center + half_span, n_sizes), n_seeds)
    n = np.exp(log_n)
    loss = truth.loss(n, flops / (6 * n)) + rng.normal(0, SIGMA, len(n))
    return Losses(flops, log_n, loss, half_span)


def ref(truth: Truth, guess: Guess, rng: np.random.Generator) -> Design:
    """The grid, around the guess."""
    runs = [budget_runs(truth, c, guess.at(truth, c), REF_HALF_SPAN, REF_SIZES, 1, rng) for c in REF_BUDGETS]
    return Design(_table(runs), TOP, guess.at(truth, TOP))


def climbed(truth: Truth, guess: Guess, rng: np.random.Generator) -> Design:
    """The ladder: scouts around the guess, each budget around the line through those below."""
    ladder = Ladder(total=TOTAL)
    half_span, flops = LN10 * ladder.scouts.half_span_dex, ladder.scouts_flops
    runs = [budget_runs(truth, flops, guess.at(truth, flops), half_span, ladder.scouts.sizes, 1, rng)]
    for share, n_sizes, n_seeds in zip(ladder.shares, ladder.counts, ladder.seeds_of_budgets, strict=True):
        flops = ladder.top_flops * share
        center = line_through(centers_of(runs)).at(math.log(flops))
        runs.append(budget_runs(truth, flops, center, LN10 * ladder.half_span_dex, n_sizes, n_seeds, rng))
    return Design(_table(runs[1:]), flops, center)


def _table(runs: Sequence[Losses]) -> RunTable:
    """Arrays that were just made need none of the checks of a table that is read."""
    n = np.exp(np.concatenate([one.log_n for one in runs]))
    flops = np.concatenate([np.full(len(one.loss), one.flops) for one in runs])
    loss, row = np.concatenate([one.loss for one in runs]), np.arange(len(n))
    return RunTable(
        "simulated", n, flops / (6 * n), flops, loss, budget=flops, run_id=row.astype(str), seed=row.astype(str),
        row=row, columns=pd.DataFrame(index=row),
    )  # fmt: skip


def of_method(method: str) -> Callable[[RunTable], Array]:
    """(ln N*, L*) of a fit by a method at each asked compute, shape (2, 2); NaN where it gives none."""
    asked = [factor * TOP for factor in FACTORS]

    def many(table: RunTable) -> Array:
        value = estimates(method, table, table.loss[None], asked, 0, 0).value[0]
        return np.array([[np.log(value[2 + 3 * i]), value[4 + 3 * i]] for i in range(len(asked))])

    def answer(table: RunTable) -> Array:
        said = estimate(table, flops=asked, bootstrap=0, seed=0)[0].predictions
        pairs = [(p.n_params.estimate, p.loss.estimate) if p.n_params and p.loss else (np.nan, np.nan) for p in said]
        return np.array([[np.log(n), loss] for n, loss in pairs])

    return answer if method == "answer" else many


def errors(truth: Truth, design: Design, method: Callable[[RunTable], Array]) -> Array:
    """Errors of (ln N*, L*) at each asked compute, shape (2, 2)."""
    known = np.array([truth.optimum(factor * TOP) for factor in FACTORS])
    return method(design.table) - np.stack([np.log(known[:, 0]), known[:, 1]], axis=1)


def off_center(truth: Truth, design: Design) -> float:
    """Decades from the center of the largest budget to its optimum."""
    return (design.center - math.log(truth.optimum(design.top)[0])) / LN10


class Cell(NamedTuple):
    """RMS errors (2, 2) of (ln N*, L*) at each asked compute by method, and decades off center (tables,)."""

    rms: dict[str, Array]
    off: Array


def cell(truth: Truth, make: Callable[..., Design], methods: Mapping[str, int], seed: int) -> Cell:
    """So many tables of one design and truth for each method, the most first in line.

    Guesses, and the stream of the noise, are those of the seed: the same for every design.
    """
    found: dict[str, list[Array]] = {method: [] for method in methods}
    off = []
    for i in range(max(methods.values())):
        rng = np.random.default_rng([seed, i])
        guess = Guess(rng.normal(0, 0.3 * LN10), rng.normal(0, 0.05))
        design = make(truth, guess, rng)
        off.append(off_center(truth, design))
        for method in (method for method, tables in methods.items() if i < tables):
            found[method].append(errors(truth, design, of_method(method)))
    return Cell({method: rms(np.array(values)) for method, values in found.items()}, np.array(off))


def rms(values: Array) -> Array:
    """Over the first axis; a fit that gave no number is left out."""
    return np.asarray(np.sqrt(np.nanmean(np.square(values), axis=0)))


def measured(methods: Mapping[str, int]) -> tuple[list[Cell], list[Cell]]:
    """The cells of REF and of the ladder, a pair for each truth."""
    pairs = []
    for seed, truth in enumerate(truths()):
        started = time.process_time()
        pairs.append([cell(truth, make, methods, seed) for make in (ref, climbed)])
        print(f"{truth.name}: {time.process_time() - started:.0f} s", file=sys.stderr, flush=True)
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def ladder(tables: int, answers: int) -> str:
    """The ladder's errors over REF's, `tables` simulated tables of each truth, `answers` for the method answer."""
    methods = {"vpnls": tables, "approach2": tables} | ({"answer": answers} if answers else {})
    before, after = measured(methods)
    ratio = {method: np.array([b.rms[method] / a.rms[method] for a, b in zip(before, after, strict=True)])
             for method in methods}  # fmt: skip
    surfaces, others, every = slice(N_SURFACES), slice(N_SURFACES, None), slice(None)
    rows = [["", "truths", *(f"{what} ×{f:g}" for f in FACTORS for what in ("N*", "L*")), "worst ×100", "to reach"]]
    for method, name, chosen in [
        ("vpnls", "surf", surfaces), ("vpnls", "mis", others), ("approach2", "parabolas", every),
        ("answer", "surf", surfaces), ("answer", "mis", others),
    ]:  # fmt: skip
        if method in methods:
            reach = REACH.get(name if method != "answer" else "")
            rows.append([method, name, *_cells(ratio[method][chosen]), _pair(reach) if reach else ""])
    parts = [
        _head(tables, answers),
        aligned(rows, right=range(2, 6)),
        _by_truth(before, after, ratio),
        _off(before, after),
    ]
    return "\n\n".join(parts)


def _cells(ratio: Array) -> list[str]:
    """Geometric means over truths of ratios (truths, 2, 2), and the worst truth's at the last compute."""
    mean = np.exp(np.log(ratio).mean(axis=0))
    return [*(f"{value:.2f}" for value in mean.ravel()), _pair(ratio.max(axis=0)[-1])]


def _pair(values: Sequence[float] | Array) -> str:
    return "/".join(f"{value:.2f}" for value in values)


def _head(tables: int, answers: int) -> str:
    few = f", {answers} for answer" if answers else ""
    return (
        f"A ladder beside five budgets × seven sizes of as much compute ({TOTAL:.3g} FLOPs): RMS errors of ln N* and "
        f"L*\nover theirs, geometric means over truths; {tables} simulated tables a truth{few}; computes in "
        f"{TOP:g} FLOPs.\nNo truth is to be worse than {WORST:g}."
    )


def _by_truth(before: Sequence[Cell], after: Sequence[Cell], ratio: Mapping[str, Array]) -> str:
    names = [f"{method} {what}" for method in ratio for what in ("N*", "L*")]
    rows = [["at ×100, over REF's", *names, "off center, dex", "REF's"]]
    for i, truth in enumerate(truths()):
        cells = [f"{value:.2f}" for method in ratio for value in ratio[method][i, -1]]
        rows.append([truth.name, *cells, *(f"{rms(one[i].off):.3f}" for one in (after, before))])
    return aligned(rows, right=range(1, len(rows[0])))


def _off(before: Sequence[Cell], after: Sequence[Cell]) -> str:
    ladder, grid = (np.concatenate([one.off for one in cells]) for cells in (after, before))
    return (
        f"The largest budget's center is {rms(ladder):.3f} decades from the optimum (RMS; half of them within "
        f"{np.median(abs(ladder)):.3f}), to reach {CENTERED:g}; REF's {rms(grid):.2f}."
    )
