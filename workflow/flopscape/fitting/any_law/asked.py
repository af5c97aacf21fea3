"""What a study asks of the method law: which law, and what its covariates are at the asked compute.

A covariate has the value that `at` gives it. One that is given none is free within the runs' range: a composed law
falls with every covariate, and none of them enters the compute, so that the optimum over it is the largest value that a
run has. That is an edge, and is said.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from flopscape.errors import FlopscapeError, joined
from flopscape.laws.composition import Composition, columns_in
from flopscape.laws.law import Law
from flopscape.laws.registry import law_named
from flopscape.laws.terms import composed
from flopscape.runs.covariates import one_value
from flopscape.runs.table import RunTable
from flopscape.text.written import nearest, shown

BEYOND = 1.05
"""Factor beyond the runs' values from which on a covariate's value is an extrapolation."""


def law_asked(law: str | Mapping[str, Any]) -> Law:
    """The law of a name, or the one that a mapping of terms describes.

    >>> law_asked({"terms": ["n_params", "experts"], "floor": False}).formula
    'L(N, experts) = A·N^−α + c_experts·experts^−γ_experts'
    """
    return composed(Composition.from_json(law)) if isinstance(law, Mapping) else law_named(law)


def covariates_at(law: Law, table: RunTable, at: Mapping[str, float]) -> tuple[dict[str, float], list[str]]:
    """Each covariate's value at the asked compute, and sentences on those that are free or beyond the runs.

    Parameters
    ----------
    law : Law
    table : RunTable
        With its covariates.
    at : mapping
        Values by covariate, or by the columns that a covariate is an expression of.

    Raises
    ------
    FlopscapeError
        A name that is no covariate, or a value that makes one of them not positive.
    """
    _refuse_strange(law, at)
    values: dict[str, float] = {}
    said: list[str] = []
    for term in law.covariates:
        low, high = float(table.covariates[term].min()), float(table.covariates[term].max())
        value = one_value(term, at)
        if value is None:
            values[term] = high
            said.append(
                f"{term} is given no value at the asked compute: the loss falls with it, so that the optimum over it"
                f" within the runs, {low:g} to {high:g}, lies at their edge, {high:g}; give the value that you mean"
                " with at"
            )
            continue
        if not 0 < value < np.inf:
            raise FlopscapeError(f"at: {term} is {value:g} there; it must be positive and finite")
        values[term] = value
        if value > BEYOND * high or value < low / BEYOND:
            said.append(f"{term} = {value:g} at the asked compute lies beyond the runs, {low:g} to {high:g}")
    return values, said


def _refuse_strange(law: Law, at: Mapping[str, float]) -> None:
    """Raise FlopscapeError for a name that the law does not depend on."""
    known = set(law.covariates)
    for term in law.covariates:
        try:
            known |= columns_in(term)
        except ValueError:
            continue  # a column whose name is no expression
    for name in at:
        if name not in known:
            of = f"those of this law are {joined(law.covariates)}" if known else "this law has none"
            raise FlopscapeError(f"at: {shown(name)} is no covariate; {of}{nearest(name, known) if known else ''}")
