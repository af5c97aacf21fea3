"""Where the width of an interval comes from: noise, and what is not known of law, drift and discrepancy.

Around the typical draw the losses are nearly linear in all numbers v = (t, c): their precision after the runs is P + F,
with P the diagonal of the priors' and F = JᵀV⁻¹J/σ² that of the runs, and their covariance S = (P + F)⁻¹. A quantity
with the gradient g has the variance gᵀSg, and since S = S·F·S + S·P·S,

    gᵀSg = (Sg)ᵀF(Sg) + Σ_b (Sg)_bᵀP_b(Sg)_b.

The first term is the scatter that another set of the same runs would have: noise, which seeds reduce. The others are
what the runs leave open of each block b of numbers, to which only other runs, at other N and D, could say more. All are
at least zero and they add up. Beside them stands √(gᵀSg / gᵀP⁻¹g), the standard deviation after the runs over that
before: near one, the runs have said nothing, and the interval is the prior's.
"""

from typing import Any, Self

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from flopscape.fitting.drifting_law import drift, law
from flopscape.fitting.drifting_law.cells import Cells
from flopscape.fitting.drifting_law.curve import Curves
from flopscape.fitting.drifting_law.posterior import PARAMETERS, Conditional, Data, Scales
from flopscape.laws.law import Array

STEP = 0.1
"""In ln N, of the differences that give the curvature at the optimum."""
BLOCKS = {"law": slice(0, 6), "drift": slice(6, PARAMETERS), "discrepancy": slice(PARAMETERS, None)}


class Shares:
    """The parts of any variance, for a typical draw at its scales."""

    def __init__(self, typical: Curves, at: Conditional) -> None:
        self.typical = typical
        _, slopes = at.data.jacobian(typical.t[0])
        white = np.hstack([at.data.cells.whiten(slopes, at.scales.ratio), at.data.whitened_shapes(at.scales.ratio)[0]])
        self.of_runs = white.T @ white / at.scales.noise**2
        self.prior = np.concatenate([at.prior_sd, at.sd]) ** -2.0
        self.precision = self.of_runs + np.diag(self.prior)
        """P + F, shape (p + m, p + m)."""
        self.root = cholesky(self.precision, lower=True)

    @classmethod
    def after(cls, typical: Curves, cells: Cells, scales: Scales) -> Self:
        """After runs at these cells, finished or only planned: what they leave open hangs on where they stand alone."""
        return cls(typical, Conditional(Data.of(cells, typical.discrepancy), scales))

    def at(self, flops: float) -> dict[str, dict[str, Any]]:
        """Of ln N* and of L* at C; empty where the typical draw has no optimum between the ends of its window."""
        return {name: self.of(gradient) for name, gradient in self.of_optimum(flops).items()}

    def of_optimum(self, flops: float) -> dict[str, Array]:
        """Gradients of the relative L* and of ln N* at C by all numbers, (p + m,) each.

        Empty where the typical draw has no optimum between the ends of its window; without ln N* where its losses do
        not bend upwards there.
        """
        best = self.typical.lowest(flops)
        if best.at_low[0] or best.at_high[0]:
            return {}
        grid = best.log_n[0] + STEP * np.array([-1.0, 0.0, 1.0])
        log_d = self.typical.compute.tokens(grid, flops)
        losses, gradients = self.typical.loss(grid, log_d)[0], self.gradients(grid, log_d)
        bend = (losses[0] - 2 * losses[1] + losses[2]) / STEP**2 / self.typical.center.loss
        # Where the slope in ln N is zero for all v, dn = −(∂²L/∂n∂v)·dv / (∂²L/∂n²).
        moved = -(gradients[2] - gradients[0]) / (2 * STEP) / bend
        return {"loss": gradients[1]} | ({"n_params": moved} if bend > 0 else {})

    def of(self, gradient: Array) -> dict[str, Any]:
        """The parts of the variance of a quantity with this gradient, one together, and what is left of the prior."""
        response = cho_solve((self.root, True), gradient)
        parts = {name: float((self.prior[at] * response[at] ** 2).sum()) for name, at in BLOCKS.items()}
        parts = {"noise": float(response @ self.of_runs @ response)} | parts
        total, before = sum(parts.values()), float((gradient**2 / self.prior).sum())
        if not 0 < total < np.inf:  # runs so far from any law that nothing moves the typical draw
            return {}
        return {name: part / total for name, part in parts.items()} | {"sd_over_prior": float(np.sqrt(total / before))}

    def sd(self, gradient: Array) -> float:
        """Standard deviation √(gᵀSg) of a quantity with this gradient, after the runs."""
        return float(np.linalg.norm(solve_triangular(self.root, gradient, lower=True)))

    def gradients(self, log_n: Array, log_d: Array) -> Array:
        """Derivatives of the relative loss at points (g,) by all numbers, shape (g, p + m)."""
        curves, t = self.typical, self.typical.t[0]
        x, u = log_n - curves.center.log_n, log_n + log_d - curves.center.log_product
        drifts = drift.shapes(u, curves.discrepancy.reach)
        _, slopes = law.jacobian(t[:6], x - drifts @ t[6:], u)
        moved = slopes[:, [law.OFFSET]] * drifts
        return np.concatenate([slopes, moved, curves.discrepancy.shapes(x, u)], axis=1)
