"""Training curves: loss against the compute spent so far, and the lowest loss that any run reached by then."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from flopscape.figures import frame, style
from flopscape.figures.tables import Tables
from flopscape.fitting.methods import reads_curves
from flopscape.laws.law import Array

MOST_CURVES = 400
"""More lines than this are thinned, evenly over sizes: they would only cover one another."""
RASTER_CURVES = 100
NAMED_SIZES = 9
"""Up to so many sizes get markers and a legend; beyond that a colour bar."""
RECORDED = {"train_loss": "training loss", "heldout_loss": "held-out loss"}


def draw(data: Tables) -> Figure:
    """Loss against FLOPs on log axes, one line a run, coloured by size, its end marked; envelope and vertices."""
    title = f"{data.title}: training curves"
    curves = _of_completed(data)
    if curves.empty:
        reason = "No completed runs" if data.completed.empty else "The runs recorded no training curves"
        return frame.nothing(title, f"{reason}: there is nothing to draw.", data.simulated)
    figure = frame.page(8.2, 4.9)
    axes = figure.subplots()
    shown = _thinned(curves)
    _lines(figure, axes, shown, data)
    flops, lowest = envelope(curves)
    look: dict[str, Any] = {"color": "black", "linewidth": 1.8, "drawstyle": "steps-post", "zorder": 4}
    axes.plot(flops, lowest, **look, label="lower envelope")
    _vertices(axes, data)
    style.flops_axis(axes)
    style.log_axis(axes.yaxis, style.tick_loss)
    axes.set_ylabel(f"{RECORDED[_recorded(data)]}, {data.loss_unit}")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), title="N, parameters") if _named(shown) else axes.legend()
    return frame.finish(figure, title, _notes(curves, shown, data), data.simulated)


def envelope(curves: pd.DataFrame) -> tuple[Array, Array]:
    """Compute and loss of each point, by compute, that is lower than every point before it.

    The lowest loss that any run had recorded by then is a staircase through these points and ends with the last of all.
    It is a running minimum and not the lowest curve at each compute: curves end with their runs, and where the best run
    ends that curve would jump up to the next one, though the loss had been reached for less.
    """
    # Ties of compute go to the lower loss, for the higher one is no step of the staircase.
    ordered = curves.sort_values(["flops", "train_loss"])
    flops, losses = ordered[["flops", "train_loss"]].to_numpy(float).T
    lowest = np.minimum.accumulate(losses)
    falls = np.diff(lowest, prepend=np.inf) < 0
    return np.append(flops[falls], flops[-1]), np.append(lowest[falls], lowest[-1])


def _recorded(data: Tables) -> str:
    """The loss to draw: other people's curves may have the held-out one only."""
    return "train_loss" if data.curves.train_loss.notna().any() else "heldout_loss"


def _of_completed(data: Tables) -> pd.DataFrame:
    """Points with a positive loss, whichever was recorded, and the size of their run."""
    if data.curves.empty:
        return data.curves.assign(n_params=[])
    runs = data.completed[["run_id", "n_params", "loss"]].rename(columns={"loss": "final_loss"})
    # One column, whichever loss it holds, so that nothing after this asks again.
    curves = data.curves.assign(train_loss=data.curves[_recorded(data)])
    curves = curves.astype({"run_id": str}).merge(runs, on="run_id")
    return curves[(curves.train_loss > 0) & (curves.flops > 0)].sort_values(["n_params", "run_id", "flops"])


def _thinned(curves: pd.DataFrame) -> pd.DataFrame:
    ids = curves.run_id.unique()
    if len(ids) <= MOST_CURVES:
        return curves
    # Runs stand in the order of their sizes, so that even steps thin every size alike.
    kept = ids[np.linspace(0, len(ids) - 1, MOST_CURVES).astype(int)]
    return curves[curves.run_id.isin(kept)]


def _named(curves: pd.DataFrame) -> bool:
    return curves.n_params.nunique() <= NAMED_SIZES


def _lines(figure: Figure, axes: Axes, curves: pd.DataFrame, data: Tables) -> None:
    """The curves, and the end of each by a marker that tells its size."""
    groups = [(curve.n_params.iloc[0], curve) for _, curve in curves.groupby("run_id", sort=False)]
    # In decades, as a colour bar with a linear scale of logarithms is read.
    sizes = np.log10([n_params for n_params, _ in groups])
    raster = len(groups) > RASTER_CURVES
    lines = LineCollection(
        [curve[["flops", "train_loss"]].to_numpy() for _, curve in groups],
        cmap=style.colormap(), array=sizes, linewidths=0.9, alpha=0.75, rasterized=raster,
    )  # fmt: skip
    axes.add_collection(lines)
    # A collection does not move the limits by itself, as `plot` does.
    axes.autoscale_view()
    ends = curves.groupby("run_id", sort=False).last()
    if not _named(curves):
        axes.scatter(ends.flops, ends.train_loss, c=np.log10(ends.n_params), cmap=style.colormap(), s=10, zorder=3)
        style.colour_axis(figure.colorbar(lines, ax=axes), f"N, {data.size}", style.tick_count)
        return
    _marked_ends(axes, ends, lines)


def _marked_ends(axes: Axes, ends: pd.DataFrame, lines: Any) -> None:
    for n_params, marker in zip(ends.n_params.unique(), style.MARKERS, strict=False):
        group = ends[ends.n_params == n_params]
        colour, label = lines.to_rgba(np.log10(n_params)), style.tick_count(n_params)
        axes.scatter(group.flops, group.train_loss, marker=marker, color=colour, s=26, label=label, zorder=3)


def _vertices(axes: Axes, data: Tables) -> None:
    """What a fit of training curves takes of their envelope, one star a vertex, in the loss that the fit read."""
    for name, fit in data.fits.items():
        if reads_curves(fit.method) and fit.optima:
            points = RECORDED.get(fit.points, "final loss")
            flops, loss = ([getattr(vertex, name) for vertex in fit.vertices] for name in ("flops", "loss"))
            axes.scatter(
                flops, loss, marker="*", s=130, color="#d55e00", edgecolor="white", linewidth=0.8,
                label=f"{name}: vertices\n({points})", zorder=5, gid="vertices",
            )  # fmt: skip


def _notes(curves: pd.DataFrame, shown: pd.DataFrame, data: Tables) -> list[str]:
    total, drawn = curves.run_id.nunique(), shown.run_id.nunique()
    notes = [] if drawn == total else [f"{drawn:,} of {total:,} curves are drawn; the envelope is that of all."]
    lost = int((data.runs.status == "diverged").sum())
    return notes + ([f"Not drawn: {lost} diverged run{'s' if lost > 1 else ''}."] if lost else [])
