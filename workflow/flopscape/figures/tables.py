"""What a figure draws: the tables of one study, read and completed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flopscape.answers.runs_and_fits import RunsAndFits, of_the_loss
from flopscape.errors import FlopscapeError
from flopscape.fitting.common.draws_file import fit_name, has_draws, read_draws, read_fits
from flopscape.fitting.isoflop.curves import has_curve
from flopscape.records.backtest import F, Forecast, Outcome, forecasts_of
from flopscape.records.columns import VARIED
from flopscape.records.fit_result import FitResult
from flopscape.runs.budgets import group_budgets, nearest_budget
from flopscape.runs.statuses import without_set_aside
from flopscape.runs.study_tables import CURVE_COLUMNS, refuse_changed

NEEDED = ("n_params", "n_tokens", "loss")


@dataclass(frozen=True)
class Tables(RunsAndFits):
    """Runs, training curves, and fits by name with their bootstrap draws; runs that no fit sees are in none of them.

    `runs` has every column that the figures use, whatever the file had; `draws` lacks the fits that wrote none;
    `sensitivity` is the table of `flopscape sensitivity`, and `backtest` has the lines of `flopscape backtest`, where
    there is one.
    """

    runs: pd.DataFrame
    curves: pd.DataFrame
    fits: dict[str, FitResult] = field(default_factory=dict)
    draws: dict[str, pd.DataFrame] = field(default_factory=dict)
    title: str = ""
    sensitivity: pd.DataFrame | None = None
    backtest: list[Forecast] | None = None

    @property
    def trained_here(self) -> bool:
        """Whether flopscape made the runs, and so knows what their N and loss are."""
        return "n_params_body" in self.runs

    @property
    def size(self) -> str:
        """What N counts, as the label of an axis says it."""
        return "parameters (body + head)" if self.trained_here else "parameters"

    @property
    def loss_label(self) -> str:
        """The loss of a whole run, with its unit."""
        return f"{'held-out loss' if self.trained_here else 'loss'}, {self.loss_unit}"

    @property
    def sampled_flops(self) -> tuple[float, float] | None:
        """Smallest and largest compute that was spent on a completed run: budgets where there are some."""
        spent = self.completed.budget.fillna(self.completed.flops).dropna()
        return (float(spent.min()), float(spent.max())) if len(spent) else None


def read(
    runs: str | Path,
    curves: str | Path | None,
    fits: Iterable[str | Path],
    title: str,
    sensitivity: str | Path | None = None,
    backtest: str | Path | None = None,
) -> Tables:
    """Read a study's tables; raises FlopscapeError with the path of a file that is missing or lacks a column."""
    paths = [Path(path) for path in fits]
    results = of_the_loss(read_fits(paths))
    drawn = [path for path in paths if fit_name(path) in results and has_draws(path)]
    draws = {fit_name(path): read_draws(path, results[fit_name(path)]) for path in drawn}
    whole = complete(read_csv(runs))
    table = with_budgets(without_set_aside(whole), results.values())
    varied = None if sensitivity is None else read_csv(sensitivity, VARIED)
    hidden = None if backtest is None else [line for line in read_backtest(backtest) if line.fit in results]
    points = _curves(curves, whole, runs)
    shown = points[points.run_id.astype(str).isin(table.run_id.astype(str))].reset_index(drop=True)
    return Tables(table, shown, results, draws, title, varied, hidden)


def read_backtest(path: str | Path) -> list[Forecast]:
    """The lines of a table of `flopscape backtest`; raises FlopscapeError with the path where it is none."""
    return _lines(path, Forecast, "backtest")


def read_validation(path: str | Path) -> list[Outcome]:
    """The lines of a table of `flopscape validate`; raises FlopscapeError with the path where it is none."""
    return _lines(path, Outcome, "validate")


def _lines(path: str | Path, kind: type[F], verb: str) -> list[F]:
    frame = read_csv(path, [field.name for field in fields(kind)])
    try:
        return forecasts_of(frame.to_dict("records"), kind)
    except ValueError as error:
        raise FlopscapeError(f"{path}: not a table of flopscape {verb} ({error}); make it again") from error


def complete(runs: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that other people's tables lack: every run completed, of one seed, C = 6ND."""
    defaults: dict[str, Any] = {
        "run_id": [f"row {row}" for row in range(1, len(runs) + 1)],
        "status": "completed",
        "reason": "",
        "simulated": False,
        "unit": "token",
        "budget": np.nan,
        "seed": 0,
        "flops": 6.0 * runs.n_params * runs.n_tokens,
    }
    table = runs.assign(**{name: value for name, value in defaults.items() if name not in runs})
    for name in (*NEEDED, "flops", "budget"):
        table[name] = pd.to_numeric(table[name], errors="coerce").astype(float)
    # A CSV has words, a frame booleans; both become text first.
    table["simulated"] = table.simulated.astype(str).str.lower().eq("true")
    return table


def with_budgets(runs: pd.DataFrame, fits: Iterable[FitResult]) -> pd.DataFrame:
    """Runs with the budgets of the fits: planned ones as the fits group them, else those that a fit found in C."""
    if runs.budget.notna().any():
        return runs.assign(budget=group_budgets(runs.flops.to_numpy(float), runs.budget.to_numpy(float)))
    fit = first_with_curves(fits)
    if fit is None:
        return runs
    budgets = [vertex.budget for vertex in fit.vertices]
    nearest = nearest_budget(budgets, runs.flops.to_numpy(float))
    # −1 would index the last budget: such runs get NaN.
    return runs.assign(budget=np.where(nearest < 0, np.nan, np.array(budgets)[nearest]))


def first_with_curves(fits: Iterable[FitResult]) -> FitResult | None:
    """The first fit that has a curve of loss against size for a budget."""
    return next((fit for fit in fits if any(has_curve(vertex.curve) for vertex in fit.vertices)), None)


def read_csv(path: str | Path, needed: Sequence[str] = NEEDED) -> pd.DataFrame:
    """A table, of runs unless told otherwise, as it stands; raises FlopscapeError with the path where it is none."""
    try:
        runs = pd.read_csv(path, dtype={"run_id": str})
    except OSError as error:
        raise FlopscapeError(f"{path}: cannot be read ({error.strerror})") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise FlopscapeError(f"{path}: not a CSV table ({error})") from error
    refuse_changed(path)
    missing = [name for name in needed if name not in runs]
    if missing:
        raise FlopscapeError(f"{path}: no column {', '.join(missing)}; the table has to have {', '.join(needed)}")
    return runs


def _curves(path: str | Path | None, runs: pd.DataFrame, table: str | Path) -> pd.DataFrame:
    """Training curves; those of runs that the table has not are refused."""
    if path is None:
        return pd.DataFrame(columns=list(CURVE_COLUMNS))
    curves = _parquet(path)
    strange = set(curves.run_id.astype(str)) - set(runs.run_id.astype(str)) if "run_id" in curves else set()
    if strange:
        raise FlopscapeError(f"{path}: run {min(strange)} is not in {table}; give the curves of the same study")
    return curves


def _parquet(path: str | Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise FlopscapeError(f"{path}: cannot be read as Parquet ({error})") from error
