"""Pieces that the experiments' figures share."""

from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flopscape.figures import style


def error_against_width(
    table: pd.DataFrame, label: str, lines: str, panels: str | None = None, points: pd.DataFrame | None = None
) -> Figure:
    """Relative error in per cent against the half-width: a line for each `lines`, a panel for each `panels`.

    Parameters
    ----------
    label : str
        What is wrong by so much: `error of a`.
    points : DataFrame, optional
        What the markers show; the lines' own values unless given.
    """
    titles = list(dict.fromkeys(table[panels])) if panels else [""]
    figure = Figure(figsize=(max(3 * len(titles) + 2, 8), 4.4), layout="constrained")
    grid = figure.subplots(1, len(titles), squeeze=False)[0]
    names = list(dict.fromkeys(table[lines]))
    for axes, title in zip(grid, titles, strict=True):
        for (name, colour, line, _), marker in zip(style.fit_looks(names), cycle(style.MARKERS), strict=False):
            where = {lines: name} | ({panels: title} if panels else {})
            axes.plot(*_series(table, where), color=colour, linestyle=line)
            x, y = _series(table if points is None else points, where)
            axes.plot(x, y, color=colour, linestyle="", marker=marker, markersize=5, markevery=max(1, len(x) // 7))
            axes.plot([], [], color=colour, linestyle=line, marker=marker, markersize=5, label=name)
        _finish(axes, table, title)
    grid[0].set_ylabel(f"{label}, %")
    style.legend_below(figure, grid[0], 5 if len(titles) > 2 else 3)
    return figure


def _series(table: pd.DataFrame, where: dict[str, str]) -> tuple[pd.Series, pd.Series]:
    """Half-widths and errors in per cent of the rows with these values."""
    part = table[np.logical_and.reduce([table[column] == value for column, value in where.items()])]
    return part["width"], 100 * part["relative_error"]


def _finish(axes: Axes, table: pd.DataFrame, title: str) -> None:
    axes.axhline(0.0, color="0.3", linewidth=0.8)
    axes.set_title(title)
    if "factor" in table:
        known = table.drop_duplicates("factor")
        axes.set_xticks(known["width"], labels=known["factor"].map("±{:g}×".format))
        axes.set_xlabel("half-width of the grid, factors of N")
    else:
        axes.set_xlabel("half-width of the grid, decades of N")
