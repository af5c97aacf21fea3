"""What a study asks of the method law: which law, and what its covariates are at the asked compute.

A covariate has the value that `at` gives it. Those that are given none are free: with the fitted parameters, the values
within the runs' range are sought at which the lowest loss that the asked compute can buy is lowest. An optimum at an
end of the range is said to lie there: where it would be beyond the runs nobody knows.

What a run costs may depend on its covariates: a mixture of experts computes with a part of its N, and fewer bits are
cheaper. So κ = C/(N·D) is taken at the covariates' values: ln κ as the runs have it, a smooth function of ln N and a
linear one of the covariates' logarithms, as it is where C is a product of powers (6·N·D·P/16 in Kumar et al. 2024).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize

from flopscape.errors import FlopscapeError, joined
from flopscape.laws.composition import columns_in
from flopscape.laws.law import CONSTANT_WITHIN, Array, Compute, Inputs, Law
from flopscape.laws.registry import law_named
from flopscape.laws.terms import written_law
from flopscape.records.fit_parts import CovariateOfRuns
from flopscape.runs.covariates import one_value
from flopscape.runs.table import RunTable
from flopscape.text import numbers
from flopscape.text.written import nearest, shown

BEYOND = 1.05
"""Factor beyond the runs' values from which on a covariate's value is an extrapolation."""
FIRST = 64
"""Points among which a search for free covariates begins."""
OF_ONE = 1e-6
"""How far a sum of shares may be from one."""
AT_EDGE = 1e-3
"""Part of the range, in the logarithm, within which an optimum counts as being at its end."""


def law_asked(law: str | Mapping[str, Any]) -> Law:
    """The law of a name, or the one that a mapping of terms describes.

    >>> law_asked({"terms": ["n_params", "experts"], "floor": False}).formula
    'L(N, experts) = A·N^−α + c_experts·experts^−γ_experts'
    """
    return written_law(law) if isinstance(law, Mapping) else law_named(law)


def given_covariates(
    law: Law, among: Mapping[str, CovariateOfRuns], at: Mapping[str, float]
) -> tuple[dict[str, float], list[str]]:
    """The value of each covariate that `at` tells, by covariate, and sentences on those that lie beyond the runs.

    Parameters
    ----------
    law : Law
    among : mapping
        What the covariates are among the runs, from `covariates_of_runs`.
    at : mapping
        Values by covariate, or by the columns that a covariate is an expression of.

    Raises
    ------
    FlopscapeError
        A name that is no covariate, a column that alone tells none, or a value that makes one of them not positive.
    """
    _refuse_strange(law, at)
    values: dict[str, float] = {}
    said: list[str] = []
    for term in law.covariates:
        if (value := one_value(term, at)) is None:
            continue
        if not (value >= 0 if law.shares else 0 < value < np.inf):
            raise FlopscapeError(f"at: {term} is {value:g} there; it must be positive and finite")
        values[term] = value
        low, high = among[term].low, among[term].high
        if value > BEYOND * high or value < low / BEYOND:
            said.append(f"{term} = {value:g} at the asked compute lies beyond the runs, {low:g} to {high:g}")
    _refuse_idle(law, at, values)
    if law.shares and values and (len(values) < len(law.covariates) or abs(sum(values.values()) - 1) > OF_ONE):
        raise FlopscapeError(f"at: give all of {joined(law.covariates)}, one in sum, or none of them")
    return values, said


def range_of(table: RunTable, term: str) -> tuple[float, float]:
    """Lowest and highest value of a covariate among the runs."""
    values = table.covariates[term]
    return float(values.min()), float(values.max())


def covariates_of_runs(law: Law, table: RunTable) -> dict[str, CovariateOfRuns]:
    """What each covariate of a law is among the runs: its range, and what a run's compute does with it."""
    costs = dict.fromkeys(law.covariates, 0.0) if law.shares else _costs(table, law.covariates)
    return {term: CovariateOfRuns(*range_of(table, term), costs[term]) for term in law.covariates}


def _read_by(term: str) -> set[str]:
    """The names by which the value of a covariate can be told: its own, and the columns that it reads."""
    try:
        return {term, *columns_in(term)}
    except ValueError:
        return {term}  # a column whose name is no expression


def _refuse_idle(law: Law, at: Mapping[str, float], values: Iterable[str]) -> None:
    """Raise FlopscapeError for a column whose value tells no covariate."""
    told = set().union(*map(_read_by, values))
    for name in (name for name in at if name not in told):
        term = next(term for term in law.covariates if name in _read_by(term))
        missing = sorted(_read_by(term) - {term, *at})
        raise FlopscapeError(f"at: {shown(name)} alone does not tell {term}; give {joined(missing)} too")


def _refuse_strange(law: Law, at: Mapping[str, float]) -> None:
    """Raise FlopscapeError for a name that the law does not depend on."""
    known = set().union(*map(_read_by, law.covariates))
    for name, value in at.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FlopscapeError(f"at: {name} is {shown(value)}; write a number")
        if name not in known:
            of = f"those of this law are {joined(law.covariates)}" if known else "this law has none"
            raise FlopscapeError(f"at: {shown(name)} is no covariate; {of}{nearest(name, known) if known else ''}")


