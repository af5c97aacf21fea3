"""A fitted surface with everything that its judges look at."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from flopscape.fitting.surface.linearised import Local, local, log_derivatives, pseudo_residuals
from flopscape.fitting.surface.quantities import Quantities
from flopscape.fitting.surface.variable_projection import Problem, Solution
from flopscape.laws.arrays import Array, Index
from flopscape.runs.table import RunTable


@dataclass(frozen=True)
class Fitted:
    """`weights` (n,) are the rows' own; `refit` gives the global optimum of each row of weights (R, n)."""

    table: RunTable
    problem: Problem
    weights: Array
    best: Solution
    local: Local
    delta: float
    quantities: Quantities
    draws: pd.DataFrame
    refit: Callable[[Array], Solution]

    @property
    def smooth(self) -> bool:
        """Whether the objective is least squares of something, so that RSS has a profile."""
        return bool(np.isinf(self.delta))

    @property
    def shared(self) -> bool:
        """Whether rows share runs."""
        return len(self.table) > self.table.n_runs

    @cached_property
    def run(self) -> Index:
        """Index of each row's run."""
        return np.unique(self.table.run_id, return_inverse=True)[1].ravel()

    @cached_property
    def robust(self) -> Local:
        """The fit for its errors' sake: `local`, with pseudo-residuals where the objective is not least squares."""
        return pseudo_residuals(self.local, self.delta)

    @cached_property
    def relative(self) -> Local:
        """The same point in residuals of the log loss, whatever the objective: what N and D can tell apart."""
        return local(self.problem, self.local.p, log_derivatives).weighted(self.weights)

    @cached_property
    def noise(self) -> float:
        """Standard deviation of the loss about the surface, in nats."""
        squares = float(self.weights @ self.local.raw**2)
        return float(np.sqrt(max(squares / max(self.local.dof, 1), 1e-26)))

    def at(self, solution: Solution, index: int = 0) -> Local:
        """All rows around another surface, of several: its A and B positive."""
        c, theta = solution.coefficients[index], solution.exponents[index]
        p = np.concatenate([c[:1], np.log(c[1:]), theta])
        return local(self.problem, p, self.local.derivatives).weighted(self.weights)

    def predict(self, solution: Solution, index: int = 0) -> Array:
        """Loss of every row on one of several surfaces, in nats."""
        c, theta = solution.coefficients[index], solution.exponents[index]
        return np.asarray(c[0] + c[1:] @ np.exp(-theta[:, None] * self.problem.u))
