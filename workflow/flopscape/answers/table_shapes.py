"""The shapes that a table of runs tells: N and the cost of a token of those that were run, and of those between.

C = κ·N·D with κ from the table. Where N follows from the parts of a shape that the law depends on, as it does from
depth and width, N and C/D are functions of these parts; where it does not, as with experts, N is a part of the shape
itself. The functions are polynomials of second degree in each part, which are exact for a transformer, whose weights
and attention are sums of products such as depth·width², and for a cost such as N·experts; of few shapes, or where that
is nearer, a product of powers. A table that neither describes to 2 % has the shapes that were run and no others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Self

import numpy as np
import pandas as pd

from flopscape.answers.shapes import Shapes
from flopscape.errors import joined
from flopscape.laws.composition import columns_in
from flopscape.laws.law import Array, Index
from flopscape.runs.covariates import covariates_in
from flopscape.runs.table import RunTable

TOLD = 0.02
"""Largest relative error of N and of a token's cost where they count as functions of a shape's parts."""
MOST = 20_000
"""Shapes, all parts together."""
MOST_VALUES = 200
"""Of one part."""
N = "n_params"
Parts = Mapping[str, Array]


def shapes_of_table(table: RunTable, covariates: tuple[str, ...]) -> Shapes:
    """The shapes of the runs and, where the table tells what these count, those between them.

    Parameters
    ----------
    table : RunTable
        As the fit read it.
    covariates : tuple of str
        Of the fitted law: the columns that they read are the parts of a shape.

    Raises
    ------
    FlopscapeError
        A column that is not there, or no number.
    """
    parts: Parts = {name: values for term in covariates for name, values in _parts(table, term).items()}
    if not parts or _is_free(parts, table.n_params):
        parts = {N: table.n_params, **parts}
    amounts = table.n_params, table.flops / table.n_tokens
    n_params, cost = (_Told.of(parts, amount) for amount in amounts)
    ran = {name: (float(values.min()), float(values.max())) for name, values in parts.items()}
    if (error := max(n_params.error, cost.error)) > TOLD:
        first = np.unique(np.stack([*parts.values()]), axis=1, return_index=True)[1]
        sizes = pd.DataFrame({name: values[first] for name, values in parts.items()})
        how = f"those that were run, for N and C/D of others do not follow from {joined(parts)} to {TOLD:.0%}"
        return Shapes(sizes, amounts[0][first], amounts[1][first], ran, how)
    most = min(MOST_VALUES, int(MOST ** (1 / len(parts))))
    grid = pd.DataFrame(list(product(*(_between(values, most) for values in parts.values()))), columns=[*parts])
    wanted = {name: grid[name].to_numpy(float) for name in parts}
    how = f"N and C/D of the runs as functions of {joined(parts)}, off by {error:.1%} at most"
    return Shapes(grid, n_params.at(wanted), cost.at(wanted), ran, how)


def _parts(table: RunTable, term: str) -> Parts:
    """The columns that a covariate reads, or itself where one of them is zero somewhere, as sparsity may be."""
    names = [term] if term in table.columns else sorted(columns_in(term))
    parts = covariates_in(table.columns, names, table.path)
    if all((values > 0).all() for values in parts.values()):
        return parts
    return covariates_in(table.columns, [term], table.path)


def _is_free(parts: Parts, n_params: Array) -> bool:
    """Whether runs that are alike in all parts differ in N; where no two are alike, whether the parts do not tell N."""
    alike = np.unique(np.stack([*parts.values()]), axis=1, return_inverse=True)[1].ravel()
    most, least = np.full(alike.max() + 1, 0.0), np.full(alike.max() + 1, np.inf)
    np.maximum.at(most, alike, n_params)
    np.minimum.at(least, alike, n_params)
    if len(most) == len(n_params):
        return _Told.of(parts, n_params).error > TOLD
    return bool((most > (1 + TOLD) * least).any())


@dataclass(frozen=True)
class _Told:
    """An amount as a function of parts over their geometric means, with its largest relative error on the runs."""

    middle: Array
    powers: Index
    coefficients: Array
    is_product: bool
    error: float

    @classmethod
    def of(cls, parts: Parts, amount: Array) -> Self:
        """By least squares of the relative error, the nearer of the two; an infinite error where the shapes are few."""
        q, middle = len(parts), np.exp([np.log(values).mean() for values in parts.values()])
        polynomial, product_of_powers = list(product(range(3), repeat=q)), np.eye(q + 1, q, -1, int)
        kinds = [cls._found(parts, amount, middle, np.array(polynomial), is_product=False)]
        kinds += [cls._found(parts, amount, middle, product_of_powers, is_product=True)]
        return min(kinds, key=lambda told: told.error)

    @classmethod
    def _found(cls, parts: Parts, amount: Array, middle: Array, powers: Index, is_product: bool) -> Self:
        none = cls(middle, powers, np.zeros(len(powers)), is_product, float("inf"))
        # Half as many unknowns as shapes, or they would be hit whether or not they follow such a function.
        if np.unique(np.stack([*parts.values()]), axis=1).shape[1] < 2 * len(powers):
            return none
        columns, wanted = none._columns(parts), np.log(amount) if is_product else np.ones(len(amount))
        if not is_product:
            columns = columns / amount[:, None]
        found = np.asarray(np.linalg.lstsq(columns, wanted, rcond=None)[0], float)
        error = np.abs(replace(none, coefficients=found).at(parts) / amount - 1).max()
        return replace(none, coefficients=found, error=float(error))

    def at(self, parts: Parts) -> Array:
        """The amount of other shapes."""
        values = self._columns(parts) @ self.coefficients
        return np.asarray(np.exp(values) if self.is_product else values)

    def _columns(self, parts: Parts) -> Array:
        x = np.stack([*parts.values()], axis=1) / self.middle
        if self.is_product:
            # 1 and ln x: the rows of `powers` say which.
            return np.concatenate([np.ones((len(x), 1)), np.log(x)], axis=1)
        return np.asarray(np.prod(x[:, None] ** self.powers, axis=2))


def _between(values: Array, most: int) -> Array:
    """Values of a part from its lowest to its highest: whole ones where all runs have such, else even steps in ln."""
    low, high = values.min(), values.max()
    steps = np.geomspace(low, high, most)
    if not np.array_equal(values, np.round(values)) or high > 1e6:
        return steps if high > low else np.array([low])
    whole = np.arange(low, high + 1) if high - low < most else np.round(steps)
    return np.unique(np.concatenate([whole, [low, high]]))
