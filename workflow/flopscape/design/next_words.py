"""What `flopscape next` prints: the intervals today and expected, the runs in their order, and what is worth buying."""

from collections.abc import Iterator

import numpy as np

from flopscape.design.candidates import BETWEEN, KINDS, LARGER, SEED, SMALLER, WIDER
from flopscape.design.next_runs import NextRuns
from flopscape.design.told import BELIEFS
from flopscape.laws.law import Array
from flopscape.plan.coverage import LEAST_NARROWED
from flopscape.records.fit_result import Estimate
from flopscape.text import numbers
from flopscape.text.terminal import aligned

FEW = 8
"""Runs below which a law is hardly known."""
SHOWN = 20
"""Runs that are printed; the file of --out has all of them."""
AS_GOOD = 0.8
"""Part of what the list gains, from which on a kind of runs alone is as good a use of the money."""
NAMES = {
    SEED: "More seeds of runs that exist",
    BETWEEN: "Sizes between those of the budgets that exist",
    WIDER: "Wider sizes at budgets that exist",
    LARGER: "Larger budgets",
    SMALLER: "Smaller budgets",
}


def text(found: NextRuns, name: str) -> str:
    """Everything, for the terminal."""
    return "\n".join([*_head(found, name), "", *_intervals(found), "", *_runs(found), "", *sentences(found)])


def _head(found: NextRuns, name: str) -> Iterator[str]:
    spent = f"{found.spend.words(float(found.cost.sum()))} of {found.spend.words()}"
    asked = ", ".join(numbers.flops(c) for c in found.targets)
    yield f"Next runs for {name}, after {numbers.plural(found.table.n_runs, 'finished run')}; asked: {asked} FLOPs"
    runs, candidates = numbers.plural(len(found.bought), "run"), numbers.plural(len(found.candidates), "candidate")
    yield f"{runs} of {candidates}, for {spent}"
    if found.candidates.left_out:
        rows = numbers.plural(found.candidates.left_out, "row")
        yield f"{rows} of the pool left out: sizes too far from the optimum at their compute for a law to be trusted"
    if found.pending:
        waiting = numbers.plural(found.pending, "run")
        yield f"{waiting} of the plan without a result: all that follows counts them as finished, and not as bought"


def _intervals(found: NextRuns) -> Iterator[str]:
    """Each interval today and after the runs, with all that the law may miss; and what the law alone would gain."""
    for i, (target, today) in enumerate(zip(found.targets, found.today, strict=True)):
        rows = [
            [f"at {numbers.flops(target)} FLOPs", "95 % today", "expected with these runs", "", "if the law is exact"]
        ]
        for label, estimate, write, j in (
            ("N*", today.n_params, numbers.count, 0),
            ("D*", today.n_tokens, numbers.count, 0),
            ("L*", today.loss, numbers.loss, 1),
        ):
            left, of_law = (float(found.left[name][-1][i, j]) for name in BELIEFS)
            after = narrowed(estimate, left)
            expected = numbers.bounds(after, write) if after else numbers.NOTHING
            rows.append([label, numbers.interval(estimate, write), expected, _change(left), _change(of_law)])
        yield aligned(rows)


def narrowed(today: Estimate | None, left: float) -> Estimate | None:
    """An interval whose ends are nearer to the estimate, in logarithms, by the part that is left of their distance.

    >>> after = narrowed(Estimate(4.0, 1.0, 16.0), 0.5)
    >>> after.low, after.high
    (2.0, 8.0)
    """
    if today is None or not np.isfinite(left):
        return None
    ends = (
        None if not end else float(today.estimate * (end / today.estimate) ** left) for end in (today.low, today.high)
    )
    return Estimate(today.estimate, *ends)


def _change(left: float) -> str:
    return numbers.NOTHING if not np.isfinite(left) else f"{percent(1 - left)} narrower"


def percent(part: float) -> str:
    """A part in per cent, with one digit behind the point below ten.

    >>> percent(0.034), percent(0.34)
    ('3.4 %', '34 %')
    """
    return f"{100 * part:.0f} %" if part >= 0.0995 else f"{100 * part:.1f} %"


def _runs(found: NextRuns) -> Iterator[str]:
    """A line a run: by how much the intervals become narrower with it, after those above it, the mean over targets."""
    bought, unit = found.bought, _unit(found)
    usd = ["USD"] if bought.usd is not None else []
    gains = [_mean(-np.diff(found.left[name], axis=0)) for name in BELIEFS]
    per_cost = [_per_cost(gain, found.cost / unit[0]) for gain in gains]
    head = ["", "N", "D", "FLOPs", *usd, "N*, D*", "L*", unit[1], "N*, D*", "L*", unit[1], "what"]
    rows = [head]
    for i in range(min(len(bought), SHOWN)):
        money = [numbers.money(float(bought.usd[i]))] if bought.usd is not None else []
        row = [f"{i + 1}", numbers.count(bought.n_params[i]), numbers.count(bought.n_tokens[i])]
        row += [f"{bought.flops[i]:.3g}", *money]
        for gain, per in zip(gains, per_cost, strict=True):
            row += [*(_part(value) for value in gain[i]), f"{100 * per[i]:.2g}"]
        rows.append([*row, str(found.bought_kind[i])])
    yield "by how many per cent of today's width a run narrows the intervals, with what the law may miss and without"
    yield aligned(rows, right=range(len(head) - 1))
    if len(bought) > SHOWN:
        yield f"and {numbers.plural(len(bought) - SHOWN, 'run')} more, which --out writes"


