"""The picture of a comparison: the compute multiplier with its band, and below it the lowest losses, over compute."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flopscape.comparison.results import AtCompute, Comparison, Pair, Range
from flopscape.comparison.verdict import verdict
from flopscape.errors import joined
from flopscape.figures import frame, style
from flopscape.laws.law import Array

FARTHEST = 3.0
"""The axis of the multiplier reaches at most this factor beyond the estimates, however wide a band is."""
FAR = 1e9
"""Stands for an open end of a band."""
ALPHA = 0.16
ROOM = 1.1
"""Factor below the smallest budget, so that its points are whole."""


def draw(found: Comparison) -> Figure:
    """One line with a band for each pair, and one for each recipe; what no run reaches is shaded."""
    figure = frame.page(8.2, 7.0)
    above, below = figure.subplots(2, 1, sharex=True)
    multipliers(above, found)
    for name, colour, line, marker in style.fit_looks(found.recipes):
        pair, losses = _losses(found, name)
        _band(below, pair.curve, losses, colour, line, name)
        _points(below, _measured(pair, name), colour, marker)
    _shade(below, found)
    style.loss_axis(below, f"L*, {found.pairs[0].rests_on.loss_unit}")
    style.flops_axis(below)
    for axes, title in ((above, "compute for equal loss"), (below, "")):
        axes.legend(title=title or None, loc="best")
    notes = [verdict(pair) for pair in found.pairs]
    return frame.finish(figure, f"{joined(found.recipes)} compared", notes, found.simulated)


def multipliers(axes: Axes, found: Comparison) -> None:
    """The multiplier of each pair with its band against compute, in axes of anyone's."""
    looks = list(style.fit_looks([f"{pair.a}'s over {pair.b}'s" for pair in found.pairs]))
    for pair, (name, colour, line, _) in zip(found.pairs, looks, strict=True):
        _band(axes, pair.curve, [at.multiplier for at in pair.curve], colour, line, name)
    _multiplier_axis(axes, found)
    _shade(axes, found)


def _losses(found: Comparison, name: str) -> tuple[Pair, list[Range]]:
    """A recipe's lowest losses, by the first pair that it is in."""
    pair = next(pair for pair in found.pairs if name in (pair.a, pair.b))
    return pair, [at.loss_a if name == pair.a else at.loss_b for at in pair.curve]


def _measured(pair: Pair, name: str) -> list[tuple[float, Range]]:
    """Each budget's own lowest loss of a recipe, by the budget in FLOPs."""
    told = [(one.budget, one.loss_a if name == pair.a else one.loss_b) for one in pair.single_budgets]
    return [(budget, loss) for budget, loss in told if loss is not None]


def _points(axes: Axes, measured: Sequence[tuple[float, Range]], colour: Any, marker: Any) -> None:
    """Lowest losses with their intervals, which the curves were not fitted to but ought to pass."""
    if measured:
        flops, losses = zip(*measured, strict=True)
        estimate, low, high = (
            _array([getattr(one, end) for one in losses], np.nan) for end in ("estimate", "low", "high")
        )
        axes.errorbar(
            flops, estimate, [estimate - low, high - estimate], fmt=marker, color=colour, markersize=5, linewidth=1.0
        )


def _band(axes: Axes, curve: Sequence[AtCompute], values: Sequence[Range], colour: Any, line: Any, name: str) -> None:
    flops = [at.flops for at in curve]
    low, high = (
        _array([getattr(one, end) for one in values], open_) for end, open_ in (("low", 1 / FAR), ("high", FAR))
    )
    axes.plot(flops, _array([one.estimate for one in values], np.nan), color=colour, linestyle=line, label=name)
    axes.fill_between(flops, low, high, color=colour, alpha=ALPHA, linewidth=0)


def _array(values: Sequence[float | None], nothing: float) -> Array:
    return np.array([nothing if value is None else value for value in values])


def _multiplier_axis(axes: Axes, found: Comparison) -> None:
    """Logarithmic, with a line at one, and no longer than the estimates need."""
    told = [at.multiplier for pair in found.pairs for at in pair.curve if at.multiplier.estimate]
    values = [1.0, *(one.estimate for one in told if one.estimate)]
    ends = [end for one in told for end in (one.low, one.high) if end]
    low, high = min(values) / FARTHEST, max(values) * FARTHEST
    axes.set_ylim(max(low, min([*ends, *values]) / 1.05), min(high, max([*ends, *values]) * 1.05))
    axes.axhline(1.0, color="0.35", linewidth=1.0)
    style.log_axis(axes.yaxis, style.tick_count)
    axes.set_ylabel("compute multiplier")


def _shade(axes: Axes, found: Comparison) -> None:
    """Grey beyond the compute that all recipes have runs of."""
    top = min(pair.top for pair in found.pairs)
    ends = found.pairs[0].curve[0].flops, found.pairs[0].curve[-1].flops
    axes.set_xlim(ends[0] / ROOM, ends[1])
    if ends[1] > top:
        axes.axvspan(top, ends[1], color="0.93", linewidth=0, zorder=0, label="beyond the sweeps")
