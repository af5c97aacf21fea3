"""What each thing that a sweep lacks for a good coverage costs: the expected interval with it and without it.

plan/coverage.py grades a sweep by counts: budgets, sizes at each, seeds, and how far the sizes reach. Here each of them
is put into the sweep, one at a time, and the interval of the answer that is then to be expected (design/expected.py) is
set beside that of the sweep as it is, with what the runs would cost. Runs are only added: budgets and sizes in the
widest gaps between those that are there.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from flopscape.design.expected import Expected, as_json, expected_intervals
from flopscape.fitting.drifting_law.posterior import SCALE_PRIORS
from flopscape.laws.law import Array, Compute
from flopscape.plan.coverage import GOOD_COUNT, GOOD_SEEDS, MIN_HALF_SPAN_DEX

HALF_SPAN = MIN_HALF_SPAN_DEX * float(np.log(10.0))
Sizes = dict[float, Array]
"""ln N of each run by its budget in FLOPs, budgets in ascending order."""


def more_budgets(sizes: Sizes) -> Sizes:
    """Budgets that would make their number good; what each has lies between what its neighbours have."""
    known = np.log(list(sizes))
    ends = np.array([[group.min(), group.max(), len(group)] for group in sizes.values()])
    added = [c for c in _filled(known, GOOD_COUNT) if c not in known]
    low, high, count = (np.interp(added, known, column) for column in ends.T)
    return {
        float(np.exp(c)): np.linspace(*row)
        for c, *row in zip(added, low, high, np.rint(count).astype(int), strict=True)
    }


def more_sizes(sizes: Sizes) -> Sizes:
    """Sizes that would make their number good at every budget, in as many seeds as the others there."""
    return {c: _new(group, _filled(np.unique(group), GOOD_COUNT)) for c, group in sizes.items()}


def more_seeds(sizes: Sizes) -> Sizes:
    """Seeds that would make their number good for every size."""
    counted = {c: np.unique(group, return_counts=True) for c, group in sizes.items()}
    return {c: np.repeat(log_n, np.maximum(GOOD_SEEDS - count, 0)) for c, (log_n, count) in counted.items()}


def wider(sizes: Sizes) -> Sizes:
    """A size at each end of what a budget should reach to at least."""
    middle = {c: (group.min() + group.max()) / 2 for c, group in sizes.items()}
    narrow = {c for c, group in sizes.items() if np.ptp(group) < 2 * HALF_SPAN - 1e-9}
    return {c: _new(group, middle[c] + HALF_SPAN * np.array([-1.0, 1.0])) for c, group in sizes.items() if c in narrow}


def _filled(places: Array, count: int) -> Array:
    """Places in ascending order with more in the middles of the widest gaps, until there are so many."""
    while 1 < len(places) < count:
        at = int(np.diff(places).argmax())
        places = np.insert(places, at + 1, (places[at] + places[at + 1]) / 2)
    return places


def _new(group: Array, wanted: Array) -> Array:
    """The wanted sizes that a budget has not, each as often as its own are trained."""
    seeds = round(len(group) / len(np.unique(group)))
    return np.repeat(np.setdiff1d(wanted, group), seeds)


CHANGES: dict[str, Callable[[Sizes], Sizes]] = {
    f"{GOOD_COUNT} budgets": more_budgets,
    f"{GOOD_COUNT} sizes at every budget": more_sizes,
    f"{GOOD_SEEDS} seeds of every run": more_seeds,
    f"sizes within ±{MIN_HALF_SPAN_DEX:g} dex": wider,
}
"""What a good sweep has, in words, and the sizes of the runs that one lacks for it."""


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """What plan/ask.py asks for.

    Parameters
    ----------
    question : dict
        `runs`, lists of N, D and C; `budget` of each run or null; `flops`, the asked compute.

    Returns
    -------
    dict
        `expected` of the runs as they are, and `improved`, of each lacking thing its `change` in words, the `cost` of
        the runs with it as a factor, what is `expected` then, and the part by which it `narrows` the interval that
        gains most; see `design.expected.as_json`. `assumed` are the scales in the middle of their priors, of noise,
        level and shape as parts of the loss.
    """
    runs, asked = np.array(question["runs"], float), question["flops"]
    budget = np.array([np.nan if one is None else one for one in question["budget"]], float)
    expected = expected_intervals(runs[0], runs[1], runs[2], asked)
    assumed = {name: value for name, value in SCALE_PRIORS[0]._asdict().items() if name != "own"}
    improved = list(_improved(runs, budget, asked, expected))
    return {"expected": as_json(expected), "improved": improved, "assumed": assumed}


def _improved(runs: Array, budget: Array, asked: list[float], today: Sequence[Expected]) -> Iterator[dict[str, Any]]:
    log_n, compute = np.log(runs[0]), Compute.from_runs(*runs)
    sizes = {float(c): log_n[budget == c] for c in np.unique(budget[np.isfinite(budget)])}
    for change, added in CHANGES.items() if sizes else ():
        new = [np.stack([n, compute.tokens(n, c), np.full(len(n), np.log(c))]) for c, n in added(sizes).items()]
        changed = np.concatenate([runs, *map(np.exp, new)], axis=1)
        if changed.shape[1] > runs.shape[1]:
            expected = expected_intervals(changed[0], changed[1], changed[2], asked)
            cost, narrows = float(changed[2].sum() / runs[2].sum()), _narrows(today, expected)
            yield {"change": change, "cost": cost, "narrows": narrows, "expected": as_json(expected)}


def _narrows(before: Sequence[Expected], after: Sequence[Expected]) -> float:
    """The largest part by which the interval of N* or L* becomes narrower at any asked compute, at least zero."""
    widths = np.array([[(one.n_params.typical, one.loss.typical) for one in told] for told in (before, after)])
    # An optimum that only the changed sweep is expected to find has no width before.
    found = np.isfinite(widths[1]) & ~np.isfinite(widths[0])
    parts = np.where(found, 1.0, 1 - widths[1] / widths[0])
    return max(0.0, float(np.nanmax(parts, initial=0.0)))