def _unit(found: NextRuns) -> tuple[float, str]:
    """What a gain is told per: a dollar, or the power of ten of FLOPs that is about a tenth of what is spent."""
    if found.spend.in_usd:
        return 1.0, "per $"
    power = int(np.floor(np.log10(found.spend.amount))) - 1
    return 10.0**power, f"per {numbers.flops(10.0**power)}"


def _mean(narrower: Array) -> Array:
    """Over the targets, (runs, quantities); NaN where none is known."""
    known = np.isfinite(narrower)
    count = np.maximum(known.sum(axis=1), 1)
    return np.where(known.any(axis=1), np.where(known, narrower, 0.0).sum(axis=1) / count, np.nan)


def _per_cost(gain: Array, cost: Array) -> Array:
    """The mean of both quantities over the cost."""
    known = np.isfinite(gain)
    return np.asarray(np.where(known, gain, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1) / cost)


def _part(value: float) -> str:
    return numbers.NOTHING if not np.isfinite(value) else f"{100 * value:.1f}"


def _why_rough(found: NextRuns) -> list[str]:
    """A caution where so little is known that a gain by linear arithmetic is no more than a hint.

    `python benchmarks/expected.py --only next --simulated 12` prints, as medians of the part that is left of the widths
    of N* and L*, and of |ln(expected/came)|,

        finished runs    N*: came  expected  off    L*: came  expected  off
         1               0.25      0.16      0.45   0.22      0.19      0.17
         3               0.34      0.51      0.34   0.24      0.31      0.20
         7               0.53      0.63      0.16   0.36      0.49      0.22
        14               0.74      0.88      0.17   0.62      0.69      0.10
        35               0.90      0.97      0.07   0.82      0.84      0.10

    so that a gain of 84 % after one run is about what comes, and later ones are told too small rather than too large.
    Medians over sixteen draws of the posterior, each with a linear model of its own, are nearer for N* after one run
    (0.32, off by 0.24), farther after three (0.53, 0.44), and otherwise the same.
    """
    count = found.table.n_runs
    if count >= FEW:
        return []
    return [
        f"After {numbers.plural(count, 'run')} all of this is rough: the law itself is still open, and the gains are "
        "worked out as if it were nearly known; on simulated sweeps the widths that came differed from these by a "
        "factor 1.5 either way. Buy a part, and ask again."
    ]


def sentences(found: NextRuns) -> list[str]:
    """What the same money does on one kind of runs alone, and which kinds are worth it."""
    best = found.most_narrowed
    if found.is_nothing_worth_it:
        return [
            f"Nothing is worth it: all that {found.spend.words()} buys narrows no interval by more than "
            f"{percent(max(best.values()))}, not even if the law is exact. Spend more at once, or ask for less compute."
        ]
    said = [_of_kind(found, kind) for kind in KINDS if kind in found.of_kind]
    if best["all"] < LEAST_NARROWED:
        said.append(
            f"If the law misses something, nothing is worth it: no interval becomes narrower by more than "
            f"{percent(best['all'])}, against {percent(best['law'])} if the law is exact."
        )
    return [*_why_rough(found), *said]


def _of_kind(found: NextRuns, kind: str) -> str:
    """Whether all money on one kind of runs would do as well as the list, and what it would do."""
    left = found.of_kind[kind]
    parts = [_parts(1 - left[name]) for name in BELIEFS]
    as_good = [gained(left[name]) >= AS_GOOD * gained(found.left[name][-1]) for name in BELIEFS]
    verdict = {
        (True, True): "alone as good as the list",
        (True, False): "alone as good as the list if the law misses something, and less if it is exact",
        (False, True): "alone as good as the list if the law is exact, and less if it misses something",
        (False, False): "alone less than the list",
    }[as_good[0], as_good[1]]
    told = f"all the money on them narrows {parts[0]}, and {parts[1]} if the law is exact"
    return f"{NAMES[kind]}: {verdict}; {told}."


def gained(left: Array) -> float:
    """Sum over the known targets of what the logarithm of their standard deviation falls by."""
    return float(-np.log(left[np.isfinite(left)]).sum())


def _parts(narrower: Array) -> str:
    """The two quantities, the mean over targets."""
    n, loss = _mean(narrower[None])[0]
    told = [f"{name} by {percent(value)}" for name, value in (("N*", n), ("L*", loss)) if np.isfinite(value)]
    return " and ".join(told)
