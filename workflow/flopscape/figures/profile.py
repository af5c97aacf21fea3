"""What the runs say about α and β: joint regions of a least-squares fit, and the draws of every surface."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from flopscape.figures import frame, style
from flopscape.figures.clouds import Look, cloud, reach
from flopscape.figures.tables import Tables
from flopscape.records.fit_result import FitResult

COLUMNS = 3
"""Panels in a row."""
EDGES: tuple[Any, Any] = ("-", "--")
"""Line styles of the 50 % and the 95 % region."""
CONSTANT = (0, (1, 2))
STAR: dict[str, Any] = {"marker": "*", "markersize": 14, "markeredgecolor": "black", "linestyle": "none", "zorder": 5}


def draw(data: Tables) -> Figure:
    """A panel a fit with a surface: draws, 50 and 95 % regions where the fit has them, and the line of constant a."""
    title = f"{data.title}: the exponents α and β"
    drawn = {name: fit for name, fit in data.fits.items() if fit.status != "refused" and fit.surface and fit.exponents}
    if data.completed.empty or not drawn:
        reason = "No completed runs" if data.completed.empty else "No fit is of a surface, whose α and β are drawn"
        return frame.nothing(title, ". ".join([reason, *frame.refusals(data.fits)]), data.simulated)
    columns = min(len(drawn), COLUMNS)
    # Rounded up.
    rows = -(-len(drawn) // columns)
    figure = frame.page(max(7.0, 3.6 * columns), 3.7 * rows + 0.4)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    looks = {name: (colour, line, marker) for name, colour, line, marker in style.fit_looks(list(drawn))}
    for axes, (name, fit) in zip(panels, drawn.items(), strict=False):
        _panel(axes, data, name, fit, looks[name])
    for axes in panels[len(drawn) :]:
        axes.set_visible(False)
    _legend(figure, any(fit.profile_grid for fit in drawn.values()))
    return frame.finish(figure, title, frame.refusals(data.fits), data.simulated)


def _panel(axes: Axes, data: Tables, name: str, fit: FitResult, look: Look) -> None:
    alpha, beta = (fit.law_parameters[name].estimate for name in ("alpha", "beta"))
    both = _draws(data, name)
    cloud(axes, both[0], both[1], look)
    # The estimate is in view even where it lies beyond most draws, as on a bound.
    axes.set_xlim(reach(np.append(both[0], alpha)))
    axes.set_ylim(reach(np.append(both[1], beta)))
    if grid := fit.profile_grid:
        cone = np.sqrt(np.transpose(grid.F))  # F is a bowl, which straight interpolation suits less
        edges = np.sqrt(list(grid.levels.values()))
        axes.contour(grid.alpha, grid.beta, cone, levels=edges, colors="black", linestyles=EDGES, linewidths=1.2)
    # a = β/(α + β) is constant along rays from the origin: what moves a point along the ray leaves N* ∝ C^a as it is.
    axes.axline(
        (alpha, beta), slope=beta / alpha, color="0.35", linewidth=1, linestyle=CONSTANT, gid=f"constant-{name}"
    )
    axes.plot([alpha], [beta], color=look[0], **STAR, gid=f"best-{name}")
    axes.set_title(name, parse_math=False)
    axes.set_xlabel("α, the exponent of N")
    axes.set_ylabel(f"β, the exponent of D ({data.unit}s)")


def _draws(data: Tables, name: str) -> np.ndarray:
    """α and β of the complete draws, shape (2, R); R = 0 where there are none."""
    draws = data.draws.get(name)
    if draws is None or not {"alpha", "beta"} <= set(draws):
        return np.empty((2, 0))
    return draws[["alpha", "beta"]].dropna().to_numpy(float).T


def _legend(figure: Figure, regions: bool) -> None:
    handles = [
        Line2D([], [], color="0.4", label="fit", **STAR),
        Line2D([], [], color="0.4", marker="o", markersize=4, alpha=0.5, label="draws and their 95 % ellipse"),
        Line2D([], [], color="0.35", linewidth=1, linestyle=CONSTANT, label="a of the fit: β/α constant"),
    ]
    if regions:
        labels = ("50 % joint region of least squares", "95 % joint region")
        handles += [
            Line2D([], [], color="black", linewidth=1.2, linestyle=line, label=label)
            for line, label in zip(EDGES, labels, strict=True)
        ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3)
