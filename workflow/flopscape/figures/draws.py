"""The draws behind the intervals: where each fit's resamples put the optimum of an asked budget."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from flopscape.answers.evaluate import compute_of
from flopscape.figures import frame, style
from flopscape.figures.clouds import cloud, reach
from flopscape.figures.tables import Tables
from flopscape.laws.law import Compute
from flopscape.records.fit_result import FitResult
from flopscape.text import numbers

MOST_BUDGETS = 3
"""Asked budgets that fit beside each other, the first ones."""
ASKED = ("n_params", "loss")


def draw(data: Tables) -> Figure:
    """L* against N* of every draw, a panel an asked budget; the upper axis is D*, which C fixes for every N*."""
    title = f"{data.title}: draws of the optimum"
    drawn = with_draws(data)
    if data.completed.empty or not drawn:
        reason = "No completed runs" if data.completed.empty else "No fit has draws of an asked budget"
        return frame.nothing(title, ". ".join([reason, *frame.refusals(data.fits)]), data.simulated)
    predictions = next(iter(drawn.values())).predictions[:MOST_BUDGETS]
    figure = frame.page(max(7.0, 3.6 * len(predictions)), 4.3)
    panels = figure.subplots(1, len(predictions), squeeze=False)[0]
    for axes, prediction in zip(panels, predictions, strict=True):
        _panel(axes, data, drawn, prediction.flops)
    panels[0].set_ylabel(f"L*, {data.loss_unit}")
    style.legend_below(figure, panels[0])
    return frame.finish(figure, title, [*frame.refusals(data.fits), *_notes(drawn)], data.simulated)


def with_draws(data: Tables) -> dict[str, FitResult]:
    """Fits that are not refused and whose draws have N* and L* of every asked budget."""
    return {
        name: fit
        for name, fit in data.fits.items()
        if fit.status != "refused"
        and fit.predictions
        and all(p.n_params and p.loss and _columns(p.flops) <= set(data.draws.get(name, ())) for p in fit.predictions)
    }


def asked_draws(draws: pd.DataFrame, flops: float) -> np.ndarray:
    """N* and L* of the draws at one asked budget, shape (2, R)."""
    return draws[[f"{name}@{flops!r}" for name in ASKED]].to_numpy(float).T


def _columns(flops: float) -> set[str]:
    return {f"{name}@{flops!r}" for name in ASKED}


def _panel(axes: Axes, data: Tables, drawn: dict[str, FitResult], flops: float) -> None:
    clouds = []
    for name, colour, line, marker in style.fit_looks(list(drawn)):
        best = next((p for p in drawn[name].predictions if p.flops == flops), None)
        if best is None or best.n_params is None or best.loss is None:
            continue
        n_params, loss = asked_draws(data.draws[name], flops)
        clouds.append(np.stack([n_params, loss]))
        cloud(axes, n_params, loss, (colour, line, marker), log_x=True)
        axes.plot(
            [best.n_params.estimate], [best.loss.estimate], marker=marker, color=colour, markeredgecolor="white",
            markersize=10, linestyle="none", zorder=5,
        )  # fmt: skip
        axes.plot([], [], color=colour, linestyle=line, marker=marker, label=name)
    # One axis for all fits of a panel, or their clouds could not be compared.
    every = np.concatenate(clouds, axis=1)
    style.log_axis(axes.xaxis, style.tick_count, 4)
    axes.set_xlim(*np.exp(reach(np.log(every[0]))))
    axes.set_ylim(*reach(every[1]))
    axes.set_xlabel(f"N* at {numbers.flops(flops)} FLOPs, parameters")
    _tokens_axis(axes, compute_of(next(iter(drawn.values()))), flops, data.unit)


def _tokens_axis(axes: Axes, compute: Compute, flops: float, unit: str) -> None:
    """D on the upper edge, decreasing with N along C = κ(N)·N·D."""
    low, high = np.log(axes.get_xlim())
    log_n = np.linspace(low, high, 401)
    log_d = compute.tokens(log_n, flops)
    # D falls as N grows: the last of the grid's points has the smallest D.
    ticks = style.log_ticks(float(np.exp(log_d[-1])), float(np.exp(log_d[0])), 4)
    upper = axes.twiny()
    upper.set_xscale("log")
    upper.set_xlim(axes.get_xlim())
    # Both edges show one position: where D is a round number, the lower axis has the N that leaves this D at C.
    upper.set_xticks(np.exp(np.interp(np.log(ticks), log_d[::-1], log_n[::-1])), minor=False)
    upper.xaxis.set_major_formatter(FuncFormatter(lambda _, place: style.tick_count(ticks[place or 0])))
    upper.minorticks_off()
    upper.grid(visible=False)
    upper.spines.top.set_visible(True)
    upper.set_xlabel(f"D*, {unit}s")


def _notes(drawn: dict[str, FitResult]) -> Sequence[str]:
    total = max(len(fit.predictions) for fit in drawn.values())
    return [] if total <= MOST_BUDGETS else [f"The first {MOST_BUDGETS} of {total} asked budgets are drawn."]
