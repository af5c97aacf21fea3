"""What allocation and loss share: optima, fits with bands and asked budgets against compute on log axes."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes

from flopscape.figures import style
from flopscape.figures.paths import Path, path
from flopscape.figures.tables import Tables
from flopscape.figures.whiskers import drawn_ends
from flopscape.fitting.isoflop.curves import has_curve
from flopscape.records.fit_parts import Vertex
from flopscape.records.fit_result import FitResult

Quantity = Literal["n_params", "n_tokens", "loss"]
NORMAL_95 = 1.96
STANDARD_ERRORS = {"n_params": "se_log_n_params", "n_tokens": "se_log_n_params", "loss": "se_loss"}
BESIDE = 0.016
"""Distance between two fits' marks at one budget, as a part of the axis."""
BEYOND = 2.0
"""The axis reaches this factor beyond the numbers shown."""
FARTHEST = 30.0
"""The y axis reaches at most this factor beyond the central values, however wide an interval is."""


def span(data: Tables) -> tuple[float, float] | None:
    """Compute from the smallest to the largest number shown: sampled, fitted or asked for."""
    # Asked budgets may lie decades beyond the runs, and an axis that ends at the runs would hide the answer.
    asked_flops = [p.flops for fit in data.fits.values() for p in fit.predictions]
    shown = [*(data.sampled_flops or ()), *asked_flops]
    return (min(shown) / BEYOND, max(shown) * BEYOND) if shown else None


def panel(axes: Axes, data: Tables, quantity: Quantity) -> None:
    """One quantity against C: optima, each fit's line with band, asked budgets with intervals, extrapolation shaded."""
    ends = span(data)
    if ends is None:
        return
    flops = np.geomspace(ends[0] * BEYOND, ends[1], 121)  # below the smallest run κ(N) is not known
    axes.set_yscale("log")
    runs = data.completed
    axes.scatter(runs.flops, runs[quantity], s=9, color="0.72", label="run", rasterized=len(runs) > style.RASTER)
    # What must stay readable: optima, lines and estimates, but no end of an interval. See `_limits`.
    central = [*_optima(axes, data, quantity)] or runs[quantity].tolist()
    fitted = {name: fit for name, fit in data.fits.items() if fit.status != "refused"}
    for place, (name, colour, line, marker) in enumerate(style.fit_looks(list(fitted))):
        fit = fitted[name]
        drawn = path(fit, data.draws.get(name), quantity, flops)
        if drawn is None and not any(getattr(p, quantity) for p in fit.predictions):
            continue
        axes.plot(
            [], [], color=colour, linestyle=line if drawn else "none", marker=marker, label=f"{name}, asked budgets"
        )
        if drawn is not None:
            _line(axes, flops, drawn, colour, line)
            central.extend(drawn.centre[np.isfinite(drawn.centre)])
        # A part of the axis's length is a power of its ends' ratio, for the axis is logarithmic.
        shift = (ends[1] / ends[0]) ** (BESIDE * (place - (len(fitted) - 1) / 2))
        central.extend(_asked(axes, fit, quantity, colour, marker, shift))
    _limits(axes, central)
    axes.set_xlim(*ends)
    _shade(axes, data, ends)


def _line(axes: Axes, flops: np.ndarray, drawn: Path, colour: str, line: Any) -> None:
    axes.plot(flops, drawn.centre, color=colour, linestyle=line, zorder=3)
    if drawn.low is not None and drawn.high is not None:
        axes.fill_between(flops, drawn.low, drawn.high, color=colour, alpha=0.16, linewidth=0)


def _optima(axes: Axes, data: Tables, quantity: Quantity) -> list[float]:
    """Per-budget optima with their standard errors; excluded ones hollow."""
    central = []
    of_budgets = [vertex for fit in data.fits.values() for vertex in fit.vertices if has_curve(vertex.curve)]
    placed = [vertex for vertex in of_budgets if (getattr(vertex, quantity) or 0) > 0]
    # Used ones first, so that they come first in the legend.
    for used, face in ((True, "black"), (False, "white")):
        group = [vertex for vertex in placed if vertex.used is used]
        if not group:
            continue
        values = [getattr(vertex, quantity) for vertex in group]
        label = "optimum of a budget ± 1.96 s.e." if used else "excluded budget"
        axes.errorbar(
            [vertex.budget for vertex in group], values, yerr=_bars(group, quantity) if used else None, fmt="o",
            color="black",
            markerfacecolor=face, markersize=5.5, capsize=2.5, linewidth=1, label=label, zorder=4,
        )  # fmt: skip
        central += values if used else []
    return central


def _bars(optima: Sequence[Vertex], quantity: Quantity) -> np.ndarray:
    """Lengths of the error bars, shape (2, n): symmetric in ln N and ln D, and in the loss itself."""
    errors = np.array([NORMAL_95 * (getattr(vertex, STANDARD_ERRORS[quantity]) or 0.0) for vertex in optima])
    if quantity == "loss":
        return np.stack([errors, errors])
    # An error of ln N is a factor: the bar reaches from N·e^−δ to N·e^δ. Along C = κ·N·D that of ln D is the same.
    values = np.array([getattr(vertex, quantity) for vertex in optima])
    return np.stack([values * (1 - np.exp(-errors)), values * (np.exp(np.minimum(errors, 50)) - 1)])


def _asked(axes: Axes, fit: FitResult, quantity: Quantity, colour: str, marker: str, shift: float) -> list[float]:
    """Predictions at the asked budgets, a little beside one another so that intervals do not hide each other."""
    central = []
    for prediction in fit.predictions:
        number = getattr(prediction, quantity)
        if number is None:
            continue
        x = prediction.flops * shift
        if number.low is not None or number.high is not None:
            axes.plot([x, x], drawn_ends(number, least=0.0), color=colour, linewidth=1.4, marker="_", zorder=4)
        axes.plot([x], [number.estimate], marker=marker, color=colour, markeredgecolor="white", markersize=8, zorder=5)
        central.append(number.estimate)
    return central


def _limits(axes: Axes, central: Sequence[float]) -> None:
    """Keep a runaway interval from flattening everything else."""
    positive = [value for value in central if 0 < value < np.inf]
    if positive:
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, min(positive) / FARTHEST), min(high, max(positive) * FARTHEST))


def _shade(axes: Axes, data: Tables, ends: tuple[float, float]) -> None:
    """Grey where no run was made."""
    if data.sampled_flops is None:
        return
    low, high = data.sampled_flops
    # The shade begins a little outside, so that the marks of the outermost budgets stand on white.
    for left, right, label in ((ends[0], low / 1.15, None), (high * 1.15, ends[1], "beyond the sweep")):
        if right > left:
            axes.axvspan(left, right, color="0.93", linewidth=0, zorder=0, label=label)
