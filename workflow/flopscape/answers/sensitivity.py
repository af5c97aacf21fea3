"""How far the answer moves when one choice behind it changes: objective, method, rows, or convention of N, D and C.

Every row of the table is one fit that differs from the base fit in one thing. The choice of objective alone moves a by
0.03 on the table of Besiroglu et al. 2024, so that an exponent without its choices says little.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.files.outputs import refuse_output, write_text
from flopscape.fitting.common.made_from import options_given
from flopscape.fitting.fit import fit
from flopscape.fitting.judge.verdict import column
from flopscape.fitting.methods import (
    ANSWER,
    DRAWS_OF_ANSWER,
    RESAMPLES_OF_SENSITIVITY,
    modules_of_sensitivity,
    why_each_seed_is_needed,
)
from flopscape.laws.law import Array, Mask
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.records.stamps import of_sensitivity, text_of
from flopscape.runs.chosen import chosen_rows, merged
from flopscape.runs.read import read_runs, table_of
from flopscape.runs.table import SIX_N_D, RunTable, ends_of_compute

BOOTSTRAP = RESAMPLES_OF_SENSITIVITY
HIGHEST = 0.02
"""Part of the runs that are left out for their high loss: Besiroglu et al. 2024 left out 5 of 245."""
FITS: dict[str, tuple[str, dict[str, Any]]] = {
    "least squares on the loss": ("vpnls", {}),
    "least squares on the log loss": ("approach3", {"objective": "log_lsq"}),
    "Huber of the log loss, δ = 0.001": ("approach3", {"objective": "huber"}),
    "Huber of the log loss, δ scaled to the residuals": ("approach3", {"objective": "huber", "delta": "scaled"}),
    "absolute deviations of the log loss": ("approach3", {"objective": "lad"}),
    "IsoFLOP parabolas": ("approach2", {}),
    "IsoFLOP curves of the surface's shape": ("approach2", {"variant": "exact"}),
}
"""Objectives and methods to compare; the methods' names stand in METHODS_OF_SENSITIVITY too, for rerunning."""
CONVENTIONS = {
    "n_params": ("n_params_non_embedding", "n_params_body", "n_params_total"),
    "n_tokens": ("n_tokens_planned",),
    "flops": ("flops_counted", "flops_6nd"),
}
SAME = 1e-3
"""Largest relative difference between two conventions that are the same one in these runs."""
ASKED = ("n_params", "n_tokens")
NOTHING = Estimate(float("nan"))
Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Setting:
    """One fit to make: its group of choices and its name, and what is fitted how.

    The group is empty where only the fit shows whether objective or method has changed.
    """

    group: str
    name: str
    table: RunTable
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)


