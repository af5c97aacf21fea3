"""What each fit says of hidden budgets: predicted over true N* and L* with intervals, by how far was extrapolated."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flopscape.answers.backtest.scores import by_fit, score
from flopscape.answers.backtest.words import hiding, sentences
from flopscape.figures import frame, style, whiskers
from flopscape.figures.tables import Tables
from flopscape.records.backtest import Forecast
from flopscape.records.fit_result import Estimate
from flopscape.text import numbers

NORMAL_95 = 1.96
ROW, REST = 1.25, 0.65
"""Height of a fit's panels, and of the axis below them, in inches."""
WIDTH = 6.8
"""Inches: narrow enough for the text to be read on a phone."""
MOST_TICKS = 6
ABREAST = 0.7
"""Part of the room of a hidden budget that fits share which are drawn beside each other."""
Quantity = Literal["n_params", "loss"]


def draw(data: Tables) -> Figure:
    """A row of panels for each fit, N* left and L* right; the losses of hidden runs where no optimum is known."""
    title = f"{data.title}: hidden budgets and what was said of them"
    hidden = hiding(data.backtest or [])
    judged = [line for line in hidden if line.is_judged]
    if data.completed.empty or not judged:
        made = sentences(data.backtest)[0] if data.backtest else "No backtest was made."
        why = "No completed runs: there is nothing to hide." if data.completed.empty else made
        return frame.nothing(title, why, data.simulated)
    optima = [line for line in judged if line.what == "optimum"]
    shown = optima or judged
    quantities: tuple[Quantity, ...] = ("n_params", "loss") if optima else ("loss",)
    fits = by_fit(shown)
    cases = sorted({_case(line) for line in shown})
    figure = frame.page(WIDTH, ROW * len(fits) + REST)
    grid = figure.subplots(len(fits), len(quantities), sharex=True, sharey="col", squeeze=False)
    for row, (name, colour, _, marker) in zip(grid, style.fit_looks(list(fits)), strict=False):
        for axes, quantity in zip(row, quantities, strict=True):
            _panel(axes, fits[name], quantity, cases, colour, marker)
            axes.set_title(_title(name, fits[name], quantity), loc="left", fontsize=9)
    for axes, quantity in zip(grid[0], quantities, strict=True):
        _limits(axes, [_relative(line, quantity) for line in shown], quantity)
    for axes in grid[-1]:
        _ticks(axes, cases)
    return frame.finish(figure, title, [_note(bool(optima), data.loss_unit)], data.simulated)


def panel(axes: Axes, forecasts: Sequence[Forecast], quantity: Quantity) -> None:
    """All fits beside each other in axes of anyone's; words where nothing was judged."""
    judged = [line for line in hiding(forecasts) if line.is_judged]
    shown = [line for line in judged if line.what == "optimum"] or judged
    if not any(_relative(line, quantity) for line in shown):
        axes.text(0.5, 0.5, frame.wrapped(sentences(forecasts)[0], 50), ha="center", va="center")
        axes.axis("off")
        return
    fits, cases = by_fit(shown), sorted({_case(line) for line in shown})
    for place, (name, colour, _, marker) in enumerate(style.fit_looks(list(fits))):
        shift = ABREAST * ((place + 0.5) / len(fits) - 0.5)
        _panel(axes, fits[name], quantity, cases, colour, marker, shift)
        axes.plot([], [], color=colour, marker=marker, label=name)
    _limits(axes, [_relative(line, quantity) for line in shown], quantity)
    _ticks(axes, cases)
    axes.set_ylabel("predicted N* over the hidden runs' own" if quantity == "n_params" else "predicted less true L*")
    axes.legend()


def _case(line: Forecast) -> tuple[float, float, str, str]:
    """What one place on the x axis stands for: those farther beyond the fitted runs come later."""
    return line.extrapolation, line.flops, line.cut, line.run_id


