"""One table of the atlas, fitted again: each choice of rows, each way to count C, each recipe, and its backtest."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from flopscape.answers.backtest.methods import Method
from flopscape.answers.backtest.run import backtest
from flopscape.answers.backtest.scores import score
from flopscape.atlas.rows import SKIPPED, Row
from flopscape.atlas.tables import RECIPES, TABLES, Convention, Recipe, Rows, file_of, loss_unit, why_absent
from flopscape.errors import FlopscapeError
from flopscape.files.outputs import refuse_output, write_text
from flopscape.fitting.fit import fit
from flopscape.fitting.methods import RESAMPLES_OF_SENSITIVITY, modules_of_backtest
from flopscape.records.backtest import Score
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.records.stamps import Stamp, of_atlas, text_of
from flopscape.runs.chosen import without
from flopscape.runs.import_table import import_runs
from flopscape.runs.published import PUBLISHED, refuse_another
from flopscape.runs.table import RunTable
from flopscape.text import numbers

PARAMETERS = ("E", "A", "alpha", "B", "beta")
Report = Callable[[int, int, str], None]


def run(
    name: str,
    out: Path,
    mirror: Path | None = None,
    fits: Sequence[str] = (),
    bootstrap: int | None = None,
    report: Report | None = None,
) -> str:
    """Fit one table again and write its lines as CSV; returns what to print. See `refit`.

    Raises
    ------
    FlopscapeError
        A table or a fit that the atlas does not know, or a file that must not be written.
    """
    if name not in TABLES:
        raise FlopscapeError(f"atlas: no table {name!r}; there are {', '.join(TABLES)}")
    if unknown := [fit for fit in fits if fit not in TABLES[name].recipes]:
        raise FlopscapeError(f"atlas: {name} is not fitted by {unknown[0]!r}, but by {', '.join(TABLES[name].recipes)}")
    refuse_output(out, [file_of(name, mirror)])
    stamp = _stamp(name, mirror, fits or TABLES[name].recipes, bootstrap)
    lines = refit(name, mirror, fits, bootstrap, report)
    frame = pd.DataFrame([line.cells() for line in lines])
    write_text(out, frame.assign(made_from=text_of(stamp)).to_csv(index=False))
    return _describe(out, lines)


def _stamp(name: str, mirror: Path | None, fits: Sequence[str], bootstrap: int | None) -> Stamp:
    """Of the lines of one table. One file of the mirror can hold several tables, so that the name counts too."""
    modules = ["flopscape.atlas.refits", *modules_of_backtest(RECIPES[fit].method for fit in fits)]
    return of_atlas(modules, file_of(name, mirror), {"table": name, "fits": [*fits], "bootstrap": bootstrap})


def _describe(out: Path, lines: Sequence[Row]) -> str:
    skipped = [line for line in lines if line.status == SKIPPED]
    reasons = dict.fromkeys(line.reason for line in skipped)
    made = f"{out}: {numbers.plural(len(lines) - len(skipped), 'fit')} of {lines[0].title}"
    return "\n".join([made, *(f"skipped: {reason}" for reason in reasons)])


def refit(
    name: str,
    mirror: Path | None,
    fits: Sequence[str] = (),
    bootstrap: int | None = None,
    report: Report | None = None,
) -> list[Row]:
    """All lines of one table; what the mirror lacks, or holds in another form, is skipped with the reason.

    Parameters
    ----------
    name : str
        One of `TABLES`.
    mirror : Path, optional
        Folder with the files of published tables.
    fits : sequence of str
        Names of recipes; all of the table's when empty.
    bootstrap : int, optional
        Resamples behind each interval, instead of those of each recipe.
    report : callable, optional
        Called before each fit with its number, their total and its name.
    """
    table, recipes = TABLES[name], [RECIPES[recipe] for recipe in fits or TABLES[name].recipes]
    if why := why_absent(name, mirror):
        return [_skipped(name, table.rows[0], table.conventions[0], recipe, why) for recipe in recipes]
    choices = [(rows, counted) for rows in table.rows for counted in table.conventions]
    lines: list[Row] = []
    for rows, counted in choices:
        read = _read(name, mirror, rows, counted)
        for recipe in recipes:
            if isinstance(read, str):
                lines.append(_skipped(name, rows, counted, recipe, read))
                continue
            if report:
                report(len(lines) + 1, len(choices) * len(recipes), f"{recipe.name} on {rows.name}, {counted.name}")
            lines.append(_refitted(name, read, rows, counted, recipe, bootstrap))
    return lines


def _read(name: str, mirror: Path | None, rows: Rows, counted: Convention) -> RunTable | str:
    """The table with a choice of rows and columns, or why it cannot be read so."""
    path, is_known = file_of(name, mirror), name in PUBLISHED
    try:
        if is_known and path and not rows.whole_file:
            table = import_runs(name, mirror, counted.columns).table
        else:
            if is_known and path:
                refuse_another(name, path)
            columns = PUBLISHED[name].columns if is_known else TABLES[name].columns
            table = import_runs(str(path), None, {**columns, **counted.columns}).table
        return without(table, rows.exclude) if rows.exclude else table
    except FlopscapeError as error:
        return str(error)


def _row(name: str, rows: Rows, counted: Convention, recipe: Recipe, **found: Any) -> Row:
    table = TABLES[name]
    options = ", ".join(f"{option}={value}" for option, value in recipe.own.items())
    return Row(
        table=name,
        title=table.title,
        rows=rows.name,
        fit=recipe.name,
        method=recipe.method,
        options=options,
        recipe=recipe.published,
        convention=f"{counted.name}; loss in {loss_unit(name)}",
        flops=table.flops,
        claim=table.claim(recipe.name, rows.name),
        **found,
    )


def _skipped(name: str, rows: Rows, counted: Convention, recipe: Recipe, why: str) -> Row:
    return _row(name, rows, counted, recipe, status=SKIPPED, reason=why)


def _refitted(
    name: str, table: RunTable, rows: Rows, counted: Convention, recipe: Recipe, bootstrap: int | None
) -> Row:
    """One fit, its numbers, and how it did on what was hidden from it."""
    resamples = bootstrap or recipe.bootstrap
    try:
        result, _ = fit(table, recipe.method, flops=[TABLES[name].flops], bootstrap=resamples, **recipe.own)
    except FlopscapeError as error:  # such as a law of a column that the table lacks
        return _row(name, rows, counted, recipe, status=SKIPPED, reason=str(error), n_rows=len(table))
    found: dict[str, Any] = {
        "status": result.status,
        "reason": result.reason,
        "n_rows": result.n_rows,
        "interval": result.interval,
    }
    judged, why = (None, "refused") if result.status == "refused" else hidden(table, recipe, bootstrap)
    return _row(name, rows, counted, recipe, **found, numbers=numbers_of(result), score=judged, backtest=why)


def numbers_of(result: FitResult) -> dict[str, Estimate]:
    """The numbers of a fit that a claim may have too: a, the surface, N* at the asked compute."""
    numbers = {"a": result.exponents["a"]} if result.exponents else {}
    numbers |= {name: value for name, value in result.law_parameters.items() if name in PARAMETERS}
    predicted = result.predictions[0].n_params if result.predictions else None
    return numbers | ({"n_params": predicted} if predicted else {})


def hidden(table: RunTable, recipe: Recipe, bootstrap: int | None = None) -> tuple[Score | None, str]:
    """How a recipe did on the largest budgets when they were hidden, or why nothing was."""
    one = Method(recipe.name, {"method": recipe.method, **recipe.own})
    lines = backtest([one], lambda _: table, bootstrap or RESAMPLES_OF_SENSITIVITY)
    if lines[0].what == "nothing":
        return None, lines[0].left_out
    cuts = dict.fromkeys(line.cut for line in lines)
    return score(lines), f"without {', '.join(cuts)}"
