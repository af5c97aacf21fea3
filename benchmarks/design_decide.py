"""What `flopscape next --compare` buys, beside other ways to spend as much: on simulated pairs of recipes.

The error is that of ln m by the joint fit of all runs, the width that of its interval, both beside those of the
finished runs alone. With it stands whether the expected interval came, and whether as many were decided as expected.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from compare import GAINS, Gain, tables
from design_ladder import N_SURFACES
from design_next import two, within
from ten_truths import BUDGETS, FACTORS, SIGMA, Truth, truths

from flopscape.comparison.compare import LEVEL, fitted
from flopscape.comparison.model import FREE_FLOORS
from flopscape.comparison.multiplier import multiplier
from flopscape.comparison.recipes import Recipe
from flopscape.design.decide import Decision, Side, decision, standing_of
from flopscape.design.next_runs import Spend
from flopscape.design.offers import NOBODY, Offers
from flopscape.laws.law import Array, Index
from flopscape.runs.read import table_of
from flopscape.runs.table import RunTable
from flopscape.text.terminal import aligned

TRIED = (GAINS[0], GAINS[2], GAINS[5])
"""None, a factor 1.3 of data, and a lower floor, in turn."""
FARTHEST = 6.0
"""Largest |ln m| that counts."""


class Bought(NamedTuple):
    """N, D and C of runs, whether each is of B, and which of them share noise: the same number for both of a pair."""

    points: Array
    is_b: Array
    pair: Array


class Found(NamedTuple):
    """ln m, and the ends of its interval."""

    estimate: float
    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low

    @property
    def decides(self) -> bool:
        return self.low > 0 or self.high < 0


def compared(a: RunTable, b: RunTable, flops: float) -> Found:
    _, curves = fitted(Recipe("a", a), Recipe("b", b), [], True)
    found = multiplier(curves[FREE_FLOORS], np.array([flops]), LEVEL)
    return Found(*(float(np.clip(values[0], -FARTHEST, FARTHEST)) for values in found))


def of_offers(offers: Offers, taken: Index) -> Bought:
    places = offers.places[taken]
    runs, pair = places.ravel(), np.repeat(np.arange(len(places)), 2)
    kept = runs != NOBODY
    columns = np.stack([offers.column(name) for name in ("n_params", "n_tokens", "flops")], axis=1)
    return Bought(columns[runs[kept]], offers.is_b[runs[kept]], pair[kept])


def seeds_of_all(a: RunTable, b: RunTable) -> Bought:
    both = [np.stack([one.n_params, one.n_tokens, one.flops], axis=1) for one in (a, b)]
    return Bought(np.vstack(both), np.repeat([False, True], [len(a), len(b)]), np.tile(np.arange(len(a)), 2))


def finished(
    a: RunTable, b: RunTable, new: Bought, truth: Truth, gain: Gain, rng: np.random.Generator, rho: float
) -> tuple[RunTable, RunTable]:
    """Both tables with the bought runs; the two of a pair have a seed of their own, and noise of the correlation ρ."""
    own, shared = rng.normal(0, SIGMA, len(new.is_b)), rng.normal(0, SIGMA, int(new.pair.max(initial=0)) + 1)
    noise = np.sqrt(rho) * shared[new.pair] + np.sqrt(1 - rho) * own
    longer = []
    for old, rows, loss in zip((a, b), (~new.is_b, new.is_b), (truth.loss, gain.of(truth)), strict=True):
        n, d, c = new.points[rows].T
        columns = {"n_params": n, "n_tokens": d, "flops": c, "budget": c, "loss": loss(n, d) + noise[rows]}
        frames = [
            pd.DataFrame({name: getattr(old, name) for name in columns} | {"seed": 0}),
            pd.DataFrame(columns | {"seed": 1 + new.pair[rows]}),
        ]
        frame = pd.concat(frames, ignore_index=True)
        longer.append(table_of(frame.assign(run_id=[f"run{i}" for i in range(len(frame))]), old.path))
    return longer[0], longer[1]


def lines(truth: Truth, place: int, seed: int, rho: float) -> Iterator[dict[str, object]]:
    """For each asked compute and way to spend what came of it."""
    gain = TRIED[seed % len(TRIED)]
    a, b = tables(truth, gain, np.random.default_rng([seed, place, 7]), rho, rho > 0)
    sides = Side(Recipe("a", replace(a, path="a"))), Side(Recipe("b", replace(b, path="b")))
    standing = standing_of(sides[0].recipe, sides[1].recipe, True)
    spend = Spend(float(a.flops.sum() + b.flops.sum()), False)
    for factor in FACTORS:
        flops = factor * float(BUDGETS[-1])
        found = decision(sides, standing, [flops], spend)
        rng = np.random.default_rng([seed, place, 9])
        order = rng.permutation(len(found.offers))
        ways = {
            "before": Bought(np.zeros((0, 3)), np.zeros(0, bool), np.zeros(0, int)),
            "next --compare": of_offers(found.offers, np.array(found.bought)),
            "one more seed of everything": seeds_of_all(a, b),
            "random": of_offers(found.offers, within(order, found.offers.cost(spend), spend.amount)),
        }
        true = gain.log_m(truth, flops)
        for way, new in ways.items():
            noise = np.random.default_rng([seed, place, 11])
            said = compared(*finished(a, b, new, truth, gain, noise, rho), flops)
            own = expected(found) if way == "next --compare" else {}
            yield own | {
                "way": way, "factor": factor, "width": said.width, "error": said.estimate - true, "runs": len(new.is_b),
                "holds": said.low <= true <= said.high, "decided": said.decides, "case": f"{place} {seed} {factor}",
            }  # fmt: skip


def expected(found: Decision) -> dict[str, object]:
    (at,) = found.targets
    ends = [
        FARTHEST if not end else abs(np.log(end)) * np.sign(np.log(end)) for end in (at.expected.low, at.expected.high)
    ]
    return {"expected": ends[1] - ends[0], "likely": at.over_all}


def table(count: int, rho: float) -> str:
    """A line for each kind of truth and way to spend: so many pairs of tables of each of the ten truths."""
    found = []
    for place, truth in enumerate(truths()):
        kind = "surfaces" if place < N_SURFACES else "others"
        found += [{"kind": kind} | line for seed in range(count) for line in lines(truth, place, seed, rho)]
        print(f"decide: {truth.name}", file=sys.stderr)
    frame = pd.DataFrame(found)
    before = frame[frame["way"] == "before"].set_index("case")
    frame["narrower"] = frame["width"] / frame["case"].map(before["width"])
    frame["came"] = frame["expected"] / frame["width"]
    names = ("width", "error", "holds", "decided", "expected")
    rows = [["", "", *(f"{name} ×{factor:g}" for name in names for factor in FACTORS), "runs"]]
    for (kind, way), own in frame.groupby(["kind", "way"], sort=False):
        rows.append([str(kind), str(way), *_cells(own, frame[(frame["kind"] == kind) & (frame["way"] == "before")])])
    return aligned(rows, right=range(2, len(rows[0])))


def _cells(own: pd.DataFrame, before: pd.DataFrame) -> list[str]:
    at, first = own.groupby("factor"), before.groupby("factor")
    rms = at["error"].agg(_rms) / first["error"].agg(_rms)
    likely = [two(x) if np.isfinite(x) else "" for x in at["came"].median()]
    shares = [
        two(share) + (f" ({two(guess)})" if np.isfinite(guess) else "")
        for share, guess in zip(at["decided"].mean(), at["likely"].mean(), strict=True)
    ]
    return [*map(two, at["narrower"].median()), *map(two, rms), *map(two, at["holds"].mean()), *shares, *likely,
            f"{own['runs'].mean():.0f}"]  # fmt: skip


def _rms(values: pd.Series) -> float:
    return float(np.sqrt((values**2).mean()))


def decide(count: int) -> str:
    """Without and with pairs."""
    head = (
        f"As much again spent after {10 * count} pairs of sweeps: median width of the interval of ln m and RMS error "
        "beside before,\nhow often the interval holds the truth, how often it decides (and was to be expected to), and "
        "the expected width over that which came"
    )
    parts = [f"{name}\n{table(count, rho)}" for name, rho in (("no pairs", 0.0), ("pairs, ρ = 0.5", 0.5))]
    return "\n\n".join([head, *parts])
