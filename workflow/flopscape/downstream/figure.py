"""The picture of the two steps: accuracy over the loss with the curve, and over compute along the optimum."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flopscape.downstream.results import Downstream, Refused, Target
from flopscape.downstream.words import share
from flopscape.figures import frame, style
from flopscape.records.fit_result import Estimate
from flopscape.text import numbers

COLOUR, OPTIMAL, GIVEN = style.FIT_COLOURS[0], style.FIT_COLOURS[2], style.FIT_COLOURS[1]
ALPHA = 0.18
MARGIN = 0.03


def draw(found: Downstream | Refused) -> Figure:
    """Two panels with one axis of accuracies: points are runs, marks with whiskers are predictions.

    Where no accuracy can be told, the sentence that says why.
    """
    if isinstance(found, Refused):
        return frame.nothing(f"{found.accuracy} in two steps", found.refused, found.simulated)
    figure = frame.page(10.0, 4.6)
    left, right = figure.subplots(1, 2, sharey=True)
    _band(left, found.along_loss)
    _band(right, found.along_flops)
    left.scatter([loss for _, loss, _ in found.runs], [y for *_, y in found.runs], **_point())
    right.scatter([flops for flops, *_ in found.runs], [y for *_, y in found.runs], **_point())
    for target in found.targets:
        _mark(left, target, target.loss.estimate, target.loss)
        _mark(right, target, target.flops, None)
    for axes in (left, right):
        _levels(axes, found)
    left.set_xlabel(f"{found.loss}, {found.loss_unit}")
    # To the right is better in both panels.
    left.invert_xaxis()
    left.set_ylabel(found.accuracy)
    style.flops_axis(right)
    _legend(figure, [left, right])
    return frame.finish(figure, f"{found.accuracy} in two steps", _notes(found), found.simulated)


def _point() -> dict[str, Any]:
    return {"s": 16, "color": style.GREY, "linewidth": 0, "zorder": 3, "label": "runs"}


def _band(axes: Axes, curve: Sequence[tuple[float, Estimate]]) -> None:
    if not curve:
        return
    x = [at for at, _ in curve]
    low, high = ([getattr(y, end) if getattr(y, end) is not None else y.estimate for _, y in curve] for end in ENDS)
    axes.plot(
        x, [y.estimate for _, y in curve], color=COLOUR, label="the curve, and along the optimum, with its 95 % band"
    )
    axes.fill_between(x, low, high, color=COLOUR, alpha=ALPHA, linewidth=0)


ENDS = ("low", "high")


def _mark(axes: Axes, target: Target, x: float, spread: Estimate | None) -> None:
    colour, marker = (GIVEN, "s") if target.given else (OPTIMAL, "D")
    whiskers: dict[str, Any] = {"yerr": _lengths(target.accuracy), "xerr": _lengths(spread) if spread else None}
    name = "prediction, N and D given" if target.given else "prediction at the optimum"
    look: dict[str, Any] = {"color": colour, "fmt": marker, "markersize": 5, "linewidth": 1.2, "capsize": 2}
    axes.errorbar([x], [target.accuracy.estimate], **whiskers, **look, zorder=4, label=name)


def _lengths(number: Estimate) -> list[list[float]]:
    """How far a whisker reaches below and above; not at all to an end that is open."""
    ends = (getattr(number, end) for end in ENDS)
    return [[0.0 if end is None else abs(end - number.estimate)] for end in ends]


def _levels(axes: Axes, found: Downstream) -> None:
    """Dashed lines at chance and at the ceiling, and an axis that holds what was measured and told."""
    level = found.floor.estimate if found.chance is None else found.chance
    axes.axhline(level, color="0.35", linewidth=1.0, linestyle=(0, (4, 3)), label="chance" if found.chance else "floor")
    if found.tells_ceiling:
        axes.axhline(found.ceiling.estimate, color="0.35", linewidth=1.0, linestyle=(0, (1, 2)), label="ceiling")
    told = [target.accuracy for target in found.targets]
    highest = max([y for *_, y in found.runs] + [y.high or y.estimate for y in told] + [level])
    lowest = min([y for *_, y in found.runs] + [level])
    axes.set_ylim(max(lowest - MARGIN, -MARGIN), min(highest + MARGIN, 1 + MARGIN))


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One legend below, each name once."""
    named = {
        name: handle for axes in panels for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)
    }  # fmt: skip
    figure.legend(list(named.values()), list(named), loc="outside lower left", ncols=3)


def _notes(found: Downstream) -> list[str]:
    told = [
        f"{numbers.flops(target.flops)} FLOPs{_size(target)}: {numbers.interval(target.accuracy, share)}"
        for target in found.targets
    ]
    return [*told, *found.warnings]


def _size(target: Target) -> str:
    if not target.given or target.n_params is None:
        return ""
    return f" by {numbers.count(target.n_params)} on {numbers.count(target.n_tokens)}"
