"""What `flopscape next` buys, beside other ways to spend as much: on simulated sweeps and on published tables as pools.

An error is that of the least-squares surface (fitting/surface/many_tables.py) of all runs that were bought, in ln N*
and in L*. It is not the answer's own, whose belief chose the runs: a measure by the chooser would flatter it, and
published selections are judged by a surface too.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from backtest import cuts, published
from design_ladder import N_SURFACES, REF_HALF_SPAN
from design_variants import OfAnswer, OfSurface
from ten_truths import BUDGETS, SIGMA, Truth, simulated, truths

from flopscape.design.candidates import of_table
from flopscape.fitting.backtest.cuts import Runs
from flopscape.fitting.backtest.hidden import compute_of_hidden, truths_of
from flopscape.fitting.backtest.yardstick import Truth as Yardstick
from flopscape.fitting.drifting_law.fit import Posterior, posterior
from flopscape.fitting.surface.many_tables import fit_surfaces
from flopscape.laws.law import Array, Compute, Index
from flopscape.laws.surface import Surface, closed_form_optimum
from flopscape.runs.read import table_of
from flopscape.runs.table import RunTable
from flopscape.text.terminal import aligned

TARGET = 100 * float(BUDGETS[-1])
DRAWS = 256
"""Of the posterior: its typical draw chooses, and hardly moves with more."""
WORST = 3.0
"""Most that an error of ln N* counts: surfaces of a few runs may have no optimum at all."""
STEPS = (0.05, 0.15, 0.4)
"""Parts of a pool's FLOPs that are spent one after the other, each with what the runs before have told."""
FIRST, CHEAPEST = 8, 3
"""Runs to begin with, out of so many of the cheapest budgets."""
REFERENCE = {
    "the score": [".41/.43", ".81/.93"],
    "one more seed of everything": [".70/.71", ".94/.90"],
    "two sizes at ×6 the top budget": [".85/.76", ".90/.70"],
}
"""What a prototype with another score printed: the process around a surface of design_variants.py."""
Asked = tuple[float, float, float]
"""C in FLOPs, and N* and L* there."""
Scores = Mapping[str, OfAnswer | OfSurface]
SCORE = {"the score": OfAnswer()}
"""That of the verb."""
KEPT = ("random", "largest first", "cheapest first")
REFERENCE_POOLS = {
    "the score": ["1.64/2.26", "1.06/1.22", ".88/.61"],
    "random": ["1.65/2.66", "1.34/1.93", "1.10/1.25"],
    "largest first": ["1.51/2.57", "1.21/2.37", ".96/1.50"],
    "cheapest first": ["1.93/3.08", "1.85/1.99", "1.48/1.37"],
}
"""The same of other pools: six tables with one or two budgets hidden."""


def surface_errors(n: Array, d: Array, losses: Array, asked: Sequence[Asked]) -> list[list[float]]:
    """Errors of ln N* and of L* at (C, N*, L*), of the least-squares surface of the runs."""
    surface = Surface(*(float(values[0]) for values in fit_surfaces(n, d, losses[None]).surface))
    found = []
    for flops, best, lowest in asked:
        said = closed_form_optimum(surface, flops)
        off = np.log(np.asarray(said.n_params, float) / best)
        found.append([float(np.clip(off, -WORST, WORST)), float(said.loss) - lowest])
    return found


def within(order: Index, cost: Array, spend: float) -> Index:
    """The first of an order that the money pays for, dear ones passed over."""
    taken = []
    for at in order:
        if cost[at] <= spend:
            taken.append(int(at))
            spend -= cost[at]
    return np.array(taken, int)


