"""The least-squares problem of fitting any law to log losses: θ, residuals and their exact derivatives.

θ holds the logarithm of every fitted parameter, and E itself, for N, D and C in units of their geometric means: then no
unit matters, and amplitudes and exponents are least correlated.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from flopscape.fitting.table import RunTable
from flopscape.laws.arrays import Array, Mask
from flopscape.laws.law import POSITIVE, Inputs, Law

FLOOR = "E"
"""The parameter that may be zero, and is therefore not a logarithm."""


@dataclass(frozen=True)
class LawProblem:
    """n observations of a law with k fitted parameters; `inputs` are in multiples of `unit`."""

    law: Law
    inputs: Inputs
    unit: Inputs
    log_loss: Array

    @cached_property
    def logarithmic(self) -> Mask:
        """Which of the parameters θ holds as logarithms, shape (k,)."""
        return np.array([name != FLOOR for name in self.law.names])

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """Lowest and highest θ, shape (k,) each."""
        known = [self.law.bounds.get(name, POSITIVE) for name in self.law.names]
        low, high = np.log(known).T
        return np.where(self.logarithmic, low, 0.0), np.where(self.logarithmic, high, np.inf)

    def theta(self, drawn: dict[str, Array]) -> Array:
        """θ (R, k) of parameters by name, each of shape (R,)."""
        with np.errstate(all="ignore"):
            columns = [drawn[name] if name == FLOOR else np.log(drawn[name]) for name in self.law.names]
        return np.clip(np.nan_to_num(np.stack(columns, axis=1)), *self.bounds)

    def parameters(self, theta: Array) -> dict[str, Array]:
        """Fitted parameters by name, in the problem's units, each of shape (R, 1)."""
        values = np.where(self.logarithmic, np.exp(np.where(self.logarithmic, theta, 0.0)), theta)
        return {name: values[:, [i]] for i, name in enumerate(self.law.names)}

    def in_units(self, theta: Array) -> Any:
        """The law's own tuple of parameters for N, D and C themselves, each of shape (R,)."""
        p = self.law.kind(**{name: value[:, 0] for name, value in self.parameters(theta).items()})
        return self.law.rescaled(p, self.unit)

    @np.errstate(all="ignore")
    def evaluate(self, theta: Array) -> tuple[Array, Array]:
        """Residuals ln L̂ − ln L, shape (R, n), and ∂ln L̂/∂θ, shape (R, k, n)."""
        values = self.parameters(theta)
        p = self.law.kind(**values)
        predicted = np.broadcast_to(self.law.loss(p, self.inputs), (len(theta), len(self.log_loss)))
        chain = np.stack([np.ones_like(v) if name == FLOOR else v for name, v in values.items()])
        J = self.law.gradient(p, self.inputs) * chain / predicted
        return np.log(predicted) - self.log_loss, J.swapaxes(0, 1)


def problem_of(law: Law, table: RunTable, unique_tokens: Array) -> LawProblem:
    """A table's rows in units of their geometric means."""
    amounts = (table.n_params, table.n_tokens, table.flops)
    n, d, c = (np.exp(np.log(amount).mean()) for amount in amounts)
    unit = Inputs(n, d, c, d)
    return LawProblem(law, Inputs(*amounts, unique_tokens).per(unit), unit, np.log(table.loss))
