"""The least-squares problem of fitting any law to log losses: θ, residuals and their exact derivatives.

θ holds the logarithm of every fitted parameter, and E itself, for N, D and C in units of their geometric means: then no
unit matters, and amplitudes and exponents are least correlated. With φ = e^θ the chain rule gives
∂ln L̂/∂θ = φ·(∂L̂/∂φ)/L̂, and (∂L̂/∂E)/L̂ for E.

θ has the free parameters alone. A tied one moves with the one it follows. A fixed one is given in N, D and C
themselves: in the problem's units a fixed A is A·u^−α, which moves with a free α.

How many distinct tokens each run had, which only the data-constrained law asks, comes from the table or from an option.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.fitting.any_law.linearised import Linearised
from flopscape.fitting.any_law.restriction import FLOOR, NO_BOUND, Restriction
from flopscape.laws.law import POSITIVE, Array, Inputs, Law, Mask
from flopscape.runs.cells import amount_column
from flopscape.runs.table import UNIQUE, RunTable

ON_BOUND = 1e-6
"""Distance in ln, and in E over the loss, at which a parameter counts as on its bound."""

NOTHING = Restriction()
"""All parameters are free."""


@dataclass(frozen=True)
class LawProblem:
    """n observations of a law with k free parameters; `inputs` are in multiples of `unit`."""

    law: Law
    inputs: Inputs
    unit: Inputs
    log_loss: Array
    restriction: Restriction = NOTHING

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The free parameters, in the order of θ."""
        return self.restriction.free(self.law)

    @cached_property
    def logarithmic(self) -> Mask:
        """Which of the parameters θ holds as logarithms, shape (k,)."""
        return np.array([name != FLOOR for name in self.names])

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """Lowest and highest θ, shape (k,) each."""
        limits = [self.restriction.bound(self.law, name) for name in self.names]
        low, high = np.array(
            [ends or (NO_BOUND if name == FLOOR else POSITIVE) for name, ends in zip(self.names, limits, strict=True)]
        ).T
        with np.errstate(divide="ignore"):
            return np.where(self.logarithmic, np.log(low), low), np.where(self.logarithmic, np.log(high), high)

    def theta(self, drawn: dict[str, Array]) -> Array:
        """θ (R, k) of parameters by name, each of shape (R,)."""
        with np.errstate(all="ignore"):
            columns = [drawn[name] if name == FLOOR else np.log(drawn[name]) for name in self.names]
        return np.asarray(np.clip(np.nan_to_num(np.stack(columns, axis=1)), *self.bounds))

    def parameters(self, theta: Array) -> dict[str, Array]:
        """Free parameters by name, in the problem's units, each of shape (R, 1)."""
        values = np.where(self.logarithmic, np.exp(np.where(self.logarithmic, theta, 0.0)), theta)
        return {name: values[:, [i]] for i, name in enumerate(self.names)}

    def completed(self, free: dict[str, Array]) -> dict[str, Array]:
        """All parameters by name, in the problem's units, each of shape (R, 1)."""
        fixed, tied = self.restriction.fixed, self.restriction.tied
        values = free | {name: free[leader] for name, leader in tied.items()}
        if fixed:
            # What an amplitude is in other units depends on itself and on exponents, which have none: beside the fixed
            # ones the free may be in any.
            there = self.law.rescaled(self.law.kind(**values, **fixed), self.unit.inverse)
            like = next(iter(free.values()))
            values |= {name: np.broadcast_to(getattr(there, name), like.shape) for name in fixed}
        return {name: values[name] for name in self.law.names}

    def in_units(self, theta: Array) -> Any:
        """The law's own tuple of parameters for N, D and C themselves, each of shape (R,) for θ (R, k), () for (k,)."""
        values = self.completed(self.parameters(np.atleast_2d(theta)))
        p = self.law.kind(**{name: value[:, 0] if theta.ndim > 1 else value[0, 0] for name, value in values.items()})
        given = {
            name: np.broadcast_to(value, np.shape(theta)[:-1])[()] for name, value in self.restriction.fixed.items()
        }
        return self.law.rescaled(p, self.unit)._replace(**given)

    @property
    def supply(self) -> Array:
        """Distinct tokens of each run, shape (n,); infinite for fresh data."""
        return self.inputs.unique_tokens * self.unit.unique_tokens

    def losses(self, theta: Array) -> Array:
        """Predicted loss (n,) at θ (k,), in nats."""
        return np.asarray(np.exp(self.evaluate(theta[None])[0][0] + self.log_loss))

    def linearise(self, theta: Array) -> Linearised:
        """All rows around θ (k,); a parameter on its bound is not free."""
        residual, J = (part[0] for part in self.evaluate(theta[None]))
        (low, high), level = self.bounds, np.where(self.logarithmic, 1.0, np.exp(self.log_loss.min()))
        # The floor is in nats and no logarithm: how near to zero it is, is judged beside the lowest loss.
        free = (theta - low >= ON_BOUND * level) & (high - theta >= ON_BOUND)
        raw = np.exp(self.log_loss) - np.exp(self.log_loss + residual)
        return Linearised(theta, -residual, J, np.asarray(free), raw)

    @np.errstate(all="ignore")
    def evaluate(self, theta: Array) -> tuple[Array, Array]:
        """Residuals ln L̂ − ln L, shape (R, n), and ∂ln L̂/∂θ, shape (R, k, n)."""
        free = self.parameters(theta)
        values = self.completed(free)
        p = self.law.kind(**values)
        predicted = np.broadcast_to(self.law.loss(p, self.inputs), (len(theta), len(self.log_loss)))
        # θ holds ln p of all parameters but the floor: ∂/∂ln p = p·∂/∂p.
        chain = np.stack([np.ones_like(v) if name == FLOOR else v for name, v in values.items()])
        J = self.law.gradient(p, self.inputs) * chain / predicted
        if self.restriction:
            J = np.einsum("ikr,krn->irn", self._moves(free, values), J)
        return np.log(predicted) - self.log_loss, J.swapaxes(0, 1)

    def _moves(self, free: dict[str, Array], values: dict[str, Array]) -> Array:
        """How all parameters, or their logarithms, move with each coordinate of θ, shape (k, parameters, R)."""
        moves = np.zeros((len(free), len(values), len(next(iter(free.values())))))
        amplitudes = [name for name in self.restriction.fixed if name != FLOOR and name not in self.law.bounds]
        for i, name in enumerate(free):
            moved = [name, *(other for other, leader in self.restriction.tied.items() if leader == name)]
            for other in moved:
                moves[i, self.law.names.index(other)] = 1.0
            if amplitudes and name in self.law.bounds:
                # ln (A·u^−α) falls by ln u for each unit of α, at any α, and so by α·ln u where α is doubled: as much
                # as for each unit of ln α.
                doubled = self.completed(free | {name: 2 * free[name]})
                for other in amplitudes:
                    move = np.log(doubled[other]) - np.log(values[other])
                    moves[i, self.law.names.index(other)] = move[:, 0]
        return moves


