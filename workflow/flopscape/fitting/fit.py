"""One call for every method: read, leave out, fit, write FIT.json and its draws in FIT.draws.parquet."""

import importlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError, joined
from flopscape.files.outputs import refuse_output
from flopscape.files.side_outputs import refuse_side_output, write_parquet
from flopscape.fingerprint import extend_import_path
from flopscape.fitting.backtest.judge import RESAMPLES, judge_by_hidden_budgets
from flopscape.fitting.common.draws_file import DRAWS, draws_file, is_draws
from flopscape.fitting.common.made_from import made_from, options_given
from flopscape.fitting.judge.verdict import finite_or_none, refuse
from flopscape.fitting.methods import (
    chosen_options,
    module_of,
    shipped_methods,
    why_each_seed_is_needed,
    why_not_its_options,
)
from flopscape.records.backtest import TABLE_TELLS
from flopscape.records.fit_file import write_fit
from flopscape.records.fit_parts import Sampled
from flopscape.records.fit_result import SAMPLED, Estimate, FitResult, Prediction
from flopscape.runs.chosen import chosen_rows, left_out, merged
from flopscape.runs.meaning import why_doubtful_magnitude, why_off_budget
from flopscape.runs.read import read_runs
from flopscape.runs.table import RunTable
from flopscape.text import numbers

NOT_REFITTED = ("answer",)
"""Methods whose intervals are made for what lies beyond the runs, and whose refits cost as much as the fit."""
QUANTITIES = ("n_params", "n_tokens", "loss", "tokens_per_param")


def fit(
    table: RunTable,
    method: str,
    *,
    flops: Sequence[float] = (),
    bootstrap: int = 4000,
    seed: int = 0,
    exclude: str | None = None,
    min_flops: float | None = None,
    seeds: str | None = None,
    **options: Any,
) -> tuple[FitResult, pd.DataFrame]:
    """Fit a table of runs.

    Parameters
    ----------
    table : RunTable
        From `read_runs`.
    method : str
        One of `methods.shipped_methods()`, or the import path of a module with the same `estimate`.
    flops : sequence of float
        Compute C, in FLOPs, to predict the optimum for.
    bootstrap, seed : int
        Resamples, or draws where a method simulates, and their seed: the same seed gives the same bytes.
    exclude, min_flops, seeds : optional
        Which rows: without those for which an expression over the columns is true, and those of less compute, in
        FLOPs; `mean` or `median` makes one row of the seeds of each (N, D), `each` or None leaves them.
    **options
        What only some methods take, such as approach3's `objective` and `delta`; None is the method's default.

    Returns
    -------
    FitResult and the draws: one row a replicate with `replicate`, `E`, `A`, `B`, `alpha`, `beta`, `a`, `b`,
    `degenerate`, and `n_params@C`, `n_tokens@C`, `loss@C` for each asked C (`column` gives the names).

    Raises
    ------
    FlopscapeError
        An unknown method or option, a bad exclusion, a budget that is not positive, seeds merged for weights or curves
        that need each run, or rows of two kinds (see runs/meaning.py). Of all other data a fit is returned.
    """
    if why := why_each_seed_is_needed(seeds, method, options):
        raise FlopscapeError(why)
    table = merged(chosen_rows(table, exclude, min_flops), seeds)
    result, draws = _estimated(table, method, [_positive(c) for c in flops], bootstrap, seed, options)
    result = _doubted(_of_table(result, table), table)
    result.diagnostics |= _choice(exclude, min_flops, seeds)
    again = partial(_refitted, method=method, seed=seed, options=options)
    judge_by_hidden_budgets(result, table, again, _why_not_refitted(method, bootstrap, result.at))
    return result, draws


def _choice(exclude: str | None, min_flops: float | None, seeds: str | None) -> dict[str, Any]:
    """Which rows were asked for, as the fit keeps it: what says nothing is left out."""
    choice = {"exclude": exclude, "min_flops": min_flops, "seeds": None if seeds == "each" else seeds}
    return {name: value for name, value in choice.items() if value}


