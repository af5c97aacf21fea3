"""Loss against model size, one U per budget: runs, fitted curves and vertices with their intervals."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from flopscape.answers.evaluate import compute_of
from flopscape.answers.runs_and_fits import RunsAndFits
from flopscape.figures import frame, style
from flopscape.figures.tables import Tables, first_with_curves
from flopscape.fitting.isoflop.curves import has_curve, predicted
from flopscape.laws.law import Array, Compute
from flopscape.records.fit_parts import Vertex
from flopscape.runs.budgets import nearest_budget
from flopscape.text import numbers

NORMAL_95 = 1.96
"""Half-width of a normal 95 % interval in standard errors; where the noise is poorly known, it is wider than that."""
ONE_COLUMN = 14
"""Longest legend that still fits beside the axes in one column."""
Vertices = Mapping[float, Vertex]


def draw(data: Tables) -> Figure:
    """Points are runs, filled ones the means over seeds; lines the curves of the first fit that has them.

    Budgets differ in colour and marker. Excluded budgets are grey and dashed, diverged runs are crosses at the top.
    Without budgets (a grid) the points are coloured by compute.
    """
    title = f"{data.title}: loss against model size"
    if data.completed.empty:
        return frame.nothing(title, "No completed runs: there is nothing to draw yet.", data.simulated)
    figure = frame.page(8.2, 4.9)
    panel(figure.subplots(), data)
    return frame.finish(figure, title, _notes(data, vertices(data)), data.simulated)


def panel(axes: Axes, data: Tables) -> None:
    """The runs and curves in axes of anyone's, with the legend beside them."""
    if data.budgets:
        _budgets(axes, data, vertices(data))
    else:
        _grid(axes, data.completed)
    style.params_axis(axes, data.size)
    style.loss_axis(axes, data.loss_label)


def vertices(data: RunsAndFits) -> dict[float, Vertex]:
    """The optimum of each of the runs' budgets, from the first fit with a curve per budget."""
    fit = first_with_curves(data.fits.values())
    of_fit = fit.vertices if fit else []
    # A table's budget may be rounded, or as planned where the fit's is as computed.
    nearest = nearest_budget([vertex.budget for vertex in of_fit], np.array(data.budgets))
    return {budget: of_fit[place] for budget, place in zip(data.budgets, nearest, strict=True) if place >= 0}


def _budgets(axes: Axes, data: Tables, by_budget: Vertices) -> None:
    handles, compute = [], compute_of(first_with_curves(data.fits.values()))
    for budget, (colour, marker) in style.budget_looks(data.budgets).items():
        runs = data.completed[data.completed.budget == budget]
        vertex = by_budget.get(budget, Vertex(budget))
        shown = colour if vertex.used else style.GREY
        _points(axes, runs, shown, marker, filled=vertex.used)
        _curve(axes, runs, vertex, shown, compute)
        label = numbers.flops(budget) + ("" if vertex.used else " (excluded)")
        face = shown if vertex.used else "white"
        handles.append(Line2D([], [], color=shown, marker=marker, markerfacecolor=face, label=label))
    _diverged(axes, data, handles)
    if any(vertex.used for vertex in by_budget.values()):
        handles.append(Line2D([], [], **_VERTEX, color="black", label="optimum ± 1.96 s.e."))
    columns = 1 + len(handles) // ONE_COLUMN
    axes.legend(handles=handles, title="C, training FLOPs", loc="upper left", bbox_to_anchor=(1, 1), ncols=columns)


def _points(axes: Axes, runs: pd.DataFrame, colour: Any, marker: str, filled: bool) -> None:
    """Every run, and over several seeds their mean."""
    means = runs.groupby("n_params").loss.agg(["mean", "size"])
    repeated = bool((means["size"] > 1).any())
    raster = len(runs) > style.RASTER
    face = colour if filled else "white"
    if repeated:
        axes.scatter(
            runs.n_params, runs.loss, s=14, marker=marker, facecolor="none", edgecolor=colour, alpha=0.6,
            linewidth=0.8, rasterized=raster,
        )  # fmt: skip
    axes.scatter(
        means.index, means["mean"], s=34, marker=marker, facecolor=face, edgecolor=colour, zorder=3,
        rasterized=len(means) > style.RASTER,
    )  # fmt: skip


