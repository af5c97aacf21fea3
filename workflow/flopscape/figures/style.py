"""The look of every figure: fonts, colours, markers and readable axes at any range."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from typing import Any

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullFormatter

from flopscape.text import numbers

RC: dict[Any, Any] = {
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "figure.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "grid.color": "0.9",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.title_fontsize": 8.5,
    "lines.linewidth": 1.6,
    "savefig.dpi": 150,
    "svg.fonttype": "none",
    "svg.hashsalt": "flopscape",
    "text.parse_math": False,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}
"""Text stays text in SVG: it can be searched and read aloud. The fixed salt makes the same figure the same bytes.
Dollar signs are dollar signs."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
LINES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1, 1, 1, 1, 1)))
FIT_MARKERS = ("D", "s", "^", "v", "P", "X", "*", "o")
FIT_COLOURS = ("#0072b2", "#009e73", "#d55e00", "#cc79a7", "#8c6d1f", "#56b4e9", "#000000")
"""Okabe & Ito's colours for colour-blind readers (Wong 2011, doi 10.1038/nmeth.1618), with their yellow, which is too
pale for a line on white, darkened. One fewer than the markers, so that a later fit never has the look of another."""
GREY = "0.55"
RASTER = 2000
"""From so many points on a scatter is stored as pixels: the file stays small and opens fast."""

Look = tuple[Any, str]
"""A colour and a marker."""


def sequence(number: int) -> list[tuple[float, ...]]:
    """Ordered colours, dark to light, that stay legible on white."""
    viridis = matplotlib.colormaps["viridis"]
    return [viridis(place) for place in np.linspace(0.0, 0.88, max(number, 1))]


def colormap() -> Colormap:
    """The colours of `sequence` for a continuous scale."""
    return ListedColormap(sequence(256))


def budget_looks(budgets: Sequence[float]) -> dict[float, Look]:
    """Colour and marker of each budget: never colour alone."""
    return dict(zip(budgets, zip(sequence(len(budgets)), cycle(MARKERS), strict=False), strict=False))


def fit_looks(names: Sequence[str]) -> Iterator[tuple[str, str, Any, str]]:
    """Name, colour, line style and marker of each fit: never colour alone."""
    return zip(names, cycle(FIT_COLOURS), cycle(LINES), cycle(FIT_MARKERS), strict=False)


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between two positive ends: 1-2-5 steps, decades, or every so many decades, at most `most`."""
    # Decades that hold both ends, and the fewest decades between ticks that make no more than `most`.
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    stride = max(1, math.ceil((last - first) / most))
    # From fine to coarse: the first series that is not too many.
    for mantissas in ((1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [m * 10.0**p for p in range(first, last + 1) for m in mantissas]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= most:
            return inside
    return [10.0**p for p in range(first, last + 1) if p % stride == 0 and low <= 10.0**p <= high]


class RoundLogLocator(Locator):
    """Ticks of a logarithmic axis at round numbers, for 1.1 decades as for fifteen."""

    def __init__(self, most: int = 6) -> None:
        self.most = most

    def __call__(self) -> list[float]:
        """Ticks of the axis as it is shown."""
        assert self.axis is not None
        low, high = sorted(self.axis.get_view_interval())
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Ticks between two ends of an axis."""
        if not 0 < vmin < vmax < math.inf:
            return []
        ticks = log_ticks(vmin, vmax, self.most)
        # An axis shorter than the step of the finest series has no round number of it, and gets the round numbers of a
        # linear one.
        return ticks if len(ticks) >= 2 else [t for t in MaxNLocator(3).tick_values(vmin, vmax) if vmin <= t <= vmax]


def log_axis(axis: Axis, write: Callable[[float | None], str], most: int = 6) -> None:
    """Make an axis logarithmic, its ticks round numbers written by one of text/numbers.py's functions."""
    # Public is only `set_xscale` of the axes, and here x or y is whichever axis was given.
    axis._set_axes_scale("log")  # type: ignore[attr-defined]
    axis.set_major_locator(RoundLogLocator(most))
    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    axis.set_minor_locator(LogLocator(subs=range(2, 10)))
    axis.set_minor_formatter(NullFormatter())


def tick_count(value: float | None) -> str:
    """A count without trailing zeros: 20 k."""
    return numbers.count(value, trim=True)


def flops_tick(value: float | None) -> str:
    """Compute as the tick of an axis writes it."""
    return numbers.flops(value)


def tick_loss(value: float | None) -> str:
    """A loss as short as it goes."""
    return f"{value:.4g}"


def params_axis(ax: Axes, size: str) -> None:
    """Make x the axis of N, logarithmic and labelled; `size` says what N counts."""
    log_axis(ax.xaxis, tick_count)
    ax.set_xlabel(f"N, {size}")


def flops_axis(ax: Axes, most: int = 6) -> None:
    """Make x the axis of C, logarithmic and labelled."""
    log_axis(ax.xaxis, numbers.flops, most)
    ax.set_xlabel("C, training FLOPs")


def spans_much(low: float, high: float) -> bool:
    """Whether losses range over more than a factor of four, and so ask for a logarithmic axis."""
    return low > 0 and high / low > 4


def loss_axis(ax: Axes, label: str) -> None:
    """Make y the axis of a loss, logarithmic where that ranges over more than a factor of four."""
    if spans_much(*ax.dataLim.intervaly):
        log_axis(ax.yaxis, tick_loss)
    ax.set_ylabel(label)


def colour_axis(bar: Colorbar, label: str, write: Callable[[float | None], str]) -> None:
    """A colour bar of log10 values, its ticks round numbers."""
    low, high = bar.mappable.get_clim()
    ticks = log_ticks(10**low, 10**high) if high > low else [10**low]
    bar.set_ticks([math.log10(tick) for tick in ticks], labels=[write(tick) for tick in ticks])
    bar.minorticks_off()
    bar.set_label(label)


def legend_below(figure: Figure, axes: Axes, columns: int = 3) -> None:
    """One legend under the axes, where it hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower left", ncols=columns)