def _why_not_refitted(method: str, bootstrap: int, covariates: Iterable[str]) -> str:
    """Why a fit is not tested by its own refits, or nothing."""
    if method not in shipped_methods() or method in NOT_REFITTED:
        return TABLE_TELLS
    if others := [*covariates]:
        return f"the runs of a budget differ in {joined(others)}, so that no budget tells its own optimum"
    return f"that takes {RESAMPLES} resamples" if bootstrap < RESAMPLES else ""


def _refitted(table: RunTable, flops: Sequence[float], *, method: str, seed: int, options: dict[str, Any]) -> FitResult:
    """The same fit of other rows, as a test of it needs it."""
    return _estimated(table, method, [*flops], RESAMPLES, seed, options)[0]


def _estimated(
    table: RunTable, method: str, flops: list[float], bootstrap: int, seed: int, options: dict[str, Any]
) -> tuple[FitResult, pd.DataFrame]:
    """What the method's own `estimate` finds, in numbers that a reader and JSON can hold."""
    module = _method(method)
    accepted = _accepted(method, options)
    with np.errstate(all="ignore"):  # what overflows becomes infinite or not a number, and is judged as such
        result, draws = module.estimate(table, flops=flops, bootstrap=bootstrap, seed=seed, **accepted)
        result, draws = representable(result, draws, flops)
    result.seed = seed
    if method not in shipped_methods():  # it may call a shipped one, and is to be told from that in figures and reports
        result.method = method
    return result, draws


def representable(result: FitResult, draws: pd.DataFrame, flops: Sequence[float]) -> tuple[FitResult, pd.DataFrame]:
    """The fit, refused where a parameter or exponent is not finite; a prediction that is not has no numbers."""
    result.diagnostics, result.optima = _plain(result.diagnostics), _plain(result.optima)
    if lost := _not_finite(result):
        why = (
            f"the fitted {', '.join(lost)} {'is' if len(lost) == 1 else 'are'} no finite number: N, D, C or the losses"
            " of this table are too large or too small to compute with; are they in single units, and in nats?"
        )
        result.surface = result.parameters = None
        return refuse(result, why, flops)
    result.predictions = [_prediction(result, predicted) for predicted in result.predictions]
    for group in _groups(result):
        group |= {name: _ends(number) for name, number in group.items()}
    return result, draws


def _groups(result: FitResult) -> list[dict[str, Estimate]]:
    return [group for group in (result.surface, result.parameters, result.exponents) if group]


def _not_finite(result: FitResult) -> list[str]:
    return [name for group in _groups(result) for name, number in group.items() if not math.isfinite(number.estimate)]


def _prediction(result: FitResult, predicted: Prediction) -> Prediction:
    """The prediction with finite ends, or without numbers where the optimum is beyond what a float can hold."""
    given = {name: number for name in QUANTITIES if (number := getattr(predicted, name)) is not None}
    if not all(_is_usable(name, number.estimate) for name, number in given.items()):
        result.warnings = [
            *result.warnings,
            f"C = {numbers.flops(predicted.flops)}: the optimum of this law is beyond the numbers that can be computed"
            " with",
        ]
        return Prediction(predicted.flops, None, None, None, None)
    for name, number in given.items():
        setattr(predicted, name, _ends(number))
    if not all(map(math.isfinite, predicted.near_optimal_n_params or ())):
        predicted.near_optimal_n_params = None
    return predicted


def _is_usable(name: str, value: float | None) -> bool:
    return value is not None and math.isfinite(value) and (value > 0 or name == "loss")


def _ends(number: Estimate) -> Estimate:
    low, high = (None if end is None else finite_or_none(end) for end in (number.low, number.high))
    return Estimate(number.estimate, low, high)