def _curve(axes: Axes, runs: pd.DataFrame, vertex: Vertex, colour: Any, compute: Compute) -> None:
    """The curve over the budget's sizes, at its compute, and its vertex; straight joins where no fit gave a curve."""
    if runs.empty:
        return
    if not has_curve(vertex.curve):
        means = runs.groupby("n_params").loss.mean()
        axes.plot(means.index, means, color=colour, linewidth=0.9, linestyle=":")
        return
    axes.plot(*fitted_curve(runs, vertex, compute), color=colour, linestyle="-" if vertex.used else "--")
    if vertex.used:
        _vertex(axes, vertex, colour)


def fitted_curve(runs: pd.DataFrame, vertex: Vertex, compute: Compute, points: int = 120) -> tuple[Array, Array]:
    """N and loss along the curve through the runs of one budget, from their smallest size to their largest."""
    # The exact shape depends on D as well, which C fixes for every N; a parabola ignores it.
    log_n = np.linspace(np.log(runs.n_params.min()), np.log(runs.n_params.max()), points)
    return np.exp(log_n), predicted(vertex.curve, log_n, compute.tokens(log_n, vertex.flops or vertex.budget))


_VERTEX: dict[str, Any] = {"marker": "*", "markersize": 13, "markeredgecolor": "black", "markeredgewidth": 0.9}


def _vertex(axes: Axes, vertex: Vertex, colour: Any) -> None:
    """A star at the optimum, its interval from the standard error of ln N."""
    n_params, loss, error = vertex.n_params, vertex.loss, vertex.se_log_n_params
    if n_params is None or loss is None:
        return
    if error is not None:
        # The error is one of ln N: a factor on either side.
        ends = [n_params * np.exp(sign * NORMAL_95 * error) for sign in (-1, 1)]
        axes.plot(ends, [loss, loss], color="black", linewidth=1.2, marker="|", markersize=9, zorder=4)
    axes.plot([n_params], [loss], **_VERTEX, color=colour, zorder=5, gid=f"vertex-{vertex.budget:g}")


def _diverged(axes: Axes, data: Tables, handles: list[Line2D]) -> None:
    """Crosses at the top edge: these runs have no loss."""
    lost = data.runs[data.runs.status == "diverged"]
    if lost.empty:
        return
    looks = style.budget_looks(data.budgets)
    colours = [looks[b][0] if b in looks else "black" for b in lost.budget]
    # x in data, y in parts of the axes' height: there is no loss to place them by.
    where = axes.get_xaxis_transform()
    sizes = data.runs.n_params
    axes.set_xlim(sizes.min() / 1.25, sizes.max() * 1.25)
    axes.scatter(lost.n_params, [0.985] * len(lost), transform=where, marker="x", s=45, c=colours, clip_on=False)
    handles.append(Line2D([], [], linestyle="none", marker="x", color="black", label="diverged (no loss)"))


def _grid(axes: Axes, runs: pd.DataFrame) -> None:
    # Colours of log10 C, whose steps are decades.
    dots = axes.scatter(
        runs.n_params,
        runs.loss,
        c=np.log10(runs.flops),
        cmap=style.colormap(),
        s=26,
        rasterized=len(runs) > style.RASTER,
    )
    bar = axes.figure.colorbar(dots, ax=axes)
    style.colour_axis(bar, "C, training FLOPs", numbers.flops)


def _notes(data: Tables, by_budget: Vertices) -> list[str]:
    notes = frame.refusals({name: fit for name, fit in data.fits.items() if fit.optima or fit.method == "approach2"})
    if not data.budgets:
        notes.append("This study has no IsoFLOP budgets: its runs are coloured by the compute they took.")
    left_out = [f"{numbers.flops(b)} FLOPs excluded: {v.reason}" for b, v in by_budget.items() if not v.used]
    return [*notes, *left_out]
