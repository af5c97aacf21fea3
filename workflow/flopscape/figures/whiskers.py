"""Dot-and-whisker panels: a line a row, its estimate and its 95 % interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flopscape.records.fit_result import Estimate

ROW, REST = 0.27, 1.15
"""Height of a line, and of the axes' labels, in inches."""
TICKS = 5
"""Most intervals between ticks of a linear axis: labels such as 0.525 need their room."""
FARTHEST = 3.0
"""The axis reaches at most this many spans of the estimates beyond them, however wide an interval is."""
MARGIN = 0.08
FAR = 1e100
"""Stands for an infinite end: matplotlib draws no line to infinity, and the margin of an axis that it scales by itself
must not overflow."""


@dataclass(frozen=True)
class Row:
    """One line: its label, its numbers by panel (None: nothing to show), and how it looks; hollow is not `ok`."""

    label: str
    values: Sequence[Estimate | None]
    colour: Any = "black"
    marker: str = "o"
    hollow: bool = False


def height(rows: int) -> float:
    """Inches that so many lines need."""
    return REST + ROW * rows


def panels(figure: Figure, rows: Sequence[Row], logarithmic: Sequence[bool]) -> list[Axes]:
    """Draw one panel an entry of `logarithmic` beside each other over common lines, the first row on top."""
    axes = list(figure.subplots(1, len(logarithmic), sharey=True, squeeze=False)[0])
    for place, (one, log) in enumerate(zip(axes, logarithmic, strict=True)):
        shown = [(line, row, n) for line, row in enumerate(rows) if (n := finite(row.values[place])) is not None]
        for line, row, number in shown:
            _whisker(one, line, number, row, f"estimate-{place}-{line}")
        if log:
            one.set_xscale("log")
        else:
            one.locator_params(axis="x", nbins=TICKS)
        one.set_xlim(*limits([number for _, _, number in shown], log))
        one.grid(axis="y", visible=False)
    # From large to small, so that the first row is on top.
    axes[0].set_ylim(len(rows) - 0.4, -0.6)
    axes[0].set_yticks(range(len(rows)), [row.label for row in rows])
    for text in axes[0].get_yticklabels():
        text.set_parse_math(False)
    return axes


def finite(number: Estimate | None) -> Estimate | None:
    """The number where it is one that can be drawn, None otherwise."""
    return number if number is not None and np.isfinite(number.estimate) else None


def limits(values: Sequence[Estimate], logarithmic: bool) -> tuple[float, float]:
    """Ends of an axis: all intervals, or as much of runaway ones as leaves the estimates readable."""
    if not values:
        return (0.1, 1.0)
    # Distances are compared as they are seen, on the axis's own scale.
    scale = np.log if logarithmic else np.asarray
    centres = scale([v.estimate for v in values])
    ends = scale([[end or np.nan for end in (v.low, v.high)] for v in values])
    # Open ends are NaN, and count as no width; the median is not moved by a few runaways.
    widths = np.nan_to_num(ends[:, 1] - ends[:, 0], posinf=0.0)
    span = max(float(np.ptp(centres)), float(np.median(widths)), 1e-3)
    # To the end of the longest interval, but at most FARTHEST spans beyond the estimates.
    low = max(np.nanmin([*ends[:, 0], *centres]), centres.min() - FARTHEST * span) - MARGIN * span
    high = min(np.nanmax([*ends[:, 1], *centres]), centres.max() + FARTHEST * span) + MARGIN * span
    return (float(np.exp(low)), float(np.exp(high))) if logarithmic else (float(low), float(high))


def drawn_ends(number: Estimate, least: float = -FAR) -> tuple[float, float]:
    """Ends of the line of an interval, which runs off the axis where one is open; below `least` there is nothing.

    Examples
    --------
    >>> drawn_ends(Estimate(2e9, None, 3e9), least=0.0), drawn_ends(Estimate(0.5, 0.4, None))
    ((0.0, 3000000000.0), (0.4, 1e+100))
    """
    return least if number.low is None else number.low, FAR if number.high is None else number.high


def _whisker(axes: Axes, line: int, number: Estimate, row: Row, gid: str) -> None:
    """The dot, and its interval; an open end runs off the axis."""
    if number.low is not None or number.high is not None:
        axes.plot(drawn_ends(number), [line, line], color=row.colour, linewidth=1.6, marker="|", markersize=7, zorder=3)
    face = "white" if row.hollow else row.colour
    axes.plot(
        [number.estimate], [line], marker=row.marker, color=row.colour, markerfacecolor=face, markersize=7,
        markeredgewidth=1.4, linestyle="none", zorder=4, gid=gid,
    )  # fmt: skip