def ways_to_spend(table: RunTable, rng: np.random.Generator, scores: Scores) -> Iterator[tuple[str, Array]]:
    """Runs (n, 3) of N, D and C for as much as the finished sweep has cost."""
    found = posterior(table, Compute.constant(), DRAWS, 0)
    own = np.stack([table.n_params, table.n_tokens, table.flops], axis=1)
    spend = float(table.flops.sum())
    yield "before", own[:0]
    for name, score in scores.items():
        runs = _offered(found, spend, score)
        if isinstance(score, OfSurface):
            yield name, runs[score.buy(own[:, :2], table.loss, [TARGET], runs, spend)]
        else:
            yield name, runs[score.buy(found, [TARGET], runs, spend)]
    runs = _offered(found, spend, OfAnswer())
    yield "one more seed of everything", own
    flops = 6 * float(BUDGETS[-1])
    n = np.exp(found.typical.lowest(flops).log_n[0] + np.array([-0.35, 0.35]))
    yield "two sizes at ×6 the top budget", np.stack([n, flops / 6 / n, np.full(2, flops)], axis=1)
    yield "random", runs[within(rng.permutation(len(runs)), runs[:, 2], spend)]


def _offered(found: Posterior, spend: float, score: OfAnswer | OfSurface) -> Array:
    """Candidates (n, 3) of a score."""
    one = of_table(found.table, found.typical, spend, TARGET, score.half_span)
    runs = np.stack([one.n_params, one.n_tokens, one.flops], axis=1)
    return runs if score.is_below else runs[one.flops > 0.95 * found.table.flops.min()]


def on_simulated(tables: int, scores: Scores) -> str:
    """As much again is spent after a finished sweep; so many sweeps of each of the ten truths.

    A sweep is the grid that the ladder is held against (design_ladder.py): seven sizes within half a decade of a guess.
    """
    lines: list[dict[str, object]] = []
    for place, truth in enumerate(truths()):
        for seed in range(tables):
            kind = "surfaces" if place < N_SURFACES else "others"
            lines += [{"kind": kind} | line for line in _of_sweep(truth, place, seed, scores)]
        print(f"next: {truth.name}", file=sys.stderr)
    frame = pd.DataFrame(lines)
    squares = frame.groupby(["kind", "way"], sort=False)[["n", "loss"]].agg(lambda x: float(np.sqrt((x**2).mean())))
    counts = frame.groupby("way")["runs"].mean()
    rows = [["", "surfaces N*/L*", "others N*/L*", "runs", "reference"]]
    for way in dict.fromkeys(frame["way"]):
        parts = [squares.loc[kind, way] / squares.loc[kind, "before"] for kind in ("surfaces", "others")]
        said = [f"{two(part['n'])}/{two(part['loss'])}" for part in parts]
        rows.append([way, *said, f"{counts[way]:.0f}", "  ".join(REFERENCE.get(way, []))])
    head = f"As much again spent after {10 * tables} finished sweeps: RMS error of ln N* and L* at ×100, beside before"
    return f"{head}\n{aligned(rows, right=range(1, 4))}"


def _of_sweep(truth: Truth, place: int, seed: int, scores: Scores) -> Iterator[dict[str, object]]:
    table = simulated(truth, np.random.default_rng([place, seed]), REF_HALF_SPAN)
    best, lowest = truth.optimum(TARGET)
    for way, new in ways_to_spend(table, np.random.default_rng([place, seed, 1]), scores):
        noise = np.random.default_rng([place, seed, 2]).normal(0, SIGMA, len(new))
        n, d = (np.append(own, new[:, i]) for i, own in enumerate((table.n_params, table.n_tokens)))
        losses = np.append(table.loss, truth.loss(new[:, 0], new[:, 1]) + noise)
        (error,) = surface_errors(n, d, losses, [(TARGET, best, lowest)])
        yield {"way": way, "n": error[0], "loss": error[1], "runs": len(new)}


