"""What a fit leaves over: measured minus fitted loss of each run, recomputed from the fit's file alone.

There is one rule for what the fitted loss of a run is. Of a law it is the law's loss. Of a curve for each budget it is
that of the run's budget, whether or not the power laws go through the budget's lowest point: a budget is left out for
having no lowest point within its sizes, and its curve is no worse for that.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.answers.evaluate import evaluator
from flopscape.errors import FlopscapeError
from flopscape.fitting.isoflop.curves import has_curve, predicted
from flopscape.laws.law import Array, Index, Inputs, Mask
from flopscape.records.fit_result import FitResult
from flopscape.runs.budgets import nearest_budget
from flopscape.runs.chosen import chosen_rows
from flopscape.runs.covariates import covariates_in
from flopscape.runs.read import read_runs
from flopscape.runs.table import SIX_N_D, UNIQUE, RunTable


def fitted_loss(fit: FitResult, runs: Inputs, budget: Array) -> Array:
    """The fitted loss of runs, in the loss's own unit.

    Parameters
    ----------
    fit : FitResult
    runs : Inputs
        N, D, C, distinct tokens and covariates, each of shape (n,), in the fit's own conventions.
    budget : array, shape (n,)
        The runs' budgets in FLOPs, NaN where a run is in none.

    Returns
    -------
    array, shape (n,)
        NaN where the fit says nothing: a refused fit, approach1's envelope, a run of no budget with a curve.
    """
    loss = np.full(len(budget), np.nan)
    if fit.status == "refused":
        return loss
    if fit.law_parameters and (law := evaluator(fit)):
        return np.broadcast_to(law.loss(*runs), loss.shape)
    # Not by equality: the table may be read from a file in which budgets are rounded.
    nearest = nearest_budget([vertex.budget for vertex in fit.vertices], budget)
    for i, vertex in enumerate(fit.vertices):
        if has_curve(vertex.curve):
            rows = nearest == i
            loss[rows] = predicted(vertex.curve, np.log(runs.n_params[rows]), np.log(runs.n_tokens[rows]))
    return loss


def frame_inputs(fit: FitResult, runs: pd.DataFrame) -> Inputs:
    """N, D, C and the rest of a frame's rows by the fit's conventions; C = 6·N·D is no column of a file."""
    chosen = {name: fit.conventions.get(name, name) for name in ("n_params", "n_tokens", "flops")}
    # A convention that is no column (6·n_params·n_tokens) is found under the plain name.
    n, d, c = (runs[column if column in runs else name].to_numpy(float) for name, column in chosen.items())
    return Inputs(n, d, c, supply_of(fit, runs), covariates_in(runs, fit.at))


def table_inputs(fit: FitResult, table: RunTable, rows: Mask | Index) -> Inputs:
    """N, D, C, distinct tokens and the covariates of some rows of a table, as the fit's law asks for them."""
    others = {name: x[rows] for name, x in covariates_in(table.columns, fit.at, table.path).items()}
    supply = supply_of(fit, table.columns)[rows]
    return Inputs(table.n_params[rows], table.n_tokens[rows], table.flops[rows], supply, others)


def supply_of(fit: FitResult, runs: pd.DataFrame) -> Array:
    """Distinct tokens of each run: the table's own, an empty cell being fresh data, or what the fit was told."""
    if UNIQUE not in runs:
        return np.full(len(runs), fit.unique_tokens)
    # Infinite for a run on fresh data: all of its D is distinct.
    return pd.to_numeric(runs[UNIQUE], errors="coerce").fillna(np.inf).to_numpy(float)


def residuals(table: RunTable, result: FitResult) -> pd.DataFrame:
    """Measured minus fitted loss of every row the fit used.

    Parameters
    ----------
    table : RunTable
        The table that was fitted, with the same rows left out: `fitted_table` reads it.
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
    predicted = fitted_loss(result, table_inputs(result, table, np.arange(len(table))), table.budget)
    # The fit took these budgets from this very table, so that they are equal to the last digit.
    left_out = [vertex.budget for vertex in result.vertices if not vertex.used]
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
    return frame[np.isfinite(predicted) & ~np.isin(table.budget, left_out)].reset_index(drop=True)


def fitted_table(path: str | Path, result: FitResult) -> RunTable:
    """Read the table a fit was made of: its columns, without the rows it was told to leave out."""
    return chosen_rows(read_runs(path, columns_of(result)), result.choice.exclude, result.choice.min_flops)


def columns_of(result: FitResult) -> dict[str, str]:
    """The columns that a fit read: ours → the table's."""
    return {name: column for name, column in result.conventions.items() if column != SIX_N_D}
