"""Bootstrap draws of two quantities as points, with the ellipse that would hold 95 % of them were they normal."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

Look = tuple[Any, Any, str]
"""A colour, a line style and a marker."""

NORMAL_95 = float(np.sqrt(-2 * np.log(0.05)))
"""Radius, in standard deviations, of the circle that holds 95 % of a two-dimensional normal distribution."""
FEWEST = 40
"""Fewer draws make no ellipse."""
MOST = 1000
"""More points only cover one another."""
TRIM = 0.005
"""Share of the draws at each end of either quantity that the ellipse leaves out, for a few may be runaways."""


def cloud(axes: Axes, x: np.ndarray, y: np.ndarray, look: Look, log_x: bool = False) -> None:
    """Points and their ellipse, which is one of ln x where x is on a logarithmic axis."""
    colour, line, marker = look
    usable = np.isfinite(x) & np.isfinite(y)
    x, y = x[usable], y[usable]
    axes.scatter(x[:MOST], y[:MOST], s=7, marker=marker, color=colour, alpha=0.22, linewidth=0, rasterized=True)
    if len(x) >= FEWEST:
        across, along = ellipse(np.log(x) if log_x else x, y)
        axes.plot(np.exp(across) if log_x else across, along, color=colour, linestyle=line)


def ellipse(x: np.ndarray, y: np.ndarray, points: int = 121) -> np.ndarray:
    """Points (2, points) of the 95 % ellipse of draws, from the covariance of all but the outermost."""
    both = np.stack([x, y])
    low, high = np.quantile(both, [TRIM, 1 - TRIM], axis=1)
    kept = both[:, ((both >= low[:, None]) & (both <= high[:, None])).all(axis=0)]
    # Σ = V·diag(λ)·Vᵀ: a circle of radius r, stretched by √λ along the columns of V, is where the normal density of
    # covariance Σ is exp(−r²/2) of its height, and r² = −2·ln 0.05 is the 95 % quantile of χ² with two degrees.
    values, vectors = np.linalg.eigh(np.cov(kept))
    angle = np.linspace(0, 2 * np.pi, points)
    circle = NORMAL_95 * np.sqrt(np.maximum(values, 0))[:, None] * np.stack([np.cos(angle), np.sin(angle)])
    return np.asarray(kept.mean(axis=1)[:, None] + vectors @ circle)


def reach(values: np.ndarray) -> tuple[float, float]:
    """The central 99 % of all draws, a little widened: where the axis ends."""
    low, high = np.quantile(values[np.isfinite(values)], [TRIM, 1 - TRIM])
    margin = 0.2 * (high - low) or 0.1
    return float(low - margin), float(high + margin)
