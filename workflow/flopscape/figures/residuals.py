"""What each fit leaves over: residuals against N, D and C, with the scatter between seeds for scale."""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from flopscape.answers.residuals import fitted_loss, frame_inputs
from flopscape.figures import frame, style
from flopscape.figures.tables import Tables
from flopscape.records.fit_result import FitResult
from flopscape.runs.table import pooled_scatter
from flopscape.text import numbers

AXES = (
    ("n_params", "N, {size}", style.tick_count),
    ("n_tokens", "D, {unit}s", style.tick_count),
    ("flops", "C, training FLOPs", style.flops_tick),
)

LINE = 26
"""Characters of a label that are as long as a row is high."""


def draw(data: Tables) -> Figure:
    """One row of panels a fit: observed minus fitted loss. Hollow points were not fitted; the band is ± one seed sd."""
    title = f"{data.title}: residuals"
    fitted = {name: left for name, fit in data.fits.items() if (left := residuals(fit, data.completed)).notna().any()}
    if not fitted:
        reason = "No completed runs" if data.completed.empty else "No fit of these runs left residuals to draw"
        return frame.nothing(title, ". ".join([reason, *frame.refusals(data.fits)]), data.simulated)
    figure = frame.page(9.4, 0.5 + 2.3 * len(fitted))
    # Fits share no scale: one that leaves ten times as much would flatten the others.
    grid = figure.subplots(len(fitted), 3, sharey="row", squeeze=False)
    spread = seed_deviation(data.completed)
    for row, (name, left) in zip(grid, fitted.items(), strict=True):
        _row(row, data, name, left, spread)
    for axes, (_, label, _) in zip(grid[-1], AXES, strict=True):
        axes.set_xlabel(label.format(unit=data.unit, size=data.size))
    _legend(figure, grid[0, 0], data)
    return frame.finish(figure, title, frame.refusals(data.fits), data.simulated)


def residuals(fit: FitResult, runs: pd.DataFrame) -> pd.Series:
    """Observed minus fitted loss; NaN where a fit says nothing."""
    return runs.loss - fitted_loss(fit, frame_inputs(fit, runs), runs.budget.to_numpy(float))


def seed_deviation(runs: pd.DataFrame) -> float | None:
    """Standard deviation of the loss between seeds, pooled over repeated runs; None where nothing was repeated."""
    point = np.asarray(runs.groupby(["n_params", "n_tokens"]).ngroup(), np.intp)
    deviation, freedom = pooled_scatter(runs.loss.to_numpy(float), point)
    return deviation if freedom else None


def _row(panels: np.ndarray, data: Tables, name: str, left: pd.Series, spread: float | None) -> None:
    fitted = _fitted(data.fits[name], data.completed)
    for axes, (column, _, write) in zip(panels, AXES, strict=True):
        axes.axhline(0, color="0.4", linewidth=0.8)
        if spread is not None:
            axes.axhspan(-spread, spread, color="0.88", linewidth=0, zorder=0, label="± seed standard deviation")
        _points(axes, data, column, left, fitted)
        style.log_axis(axes.xaxis, write, 3)
    # A row is two inches high: a longer unit, such as `normalised nats per token`, would run into the next row.
    panels[0].set_ylabel(f"{name}\n{fill(f'residual, {data.loss_unit}', LINE)}")


def _fitted(fit: FitResult, runs: pd.DataFrame) -> pd.Series:
    """Mask of the runs that the fit used: all that it does not name as excluded."""
    excluded = {row for exclusion in fit.excluded for row in exclusion.rows}
    return ~runs.run_id.astype(str).isin(excluded)


def _points(axes: Axes, data: Tables, column: str, left: pd.Series, fitted: pd.Series) -> None:
    """Runs by budget, in the colours and markers of the IsoFLOP figure; a grid's in one."""
    runs = data.completed
    groups = [(runs.budget == budget, *look) for budget, look in style.budget_looks(data.budgets).items()]
    for members, colour, marker in [*groups, (runs.budget.isna(), "black", "o")]:
        # Hollow ones are drawn too: a run that a fit left out is judged by it all the same.
        for use, face in ((fitted, colour), (~fitted, "none")):
            chosen = members & use
            if not chosen.any():
                continue
            axes.scatter(
                runs[column][chosen], left[chosen], marker=marker, s=20, facecolor=face, edgecolor=colour,
                linewidth=0.9, alpha=0.85, rasterized=len(runs) > style.RASTER,
            )  # fmt: skip


def _legend(figure: Figure, axes: Axes, data: Tables) -> None:
    """The budgets' colours and markers, where they are few enough to be told apart."""
    looks = style.budget_looks(data.budgets)
    handles, _ = axes.get_legend_handles_labels()
    if len(looks) <= len(style.MARKERS):
        for budget, (colour, marker) in looks.items():
            handles.append(Line2D([], [], linestyle="none", color=colour, marker=marker, label=numbers.flops(budget)))
    shown = [fit for fit in data.fits.values() if fit.status != "refused"]
    if not all(_fitted(fit, data.completed).all() for fit in shown):
        hollow = Line2D([], [], linestyle="none", color="0.3", marker="o", markerfacecolor="none", label="not fitted")
        handles.append(hollow)
    if looks and data.completed.budget.isna().any():
        handles.append(Line2D([], [], linestyle="none", color="black", marker="o", label="no budget"))
    title = "budget, training FLOPs" if looks else None
    figure.legend(handles=handles, loc="outside lower left", ncols=7, title=title, alignment="left")