def run(
    runs: str | Path,
    out: str | Path,
    method: str,
    *,
    columns: Mapping[str, str] | None = None,
    exclude: str | None = None,
    min_flops: float | None = None,
    seeds: str | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Read a table, vary its fit, and write the result as CSV; see `sensitivity` and `fit.fit` for the rest.

    The result's `attrs` have the rows `excluded` from all fits, and the `warnings` of reading the table.
    """
    refuse_output(out, [runs, options.get("curves")])
    if why := why_each_seed_is_needed(seeds, method, options):
        raise FlopscapeError(why)
    # Rows are chosen before the fits and by none of them; the stamp names the choice all the same.
    stated = options | {"exclude": exclude, "min_flops": min_flops, "seeds": seeds}
    try:
        modules = modules_of_sensitivity(method)
        stamp = of_sensitivity(modules, runs, options.get("curves"), _options_as_kept(method, columns, **stated))
    except OSError as error:
        raise FlopscapeError(f"{error.filename}: cannot be read ({error.strerror})") from error
    table = merged(chosen_rows(read_runs(runs, columns), exclude, min_flops), seeds)
    varied = sensitivity(table, method, **options)
    write_text(out, varied.assign(made_from=text_of(stamp)).to_csv(index=False))
    varied.attrs = {"excluded": table.excluded, "warnings": table.warnings}
    return varied


def _options_as_kept(
    method: str,
    columns: Mapping[str, str] | None,
    *,
    flops: Sequence[float] = (),
    bootstrap: int = BOOTSTRAP,
    seed: int = 0,
    report: Report | None = None,
    **others: Any,
) -> Mapping[str, Any]:
    """The options as a fit's file keeps them."""
    return options_given(method, columns, flops, bootstrap, seed, others)


def sensitivity(
    table: RunTable,
    method: str = "vpnls",
    *,
    flops: Sequence[float] = (),
    bootstrap: int = BOOTSTRAP,
    seed: int = 0,
    report: Report | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Fit a table as it is, and again with one thing changed at a time.

    Parameters
    ----------
    table : RunTable
    method : str
        Of the base fit, as for `fit.fit`; so are `flops`, `bootstrap`, `seed` and the other options.
    report : callable, optional
        Called before each fit with its number, their total and its name.

    Returns
    -------
    DataFrame
        A row a fit, the base first: `what_changes`, `setting`, `method`, `objective`, `n_runs`, `status`, `reason`,
        `a`, `a_low`, `a_high`, and for each asked C `n_params@C`, `n_tokens@C` and their relative change against the
        base, `n_params_change@C` and `n_tokens_change@C`. A refused fit has a reason and no numbers.

    Raises
    ------
    FlopscapeError
        The base fit cannot be asked for: an unknown method or option, or a budget that is not positive.
    """
    made = partial(_made, flops=flops, bootstrap=bootstrap, seed=seed)
    # First, for it refuses a bad option before anything is varied.
    base = made(table, method, options)
    settings = list(_settings(table, base, method, options)) if len(table) else []
    rows = [_row("base", "as it is", base, base)]
    for number, setting in enumerate(settings, 1):
        if report:
            report(number, len(settings), setting.name)
        result = made(setting.table, setting.method, setting.options)
        group = setting.group or ("objective" if result.law == base.law == "surface" else "method")
        # The list of fits contains the base one, under whichever name: it is no change.
        if setting.group or (result.method, result.objective) != (base.method, base.objective):
            rows.append(_row(group, setting.name, result, base))
    return pd.DataFrame(rows)


def _made(
    table: RunTable, method: str, options: Mapping[str, Any], *, flops: Sequence[float], bootstrap: int, seed: int
) -> FitResult:
    # Fewer draws of the answer would make the base another number than the report's.
    draws = DRAWS_OF_ANSWER if method == ANSWER else bootstrap
    return fit(table, method, flops=flops, bootstrap=draws, seed=seed, **options)[0]


def _settings(table: RunTable, base: FitResult, method: str, options: Mapping[str, Any]) -> Iterator[Setting]:
    yield from _fits(table)
    yield from _rows(table, base, method, options)
    yield from _conventions(table, method, options)


def _fits(table: RunTable) -> Iterator[Setting]:
    """Other objectives and methods on the same rows."""
    for name, (method, options) in FITS.items():
        yield Setting("", name, table, method, options)


def _rows(table: RunTable, base: FitResult, method: str, options: Mapping[str, Any]) -> Iterator[Setting]:
    """The base fit with rows left out; nothing where there are none to leave out."""
    ends = ends_of_compute(table)
    # At least one row, for in a small table the part of Besiroglu et al. is none.
    count = max(1, round(HIGHEST * len(table)))
    masks: dict[str, Mask] = {
        "without flagged outliers": np.isin(table.run_id, base.outliers),
        f"without the highest {100 * HIGHEST:g} % of losses": table.loss >= np.sort(table.loss)[-count],
        f"without {ends.low}": ends.smallest,
        f"without {ends.high}": ends.largest,
    }
    for name, mask in masks.items():
        # A mask of nothing gives the base fit again, one of everything no fit.
        if mask.any() and not mask.all():
            yield Setting("rows", name, table.keep(~mask, name), method, options)


def _conventions(table: RunTable, method: str, options: Mapping[str, Any]) -> Iterator[Setting]:
    """The base fit under every other convention of N, D or C that the table has for all rows."""
    frame = table.columns
    if "flops_6nd" not in frame:
        frame = frame.assign(flops_6nd=6.0 * table.n_params * table.n_tokens)
    # C = 6·N·D is no column that could be asked for: it is what `table_of` takes where none is named.
    used = {name: own for name, own in table.conventions.items() if own != SIX_N_D}
    for name, others in CONVENTIONS.items():
        for other in others:
            if other in frame and _is_another(frame[other], getattr(table, name)):
                # The table is made anew and not an array of it exchanged: budgets are found in C, and checks are of the
                # new columns.
                changed = table_of(frame, table.path, {**used, name: other})
                yield Setting("convention", f"{name} = {other}", changed, method, options)


def _is_another(cells: pd.Series, values: Array) -> bool:
    """Whether a column holds positive numbers that differ from those in use."""
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(float)
    return bool(np.isfinite(numbers).all() and (numbers > 0).all() and (np.abs(numbers / values - 1) > SAME).any())


def _row(group: str, name: str, result: FitResult, base: FitResult) -> dict[str, Any]:
    """The line of one fit in the table, with its changes against the base fit."""
    a = (result.exponents or {}).get("a", NOTHING)
    line: dict[str, Any] = {"what_changes": group, "setting": name, "method": result.method}
    line |= {"objective": result.objective, "n_runs": result.n_runs, "status": result.status, "reason": result.reason}
    line |= {"a": a.estimate, "a_low": a.low, "a_high": a.high}
    for mine, of_base in zip(result.predictions, base.predictions, strict=True):
        for quantity in ASKED:
            number, reference = (getattr(p, quantity) or NOTHING for p in (mine, of_base))
            line[column(quantity, mine.flops)] = number.estimate
            # NaN where either fit has no number, and so blank in the CSV.
            line[column(f"{quantity}_change", mine.flops)] = number.estimate / reference.estimate - 1
    return line