def compute_at(table: RunTable, at: Mapping[str, float]) -> Compute:
    """κ(N) of runs with these values of the covariates; that of all runs where κ does not depend on them."""
    flops = table.flops
    for term, cost in _costs(table, at).items():
        flops = flops * np.exp(-cost * np.log(table.covariates[term] / at[term]))
    return Compute.from_runs(table.n_params, table.n_tokens, flops)


def _costs(table: RunTable, terms: Iterable[str]) -> dict[str, float]:
    """The slope of ln κ in the logarithm of each covariate, beside a cubic in ln N; 0 where κ is constant."""
    log_n, names = np.log(table.n_params), [*terms]
    log_kappa = np.log(table.flops) - log_n - np.log(table.n_tokens)
    if not names or np.ptp(log_kappa) < CONSTANT_WITHIN:
        return dict.fromkeys(names, 0.0)
    size = (log_n - log_n.mean()) / max(float(log_n.std()), CONSTANT_WITHIN)
    covariates = np.stack([np.log(table.covariates[term]) for term in names])
    slopes = np.linalg.lstsq(np.vstack([size ** np.arange(4)[:, None], covariates]).T, log_kappa, rcond=None)[0][4:]
    return dict(zip(names, slopes.tolist(), strict=True))


def seek_covariates(
    law: Law, parameters: Any, table: RunTable, given: Mapping[str, float], flops: Sequence[float], supply: float
) -> tuple[dict[str, float], list[str]]:
    """All covariates, the free ones at the values of least loss, and a sentence on each of these.

    Parameters
    ----------
    law : Law
    parameters
        The fitted ones, in the runs' own units.
    table : RunTable
    given : mapping
        From `given_covariates`.
    flops : sequence of float
        The asked compute: the largest counts, or that of the largest run where none is asked.
    supply : float
        Distinct tokens there.
    """
    most = max(flops, default=float(table.flops.max()))
    if law.shares:
        return _best_source(law, parameters, table, most, supply)
    free = [term for term in law.covariates if term not in given]
    low, high = np.array([range_of(table, term) for term in free]).T

    def values(part: Array) -> dict[str, float]:
        # The ends themselves, and not what rounding makes of them.
        between = np.where(part <= 0, low, np.where(part >= 1, high, low * (high / low) ** part))
        sought = dict(zip(free, between.tolist(), strict=True))
        return {term: given.get(term, sought.get(term, np.nan)) for term in law.covariates}

    def loss(part: Array) -> float:
        found = float(_lowest_loss(law, parameters, table, values(part), most, supply))
        return found if np.isfinite(found) else np.inf

    # A grid of one covariate; of several random points, and always the ends.
    q = len(free)
    first = np.random.default_rng(0).uniform(size=(FIRST, q)) if q > 1 else np.linspace(0, 1, FIRST)[:, None]
    first = np.vstack([first, np.zeros((1, q)), np.ones((1, q))])
    start = min(first, key=loss)
    exact: Any = {"xatol": 1e-9, "fatol": 1e-14, "initial_simplex": _around(start)}
    best = minimize(loss, start, method="Nelder-Mead", bounds=[(0.0, 1.0)] * q, options=exact).x
    best = np.where(best < AT_EDGE, 0.0, np.where(best > 1 - AT_EDGE, 1.0, best))
    found = values(best)
    return found, [_sentence(table, term, found[term], part, most) for term, part in zip(free, best, strict=True)]


def _best_source(law: Law, p: Any, table: RunTable, flops: float, supply: float) -> tuple[dict[str, float], list[str]]:
    """The source that alone gives the least loss: shares are in the exponent, where nothing but a corner is lowest."""
    corners = [{term: float(term == source) for term in law.covariates} for source in law.covariates]
    best = min(corners, key=lambda at: float(_lowest_loss(law, p, table, at, flops, supply)))
    [source] = [term for term, share in best.items() if share]
    return best, [
        f"no shares are given at the asked compute: over all mixtures the loss is lowest for {source} alone, an edge;"
        " give the shares that you mean with at"
    ]


def _around(start: Array) -> Array:
    """A simplex of points around the start, within the unit cube."""
    step = 1 / FIRST
    return np.vstack([start, start + np.diag(np.where(start < 0.5, step, -step))])


def _lowest_loss(law: Law, p: Any, table: RunTable, at: Mapping[str, float], flops: float, supply: float) -> Array:
    """L* at a compute; of a law without an optimum the loss of the middle run."""
    bound = law.bound_at(at)
    if bound.optimum is not None:
        return bound.optimum(p, flops, compute_at(table, {} if law.shares else at), supply).loss
    n, d = (np.asarray(np.exp(np.log(amount).mean())) for amount in (table.n_params, table.n_tokens))
    return bound.loss(p, Inputs(n, d, np.asarray(flops), np.asarray(supply)))


def _sentence(table: RunTable, term: str, value: float, part: float, flops: float) -> str:
    low, high = range_of(table, term)
    begun = f"{term} is given no value at the asked compute: "
    if part in (0.0, 1.0):
        return (
            f"{begun}the lowest loss over it within the runs, {low:g} to {high:g}, lies at their edge, {value:g}; give"
            " the value that you mean with at, or ask flopscape shape for the best one with what it costs in N and C"
        )
    return (
        f"{begun}the loss at C = {numbers.flops(flops)} is lowest at {term} = {value:.4g}, which all predictions and"
        " their intervals take as given"
    )