def _relative(line: Forecast, quantity: Quantity) -> Estimate | None:
    """The prediction over the truth; of the loss what is beyond it, in per cent."""
    true, said = getattr(line, f"true_{quantity}"), getattr(line, quantity)
    if said is None or true is None:
        return None
    ends = (said, *(getattr(line, f"{quantity}_{end}") for end in ("low", "high")))
    ratios = [None if end is None else end / true for end in ends]
    if quantity == "loss":
        ratios = [None if ratio is None else 100 * (ratio - 1) for ratio in ratios]
    return Estimate(*ratios)  # type: ignore[arg-type]


def _panel(
    axes: Axes,
    lines: Sequence[Forecast],
    quantity: Quantity,
    cases: Sequence[Any],
    colour: Any,
    marker: str,
    shift: float = 0.0,
) -> None:
    """Intervals beside each other, the truth as a line with its own error behind them."""
    axes.axhline(1.0 if quantity == "n_params" else 0.0, color="0.35", linewidth=0.9, zorder=1)
    for line in lines:
        number, x = _relative(line, quantity), cases.index(_case(line)) + shift
        axes.plot([x, x], _truth_ends(line, quantity), color="0.8", linewidth=6, solid_capstyle="butt", zorder=0)
        if number is None:
            continue
        # A ratio of sizes cannot lie below zero, nor a loss more than 100 per cent below the truth.
        least = 0.0 if quantity == "n_params" else -100.0
        axes.plot([x, x], whiskers.drawn_ends(number, least), color=colour, linewidth=1.5, zorder=3)
        face = colour if getattr(line, f"{quantity}_holds") else "white"
        axes.plot(
            [x], [number.estimate], marker=marker, color=colour, markerfacecolor=face, markersize=5.5,
            markeredgewidth=1.2, linestyle="none", zorder=4,
        )  # fmt: skip


def _truth_ends(line: Forecast, quantity: Quantity) -> list[float]:
    """What the hidden runs leave open about their own optimum; nothing of a run, whose loss is what it is."""
    if quantity == "n_params":
        reach = NORMAL_95 * (line.se_log_n_params or 0.0)
        return [float(np.exp(-reach)), float(np.exp(reach))]
    part = 100 * NORMAL_95 * (line.se_loss or 0.0) / (line.true_loss or 1.0)
    return [-part, part]


def _title(name: str, lines: Sequence[Forecast], quantity: Quantity) -> str:
    one = score(lines)
    if lines[0].what == "run":
        return f"{name}: losses of runs, held {one.held_runs} of {one.n_runs}"
    if quantity == "n_params":
        return f"{name}{' (weak)' if one.missed else ''}: N* held {one.held_n_params} of {one.n_n_params}"
    return f"L* held {one.held_loss} of {one.n_loss}"


def _limits(axes: Axes, numbers_shown: Sequence[Estimate | None], quantity: Quantity) -> None:
    """Axes that all fits share, so that widths can be compared."""
    known = [number for number in numbers_shown if number is not None and np.isfinite(number.estimate)]
    if quantity == "n_params":
        style.log_axis(axes.yaxis, lambda value: f"×{value:.3g}", 4)
        axes.set_ylim(*whiskers.limits([*known, Estimate(1.0, 0.8, 1.25)], True))
    else:
        axes.set_ylim(*whiskers.limits([*known, Estimate(0.0, -0.2, 0.2)], False))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:+.2g} %" if value else "0 %")
        axes.locator_params(axis="y", nbins=4)


def _ticks(axes: Axes, cases: Sequence[tuple[float, float, str, str]]) -> None:
    """How far beyond the fitted runs the hidden budgets lie."""
    places = np.unique(np.linspace(0, len(cases) - 1, min(len(cases), MOST_TICKS)).round().astype(int))
    axes.set_xticks(places, [f"×{numbers.count(cases[place][0], 2, trim=True)}" for place in places])
    axes.set_xlim(-0.6, len(cases) - 0.4)
    axes.grid(axis="x", visible=False)
    axes.set_xlabel("C beyond the fitted runs")


def _note(of_optima: bool, loss_unit: str) -> str:
    what = f"N* and L* ({loss_unit})" if of_optima else f"Losses ({loss_unit})"
    return f"{what} as predicted, against the hidden runs' own; 95 % intervals, hollow where they miss."