def problem_of(law: Law, table: RunTable, unique_tokens: Array, restriction: Restriction = NOTHING) -> LawProblem:
    """A table's rows in units of their geometric means."""
    amounts = (table.n_params, table.n_tokens, table.flops)
    n, d, c = map(_middle, amounts)
    others = {name: table.covariates[name] for name in law.covariates}
    # Distinct tokens are counted in the unit of D, so that their ratio stays what it is.
    # Shares, some of which may be zero, have no unit.
    units = {name: np.ones(()) if law.shares else _middle(values) for name, values in others.items()}
    unit = Inputs(n, d, c, d, units)
    inputs = Inputs(*amounts, unique_tokens, others).per(unit)
    return LawProblem(law, inputs, unit, np.log(table.loss), restriction)


def _middle(values: Array) -> Array:
    return np.asarray(np.exp(np.log(values).mean()))


def unique_tokens_of(table: RunTable, law: Law, unique_tokens: float | None) -> tuple[Array, float]:
    """U of each run, shape (n,), and U at the asked compute; infinite for a law that does not depend on it.

    The table's column `unique_tokens` comes first, its empty cells meaning fresh data; without it every run has
    `unique_tokens`. The asked compute has that number, or the largest of the column.

    Raises
    ------
    FlopscapeError
        The law depends on U and there is neither, U is not positive, or another law is given one.
    """
    if UNIQUE not in law.arguments:
        if unique_tokens is not None:
            raise FlopscapeError(f"unique_tokens: the law {law.name} does not depend on it; constrained does")
        return np.full(len(table), np.inf), float("inf")
    if unique_tokens is not None and not unique_tokens > 0:
        raise FlopscapeError(f"unique_tokens: {unique_tokens!r} is not a positive number of tokens")
    if UNIQUE in table.columns:
        cells = amount_column(table.columns, UNIQUE, table.path, table.row, blank=True)
        supply = np.where(np.isnan(cells), np.inf, cells)
        finite = supply[np.isfinite(supply)]
        return supply, float(unique_tokens or (finite.max() if len(finite) else np.inf))
    if unique_tokens is None:
        raise FlopscapeError(f"{table.path}: no column unique_tokens, and no --unique-tokens for all runs")
    return np.full(len(table), float(unique_tokens)), float(unique_tokens)
