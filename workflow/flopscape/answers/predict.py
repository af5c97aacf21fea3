"""Predictions from a finished fit: the optimum at any compute, or the loss of a given size there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.answers.evaluate import FittedLaw, evaluator, fitted_law
from flopscape.answers.evaluator import Evaluator
from flopscape.answers.extrapolation import refuse_absurd
from flopscape.errors import FlopscapeError
from flopscape.fitting.any_law.asked import given_covariates
from flopscape.fitting.common.draws_file import read_draws
from flopscape.fitting.common.row_weights import percentile_interval
from flopscape.fitting.judge.verdict import finite_or_none
from flopscape.laws.law import Array
from flopscape.records.fit_file import read_fit
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.runs.table import UNIQUE
from flopscape.text.written import shown


def read_with_draws(path: str | Path) -> tuple[FitResult, pd.DataFrame]:
    """FIT.json and the draws beside it; raises FlopscapeError where they cannot be read or do not belong together."""
    result = read_fit(path)
    return result, read_draws(path, result)


def predict(
    result: FitResult,
    draws: pd.DataFrame,
    flops: Sequence[float],
    n_params: float | None = None,
    unique_tokens: float | None = None,
) -> list[Prediction]:
    """The compute-optimal N, D and loss at each C, or D and loss for a given N; intervals from the fit's draws.

    Parameters
    ----------
    result, draws
        As `fit` returns them, or `read_with_draws` from a file.
    flops : sequence of float
        Compute C in FLOPs.
    n_params : float, optional
        Use this size instead of the optimal one.
    unique_tokens : float, optional
        Of the law constrained: distinct tokens, when not those that the fit was told.

    Raises
    ------
    FlopscapeError
        The fit cannot answer, a number is not positive, or the answer has less than one parameter or token.

    Examples
    --------
    The same on the command line: `flopscape predict FIT.json --flops 1e24`.
    """
    question = [*(("flops", c) for c in flops), ("n_params", n_params)]
    fitted, sampled = law_and_draws(result, draws, question, unique_tokens)
    predictions = [_predict(fitted, sampled, float(c), n_params) for c in flops]
    for at in predictions:
        refuse_absurd(f"flops {at.flops:g}", *(x.estimate if x else None for x in (at.n_params, at.n_tokens)))
    return predictions


def asked_at(result: FitResult, at: Mapping[str, float]) -> tuple[FitResult, list[str]]:
    """The fit, to be asked at other values of its law's covariates, and sentences on those that lie beyond the runs.

    Parameters
    ----------
    result : FitResult
    at : mapping
        Values by covariate, or by the columns that it is an expression of. Covariates that are not told keep the values
        that the fit was asked at, and C = κ(N)·N·D is that of runs with these values.

    Raises
    ------
    FlopscapeError
        What is no covariate of the fit's law, or a value that it cannot have.

    Examples
    --------
    `flopscape predict experts.json --flops 1e22 --at experts=16`
    """
    if not isinstance(at, Mapping):
        raise FlopscapeError(f"at: {shown(at)} names no covariate; write it as {{'experts': 16}}")
    fitted = None if result.status == "refused" else fitted_law(result)
    if fitted is None or not fitted.law.covariates:
        raise FlopscapeError(
            f"at: {shown(next(iter(at)))} is no covariate: {result.law or result.method} has none, only fits of the "
            "method law with a law of more than N, D and C; leave it out"
        )
    if not (among := result.covariates):
        raise FlopscapeError("at: the fit is of an older version and keeps no covariates; make it again")
    told, said = given_covariates(fitted.law, among, at)
    values = {**result.at, **told}
    shift = sum(one.cost * np.log(values[term] / result.at[term]) for term, one in among.items() if one.cost)
    compute = replace(fitted.compute, log_kappa=fitted.compute.log_kappa + shift)
    return replace(result, diagnostics=result.diagnostics | {"at": values, "kappa": compute.to_json()}), said


def law_and_draws(
    result: FitResult,
    draws: pd.DataFrame,
    question: Iterable[tuple[str, float | None]],
    unique_tokens: float | None = None,
) -> tuple[Evaluator, Evaluator]:
    """The fitted law and that of all draws, to be asked about numbers by name; `unique_tokens` as for `predict`.

    Raises
    ------
    FlopscapeError
        The fit cannot answer, or a number is not positive.
    """
    fitted: Evaluator | None = None if result.status == "refused" else evaluator(result)
    if fitted is None or (result.exponents is None and result.parameters is None):
        raise FlopscapeError(_why_no_prediction(result))
    for name, value in (*question, ("unique_tokens", unique_tokens)):
        if value is not None and not 0 < value < np.inf:
            raise FlopscapeError(f"{name}: {value!r} is not a positive number")
    if unique_tokens is not None:
        fitted = _supplied(result, fitted, unique_tokens)
    return fitted, fitted.of_draws(draws)


def _why_no_prediction(result: FitResult) -> str:
    """Why a fit cannot be asked."""
    if result.status == "refused" or not result.parameters:
        return f"the fit has no prediction: {result.reason}"
    return (
        f"the law {result.law!r} is unknown here: for predictions the module {result.method} must be found from this"
        f" folder, and have a LAW of that name, made by flopscape.laws.law.Law"
    )


def _supplied(result: FitResult, fitted: Evaluator, unique_tokens: float) -> Evaluator:
    """The law with other distinct tokens than the fit was told of."""
    if not isinstance(fitted, FittedLaw) or UNIQUE not in fitted.law.arguments:
        whose = f"the law {result.law}" if result.parameters else result.method
        raise FlopscapeError(f"unique_tokens: {whose} does not depend on it, only the law constrained; leave it out")
    return replace(fitted, unique_tokens=unique_tokens)


@np.errstate(all="ignore")
def _predict(fitted: Evaluator, sampled: Evaluator, flops: float, n_params: float | None) -> Prediction:
    """One compute; None for what the law does not say."""
    if own := fitted.own_prediction(sampled, flops, n_params):
        return own
    best, many = (_at(law, flops, n_params) for law in (fitted, sampled))
    n, d, loss, ratio = (_estimate(value, spread) for value, spread in zip(best, many, strict=True))
    band = fitted.near_optimal_sizes(flops) if n_params is None else None
    return Prediction(flops, n, d, loss, ratio, band)


def _at(law: Evaluator, flops: float, n_params: float | None) -> tuple[Array, Array, Array, Array]:
    """N, D, loss and D/N at the optimum or at the given size, of the shape of the law's draws."""
    if n_params is None:
        n, d, loss = law.optimum(flops)
    else:
        n_tokens = np.exp(law.compute.tokens(np.log(n_params), flops))
        loss = law.loss(n_params, n_tokens, flops)
        # N is given and D follows from C, so that both are the same in every draw and only the loss has an interval.
        n, d = np.full(np.shape(loss), n_params), np.full(np.shape(loss), n_tokens)
    # D/N of each draw, and not from the ends of D's and N's intervals: in one draw both come from the same optimum.
    return n, d, loss, d / n


def _estimate(value: Array, draws: Array) -> Estimate | None:
    # A law of C alone has no N*: what it does not say is None and no interval around nothing.
    if not np.isfinite(value):
        return None
    return Estimate(float(value), *(finite_or_none(end) for end in percentile_interval(draws)))
