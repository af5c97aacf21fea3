"""What `flopscape fit`, `predict` and `sensitivity` print: numbers with intervals, and below them what to distrust."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from flopscape.answers.asked import Answers
from flopscape.answers.extrapolation import beyond, beyond_sizes, outside
from flopscape.answers.outcomes import bearing, of_fit
from flopscape.answers.serving import ServedPrediction
from flopscape.answers.sizes import SizePrediction
from flopscape.figures.tables import read_validation
from flopscape.fitting.judge.verdict import column
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.report.prediction import one_sided, size_row, sizes_head
from flopscape.report.summary import head, recommendation, row
from flopscape.text import numbers
from flopscape.text.terminal import aligned


def predictions(result: FitResult, answers: Answers) -> str:
    """A table of what a fit answered; below it a warning for each answer that lies far from the runs behind the fit."""
    return "\n".join([aligned(prediction_cells(result, answers)), *prediction_notes(result, answers)])


def prediction_cells(result: FitResult, answers: Answers) -> list[list[str]]:
    """The head of the table and a row an answer; a star marks a size that is the optimum."""
    rows: Any = answers.rows
    match answers.kind:
        case "size":
            return [sizes_head(result.unit), *map(size_row, rows)]
        case "served":
            return [served_head(result.unit), *map(_served, rows)]
    return [head(result.unit, star=_star(answers)), *map(row, rows)]


def prediction_notes(result: FitResult, answers: Answers) -> list[str]:
    """What the covariates are there, which intervals are open, and how far each answer lies from the runs."""
    at = [f"at {', '.join(f'{name} = {value:g}' for name, value in answers.at.items())}"] if answers.at else []
    at += [f"warning: {text}" for text in answers.beyond]
    rows: Any = answers.rows
    match answers.kind:
        case "size":
            return [*at, *_of_sizes(result, rows)]
        case "served":
            # How far they lie from the sweep goes by their training alone.
            ends = [f"warning: {text}." for served in rows for text in served.open_ends]
            return [*at, *ends, *_warnings(result, [(one.training.estimate, one.n_params) for one in rows], "")]
    return [*at, *_warnings(result, [(one.flops, one.n_params) for one in rows], _star(answers))]


def _star(answers: Answers) -> str:
    return "*" if answers.kind == "optimum" else ""


def _of_sizes(result: FitResult, sizes: Sequence[SizePrediction]) -> Iterator[str]:
    yield from (text for at in sizes if (text := one_sided(at, result.unit)))
    trained = result.sampled.n_params if result.sampled else None
    yield from (f"warning: {text}" for at in sizes if trained for text in beyond_sizes(at.n_params, trained))


def trust(result: FitResult, name: str, validation: Path | None = None) -> str:
    """Whether the fit behind the numbers is to be trusted, and whether what it said of hidden runs held."""
    held = bearing(name, of_fit(read_validation(validation), name)) if validation else ""
    return f"The fit is {result.status}: {result.reason}.{f' {held}' if held else ''}"


def served_head(unit: str) -> list[str]:
    """Columns of a table with serving; `saved` is against the compute-optimal model of the same loss."""
    return [f"served {unit}s", "N, parameters", f"D, {unit}s", "L", "training, FLOPs", "serving, FLOPs", "saved"]


def _warnings(result: FitResult, points: Sequence[tuple[float, Estimate | None]], star: str) -> list[str]:
    """How far each training compute and its N lie from the runs; a fit of an older version has not kept these."""
    ranges = result.sampled
    if ranges is None:
        return []
    texts: list[str] = []
    for flops, n_params in points:
        texts += beyond(flops, ranges.flops)
        texts += outside(flops, n_params.estimate, ranges.n_params, star) if n_params else ()
    return [f"warning: {text}" for text in texts]


def _served(served: ServedPrediction) -> list[str]:
    return [
        numbers.count(served.d_inference),
        numbers.interval(served.n_params, numbers.count),
        numbers.interval(served.n_tokens, numbers.count),
        numbers.interval(served.loss, numbers.loss),
        numbers.interval(served.training, numbers.flops),
        numbers.interval(served.serving, numbers.flops),
        numbers.interval(served.saved, _share),
    ]


def _share(value: float | None) -> str:
    return numbers.NOTHING if value is None else f"{100 * value:.1f} %"


def sensitivity_text(varied: pd.DataFrame) -> str:
    """A line a fit: what changes, its runs, a with interval, N* and D* at the first asked compute if any, the status.

    Below it why fits are not ok, the rows that all of them leave out, and what to distrust in the table.
    """
    # The prefix of a column's name, whatever the compute after it.
    first = column("n_params", 0.0).partition("@")[0] + "@"
    asked = [str(name) for name in varied if str(name).startswith(first)][:1]
    names = [name for n in asked for name in (n, n.replace("n_params@", "n_tokens@"))]
    optimum = [text for n in asked for text in (f"N* at {numbers.flops(float(n.partition('@')[2]))} FLOPs", "D*")]
    rows = [_line(row, names) for _, row in varied.iterrows()]
    table = aligned([["changed", "setting", "runs", "a", *optimum, "status"], *rows], right=(2,))
    return "\n".join([table, *_below(varied)])


def _line(row: "pd.Series[Any]", names: list[str]) -> list[str]:
    low, high = (None if pd.isna(row[name]) else float(row[name]) for name in ("a_low", "a_high"))
    a = None if pd.isna(row["a"]) else Estimate(float(row["a"]), low, high)
    optimum = (numbers.count(float(row[name])) for name in names)
    changed = [row["what_changes"], row["setting"], str(row["n_runs"])]
    return [*changed, numbers.interval(a, numbers.exponent), *optimum, row["status"]]


def _below(varied: pd.DataFrame) -> Iterator[str]:
    for _, other in varied[varied["status"] != "ok"].iterrows():
        yield f"{other['status']}: {other['setting']}: {other['reason']}"
    yield from (f"left out: {exclusion.words}" for exclusion in varied.attrs.get("excluded", []))
    yield from (f"warning: {text}" for text in varied.attrs.get("warnings", []))


def fit_text(name: object, fit: FitResult) -> str:
    """Status and reason; exponents, and the optimum at each asked compute, with intervals; rows; warnings."""
    lines = [f"{name}: {fit.status}: {fit.reason}", *_answer(fit), _used(fit)]
    lines += [f"left out: {exclusion.words}" for exclusion in fit.excluded]
    return "\n".join([*lines, *(f"warning: {text}" for text in fit.warnings)])


def _answer(fit: FitResult) -> Iterator[str]:
    """The numbers of a fit that is not refused."""
    if fit.status == "refused":
        return
    if fit.exponents:
        yield ", ".join(f"{name} = {numbers.interval(x, numbers.exponent)}" for name, x in fit.exponents.items())
    if fit.held:
        yield f"held: {fit.held}"
    found = fit.parameters or (fit.surface if fit.held else None)
    if found and (fit.at or fit.held or not fit.exponents):
        yield ", ".join(f"{name} = {numbers.interval(x, _digits)}" for name, x in found.items())
    if rows := recommendation(fit):
        yield aligned([head(fit.unit), *rows])


def _digits(value: float | None) -> str:
    return numbers.NOTHING if value is None else f"{value:.4g}"


def _used(fit: FitResult) -> str:
    """How many rows and runs the fit is of."""
    runs = "" if fit.n_rows == fit.n_runs else f" of {numbers.plural(fit.n_runs, 'run')}"
    return f"used: {numbers.plural(fit.n_rows, 'row')}{runs}" + (" (SIMULATED)" if fit.simulated else "")
