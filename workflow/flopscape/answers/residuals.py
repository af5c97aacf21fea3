"""Residuals of a fit, recomputed from its result alone: what the figures draw."""

from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.answers.law_predict import fitted_loss
from flopscape.errors import FlopscapeError
from flopscape.fitting.isoflop import curves
from flopscape.laws.arrays import Array
from flopscape.laws.surface import Surface, loss
from flopscape.records.fit_result import FitResult
from flopscape.runs.chosen import chosen_rows
from flopscape.runs.read import read_runs
from flopscape.runs.table import SIX_N_D, RunTable


def residuals(table: RunTable, result: FitResult) -> pd.DataFrame:
    """Measured minus predicted loss of every row the fit used.

    Parameters
    ----------
    table : RunTable
        The table that was fitted, with the same rows left out.
    result : FitResult
        A fit with a surface, another law, or one curve per budget.

    Returns
    -------
    DataFrame
        `run_id`, `budget` (FLOPs, NaN outside every budget), `n_params`, `n_tokens`, `flops`, `loss`, `predicted` and
        `residual` (nats). Rows of budgets that were left out are absent; a fit without numbers gives no rows.

    Raises
    ------
    FlopscapeError
        The table is not the one that was fitted.
    """
    if result.input_hash and result.input_hash != table.input_hash:
        raise FlopscapeError(f"{table.path}: not the table that this fit was made of (its input hash differs)")
    predicted = _predicted(table, result)
    frame = pd.DataFrame(
        {
            "run_id": table.run_id,
            "budget": table.budget,
            "n_params": table.n_params,
            "n_tokens": table.n_tokens,
            "flops": table.flops,
            "loss": table.loss,
            "predicted": predicted,
            "residual": table.loss - predicted,
        }
    )
    return frame[np.isfinite(predicted)].reset_index(drop=True)


def fitted_table(path: str | Path, result: FitResult) -> RunTable:
    """Read the table a fit was made of: its columns, without the rows it was told to leave out."""
    columns = {name: column for name, column in result.conventions.items() if column != SIX_N_D}
    told = result.diagnostics
    return chosen_rows(read_runs(path, columns), told.get("exclude"), told.get("min_flops"))


def _predicted(table: RunTable, result: FitResult) -> Array:
    if result.parameters:
        return fitted_loss(table, result)
    return _from_surface(table, result) if result.surface else _from_curves(table, result)


def _from_surface(table: RunTable, result: FitResult) -> Array:
    assert result.surface is not None
    surface = Surface(**{name: number.estimate for name, number in result.surface.items()})
    return loss(surface, table.n_params, table.n_tokens)


def _from_curves(table: RunTable, result: FitResult) -> Array:
    predicted = np.full(len(table), np.nan)
    for optimum in result.optima:
        rows = np.isclose(table.budget, optimum["budget"], rtol=1e-12)
        if optimum["used"] and curves.has_curve(optimum) and rows.any():
            log_n, log_tokens = np.log(table.n_params[rows]), np.log(table.n_tokens[rows])
            predicted[rows] = curves.predicted(optimum, log_n, log_tokens)
    return predicted
