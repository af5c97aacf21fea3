"""Approach 2 on a grid without noise: what it finds as rows of a table, and the figure of its error against the width.

Nothing is random here, so that all of the error is the method's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flopscape.bias.designs import Design, bias, isoflop_design
from flopscape.bias.methods import PowerLaws, approach2
from flopscape.config.bias import NoiseFree
from flopscape.figures import style
from flopscape.laws.law import Array
from flopscape.laws.named_surfaces import named_surface
from flopscape.laws.surface import Surface, closed_form_optimum, exponents

Row = dict[str, Any]


@dataclass(frozen=True)
class Fitted:
    """A true surface, the grid that sampled it, the power law through the parabolas, and what its rows share."""

    true: Surface
    design: Design
    law: PowerLaws
    shared: Row

    def exponents(self) -> list[Row]:
        """Rows of a and b; b = 1 − a, for every run has C = 6·N·D."""
        a, b = map(float, exponents(self.true))
        estimate = float(self.law.a[0])
        return [
            self.shared | {"quantity": "a", "truth": a, "estimate": estimate},
            self.shared | {"quantity": "b", "truth": b, "estimate": 1 - estimate},
        ]

    def vertices(self) -> list[Row]:
        """Rows of N* at each budget by its parabola alone, and whether that lies beyond the sampled sizes."""
        flops = self.design.flops
        truth = closed_form_optimum(self.true, flops).n_params
        # The published experiments use such a vertex; the table says that `fit` would not.
        status = np.where(self.law.outside[0], "vertex outside the sizes", "ok")
        return self._at("n_params", flops, truth, np.exp(self.law.vertices[0]), status.tolist())

    def tokens(self, flops: Sequence[float]) -> list[Row]:
        """Rows of D* at each compute by the power law."""
        compute = np.asarray(flops, float)
        truth = closed_form_optimum(self.true, compute).n_tokens
        return self._at("n_tokens", compute, truth, self.law.n_tokens(compute)[0], ["ok"] * len(compute))

    def _at(self, quantity: str, flops: Array, truth: Array, estimate: Array, status: list[str]) -> list[Row]:
        return [
            self.shared | {"quantity": quantity, "flops": c, "truth": right, "estimate": value, "status": word}
            for c, right, value, word in zip(flops, truth, estimate, status, strict=True)
        ]


def fitted(name: str, tilt: str, width: float, points: int, flops: Sequence[float]) -> Fitted:
    """Sample a surface on a biased grid and fit it.

    Parameters
    ----------
    name, tilt : str
        Names of a surface and of a bias.
    width : float
        Half the range of log10 N.
    points : int
        Sizes at each budget.
    flops : sequence of float
        Budgets.
    """
    true = named_surface(name)
    design = isoflop_design(true, flops, width, points, bias(tilt))
    shared = {"surface": name, "bias": tilt, "width": width, "n_points": points, "noise": 0.0, "method": "approach2"}
    return Fitted(true, design, approach2(design, design.losses(true)), shared)


def fitted_on_grids(
    surfaces: Sequence[str], biases: Sequence[str], widths: Sequence[float], settings: NoiseFree
) -> Iterator[Fitted]:
    """Every surface on every biased grid of every width, the width changing fastest."""
    for name, tilt, width in product(surfaces, biases, widths):
        yield fitted(name, tilt, width, settings.points, settings.budgets)


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
            # About seven markers a line, to tell it without colour and not to hide it.
            axes.plot(x, y, color=colour, linestyle="", marker=marker, markersize=5, markevery=max(1, len(x) // 7))
            # An empty line with both looks, for the legend.
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
        grids = table.drop_duplicates("factor")
        axes.set_xticks(grids["width"], labels=grids["factor"].map("±{:g}×".format))
        axes.set_xlabel("half-width of the grid, factors of N")
    else:
        axes.set_xlabel("half-width of the grid, decades of N")
