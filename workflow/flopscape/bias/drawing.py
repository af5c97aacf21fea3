"""Pieces that the experiments' figures share."""

import pandas as pd
from matplotlib.figure import Figure

from flopscape.figures import style


def error_against_width(table: pd.DataFrame, lines: str, panels: str | None = None) -> Figure:
    """Relative error in per cent against the half-width: a line for each `lines`, a panel for each `panels`."""
    titles = list(dict.fromkeys(table[panels])) if panels else [""]
    figure = Figure(figsize=(4.2 * len(titles) + 1, 4.2), layout="constrained")
    grid = figure.subplots(1, len(titles), sharey=True, squeeze=False)[0]
    for axes, title in zip(grid, titles, strict=True):
        part = table[table[panels] == title] if panels else table
        names = [str(name) for name in dict.fromkeys(part[lines])]
        for name, colour, line, marker in style.fit_looks(names):
            chosen = part[part[lines].astype(str) == name]
            axes.plot(
                chosen["width"], 100 * chosen["relative_error"], color=colour, linestyle=line, marker=marker,
                markersize=4, markevery=3, label=name,
            )  # fmt: skip
        axes.axhline(0.0, color="0.3", linewidth=0.8)
        axes.set_title(title)
        axes.set_xlabel("half-width of the grid, decades of N")
    grid[0].set_ylabel("error, %")
    style.legend_below(figure, grid[0])
    return figure
