"""Whether approach2's curves and its power laws agree with one another and with a loss that has a floor."""

from typing import Any

import numpy as np
from scipy.stats import t as student

from flopscape.fitting.guards import Verdict
from flopscape.fitting.powerlaw import Line
from flopscape.fitting.vertices import Vertices
from flopscape.laws.arrays import Array

DIFFER = 1e-3
"""Chance of calling two exponents of one surface different, were their errors independent. In 400 tables of a true
surface (5 budgets × 7 sizes, σ 0.002 and 0.01) one is."""


def judge_floor(verdict: Verdict, law: dict[str, Array]) -> None:
    """Warn where L*(C), a `vertices.loss_law`, falls to zero."""
    if law["loss_E"][0] <= 0:
        verdict.warn(
            "the irreducible loss of L*(C) is at its bound, zero: the losses along the optima bend too little to tell a"
            " floor, and L* far beyond the runs is too low"
        )


def judge_shape(verdict: Verdict, shape: Any, vertices: Vertices, line: Line) -> None:
    """Warn where the curves' shape and the line through their lowest points ask for different a.

    On one surface both are β/(α + β·(1 + d ln κ/d ln N)), from the condition α·A·N^−α = β·B·D^−β·(1 + d ln κ/d ln N)
    under C = κ(N)·N·D; see laws/compute.py. `shape` has `alpha`, `beta` and their `covariance`; the
    difference has the degrees of freedom of Satterthwaite (1946).
    """
    alpha, beta = shape["alpha"], shape["beta"]
    growth = -float(vertices.slope_of_tokens.mean())
    a, gradient = beta / (alpha + beta * growth), np.array([-beta, alpha]) / (alpha + beta * growth) ** 2
    own = float(np.sqrt(gradient @ np.array(shape["covariance"]) @ gradient))
    apart, error = abs(a - line.slope), float(np.hypot(own, line.slope_error))
    parts = own**4 / max(vertices.dof, 1) + line.slope_error**4 / max(line.dof, 1)
    if apart > student.ppf(1 - DIFFER / 2, error**4 / max(parts, 1e-300)) * error:
        verdict.warn(
            f"the curves' shape asks for a = {a:.3f} ± {own:.2g} and their lowest points for {line.slope:.3f} ±"
            f" {line.slope_error:.2g}: no one surface gives both, and the shape is in doubt"
        )