def on_pools(mirror: Path, starts: int, scores: Scores) -> str:
    """Published tables as pools, 12 cases: of four tables the largest one, two and three budgets hidden."""
    frame = pd.DataFrame([line for table in published(mirror) for line in _of_table(table, starts, scores)])
    rms = frame.groupby(["way", "step"])[["n", "loss"]].agg(lambda x: float(np.sqrt((x**2).mean())))
    cases = frame.groupby(["case", "way", "step"])[["n", "loss"]].agg(lambda x: float(np.sqrt((x**2).mean())))
    whole = rms.loc["whole pool", 1.0]
    rows = [["", *(f"{step:.0%} L*/N*" for step in STEPS), "cases better than random, L*/N*", "", "", "reference"]]
    for way in (*scores, *KEPT):
        parts = [rms.loc[way, step] / whole for step in STEPS]
        better = [
            (cases.xs((way, step), level=("way", "step")) < cases.xs(("random", step), level=("way", "step"))).sum()
            for step in STEPS
        ]
        said = [f"{two(part['loss'])}/{two(part['n'])}" for part in parts]
        wins = [f"{one['loss']}/{one['n']}" if way != "random" else "" for one in better]
        rows.append([way, *said, *wins, "  ".join(REFERENCE_POOLS.get(way, []))])
    count = frame["case"].nunique()
    head = (
        f"Published tables as pools, {count} cases, {starts} starts of {FIRST} runs of the {CHEAPEST} cheapest budgets:"
        "\nRMS error at the hidden budgets beside that of the whole pool, after so much of its FLOPs"
    )
    return f"{head}\n{aligned(rows, right=range(1, 7))}"


def _of_table(table: RunTable, starts: int, scores: Scores) -> Iterator[dict[str, object]]:
    runs = Runs.of(table)
    truth = truths_of(runs)
    for cut in cuts(runs):
        pool = table.keep(~cut.hidden, "hidden")
        spent = compute_of_hidden(runs, cut, pool)
        asked = [
            (spent[budget], float(np.exp(found.log_n_params)), found.loss)
            for budget in runs.hidden_budgets(cut)
            if isinstance(found := truth[budget], Yardstick)
        ]
        case = {"case": f"{table.path}, {cut.name}"}
        for error in surface_errors(pool.n_params, pool.n_tokens, pool.loss, asked):
            yield case | {"way": "whole pool", "step": 1.0, "n": error[0], "loss": error[1] / asked[0][2]}
        for seed in range(starts):
            for way in (*scores, *KEPT):
                yield from (case | {"way": way} | line for line in _bought(pool, scores.get(way, way), seed, asked))
        print(f"next: {case['case']}", file=sys.stderr)


def _bought(
    pool: RunTable, way: OfAnswer | OfSurface | str, seed: int, asked: list[Asked]
) -> Iterator[dict[str, object]]:
    rng = np.random.default_rng([seed, 7])
    cheapest = np.unique(pool.budget[np.isfinite(pool.budget)])[:CHEAPEST]
    have = rng.choice(np.flatnonzero(np.isin(pool.budget, cheapest)), FIRST, replace=False)
    order, rest = rng.permutation(len(pool)), 0.0
    cost = 6 * pool.n_params * pool.n_tokens
    for step, before in zip(STEPS, (0.0, *STEPS), strict=False):
        free = np.setdiff1d(np.arange(len(pool)), have)
        # What a step has left over, too little for any run, is for the next one.
        spend = rest + (step - before) * float(cost.sum())
        if isinstance(way, str):
            keys = {"random": np.argsort(order)[free], "largest first": -cost[free], "cheapest first": cost[free]}
            new = free[within(np.argsort(keys[way], kind="stable"), cost[free], spend)]
        else:
            new = free[_choice(pool, way, have, free, spend, [c for c, _, _ in asked])]
        have, rest = np.append(have, new), spend - float(cost[new].sum())
        for error in surface_errors(pool.n_params[have], pool.n_tokens[have], pool.loss[have], asked):
            yield {"step": step, "n": error[0], "loss": error[1] / asked[0][2]}


def _choice(
    pool: RunTable, score: OfAnswer | OfSurface, have: Index, free: Index, spend: float, targets: list[float]
) -> Index:
    """Places among the free runs."""
    n, d = pool.n_params, pool.n_tokens
    points = np.stack([n, d, 6 * n * d], axis=1)
    if isinstance(score, OfSurface):
        return score.buy(points[have, :2], pool.loss[have], targets, points[free], spend, score.half_span)
    bought = table_of(pd.DataFrame({"n_params": n, "n_tokens": d, "loss": pool.loss}).iloc[have], "bought")
    found = posterior(bought, Compute.constant(), DRAWS, 0)
    return score.buy(found, targets, points[free], spend, score.half_span)


def two(value: float) -> str:
    return f"{value:.2f}".removeprefix("0") if value < 1 else f"{value:.2f}"