def _plain(value: Any) -> Any:
    """JSON's values, None for a number that is not finite."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return finite_or_none(value) if isinstance(value, float) else value


def _of_table(result: FitResult, table: RunTable) -> FitResult:
    """The fit with what its table says, whatever the method."""
    result.diagnostics.setdefault("n_rows", _n_rows(table, result))
    result.diagnostics |= {SAMPLED: asdict(ranges) if (ranges := _sampled(table)) else {}}
    result.diagnostics |= {"loss_unit": table.loss_unit} if table.loss_unit else {}
    result.excluded = [*table.excluded, *result.excluded]
    result.warnings = [*table.warnings, *filter(None, [why_off_budget(table)]), *result.warnings]
    result.conventions, result.unit = table.conventions, table.unit
    result.n_runs, result.simulated, result.input_hash = table.n_runs, table.simulated, table.input_hash
    return result


def _sampled(table: RunTable) -> Sampled | None:
    """Lowest and highest compute, by budget where there is one, and size of the runs; nothing for an empty table."""
    if not len(table):
        return None
    spent = np.where(np.isfinite(table.budget), table.budget, table.flops)
    return Sampled(*([float(x.min()), float(x.max())] for x in (spent, table.n_params)))


def _n_rows(table: RunTable, result: FitResult) -> int:
    """Rows of the table whose runs the method did not leave out."""
    dropped = [name for exclusion in result.excluded for name in exclusion.rows]
    return int((~np.isin(table.run_id, dropped)).sum()) if dropped else len(table)


def _doubted(result: FitResult, table: RunTable) -> FitResult:
    """A fit of no rows says what was left out; one of numbers that may be in millions is weak."""
    if not len(table) and table.excluded:
        result.reason = f"no rows are left ({left_out(table)})"
    elif doubt := why_doubtful_magnitude(table.n_params, table.n_tokens, table.unit):
        if result.status in ("ok", "weak"):
            result.reason = doubt if result.status == "ok" else f"{doubt}; {result.reason}"
            result.status = "weak"
        else:
            result.warnings = [doubt, *result.warnings]
    return result


def run(
    runs: str | Path,
    out: str | Path,
    method: str,
    *,
    columns: Mapping[str, str] | None = None,
    flops: Sequence[float] = (),
    bootstrap: int = 4000,
    seed: int = 0,
    **options: Any,
) -> FitResult:
    """Read a table, fit it, and write OUT (JSON) and the draws beside it in OUT.draws.parquet; see `fit`.

    Raises
    ------
    FlopscapeError
        As `fit`, and where one of the two files must not be written: that is found before the fit.
    """
    curves, drawn = options.get("curves"), draws_file(out)
    refuse_output(out, [runs, curves])
    refuse_side_output(drawn, out, [runs, curves], is_draws)
    table = read_runs(runs, columns)
    recorded = options_given(method, columns, flops, bootstrap, seed, options)
    result, draws = fit(table, method, flops=flops, bootstrap=bootstrap, seed=seed, **options)
    write_parquet(drawn, draws, DRAWS)
    result.made_from = made_from(runs, curves, recorded, drawn, out)
    write_fit(result, out)
    return result


def _method(name: str) -> ModuleType:
    """The method's module; imported by name, so that methods do not share a code fingerprint."""
    extend_import_path()
    try:
        module = importlib.import_module(module_of(name))
    except (ImportError, ValueError) as error:
        raise FlopscapeError(
            f"method {name!r}: none of {', '.join(shipped_methods())}, and no module ({error})"
        ) from error
    if not callable(getattr(module, "estimate", None)):
        raise FlopscapeError(f"method {name!r}: the module has no estimate(table, *, flops, bootstrap, seed)")
    return module


def _accepted(method: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options that are given; one that the method does not take is named."""
    chosen = chosen_options(method, options)
    if why := why_not_its_options(method, chosen):
        raise FlopscapeError(why)
    return chosen


def _positive(flops: float) -> float:
    value = float(flops)
    if not 0 < value < float("inf"):
        raise FlopscapeError(f"flops: {flops!r} is not a positive budget")
    return value
