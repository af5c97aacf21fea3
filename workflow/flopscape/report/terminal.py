"""What `flopscape fit`, `predict` and `sensitivity` print: numbers with intervals, and below them what to distrust."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from flopscape.answers.extrapolation import beyond, beyond_sizes, outside
from flopscape.answers.outcomes import bearing, of_fit
from flopscape.answers.predict import predict, read_with_draws
from flopscape.answers.serving import ServedPrediction, predict_inference
from flopscape.answers.sizes import SizePrediction, predict_runs, predict_sizes
from flopscape.errors import FlopscapeError
from flopscape.figures.tables import read_validation
from flopscape.fitting.common.draws_file import fit_name
from flopscape.fitting.judge.verdict import column
from flopscape.records.fit_file import read_fit
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.report.prediction import one_sided, size_row, sizes_head
from flopscape.report.summary import head, recommendation, row
from flopscape.text import numbers
from flopscape.text.terminal import aligned


def predictions(
    path: str | Path,
    flops: Sequence[float],
    *,
    n_params: Sequence[float] = (),
    n_tokens: Sequence[float] = (),
    unique_tokens: float | None = None,
    loss: float | None = None,
    inference_tokens: float | None = None,
) -> str:
    """A table of compute-optimal runs, of the data of given sizes, of given runs, or of what serves most cheaply.

    Below it a warning for each answer that lies far from the runs behind the fit.

    Parameters
    ----------
    path : path
        FIT.json, with its draws beside it.
    flops : sequence of float
        Training compute in FLOPs; with `inference_tokens` that of training and serving together.
    n_params : sequence of float, optional
        With `flops` or `n_tokens`: use these sizes. Alone: ask for the data of which each is the optimal size.
    n_tokens : sequence of float, optional
        Tokens of the runs of these sizes.
    unique_tokens : float, optional
        Distinct tokens, for a fit of the law constrained.
    loss : float, optional
        The loss to reach instead of a compute, in the unit of the fitted table.
    inference_tokens : float, optional
        Tokens served over the model's life; none when left out.

    Raises
    ------
    FlopscapeError
        Options that exclude each other, or a question that the fit cannot answer.

    Examples
    --------
    `flopscape predict results/quick/fits/vpnls.json --flops 1e13 --inference-tokens 1e7`
    """
    _refuse_question(flops, n_params, n_tokens, loss)
    if loss is not None or inference_tokens is not None:
        _refuse_choice_of_run(n_params, unique_tokens)
        return _cheapest(path, flops, loss, inference_tokens or 0.0)
    result, draws = read_with_draws(path)
    if n_tokens:
        return _of_training(result, predict_runs(result, draws, n_params, n_tokens, unique_tokens), "")
    if not flops:
        return _of_sizes(result, predict_sizes(result, draws, n_params, unique_tokens))
    return _of_budgets(result, draws, flops, n_params, unique_tokens)


def _cheapest(path: str | Path, flops: Sequence[float], loss: float | None, tokens: float) -> str:
    """What costs least with so many tokens served, for each compute or for one loss."""
    result, draws = read_with_draws(path)
    goals: list[dict[str, float]] = [{"flops": c} for c in flops] if loss is None else [{"loss": loss}]
    return _of_serving(result, [predict_inference(result, draws, tokens, **goal) for goal in goals])


def _refuse_question(
    flops: Sequence[float], n_params: Sequence[float], n_tokens: Sequence[float], loss: float | None
) -> None:
    """Raise FlopscapeError unless exactly one thing is asked: a compute, a loss, sizes, or the loss of given runs."""
    if sum((bool(flops), loss is not None, bool(n_tokens))) > 1 or not (flops or loss is not None or n_params):
        raise FlopscapeError("predict: give one of --flops C, --loss L and --n-params N, or N with --n-tokens D")


def _refuse_choice_of_run(n_params: Sequence[float], unique_tokens: float | None) -> None:
    if n_params or unique_tokens is not None:
        raise FlopscapeError(
            "predict: --n-params and --unique-tokens are for the optimum of training alone; leave out --loss and"
            " --inference-tokens, or the former"
        )


def _of_sizes(result: FitResult, sizes: Sequence[SizePrediction]) -> str:
    """The data of each size."""
    table = aligned([sizes_head(result.unit), *map(size_row, sizes)])
    trained = result.sampled.n_params if result.sampled else None
    far = [text for at in sizes if trained for text in beyond_sizes(at.n_params, trained)]
    said = [text for at in sizes if (text := one_sided(at, result.unit))]
    return "\n".join([table, *_covariates(result), *said, *(f"warning: {text}" for text in far)])


def _of_budgets(
    result: FitResult, draws: pd.DataFrame, flops: Sequence[float], n_params: Sequence[float], unique: float | None
) -> str:
    """The optimum at each compute, or each given size there."""
    found = [at for n in n_params or (None,) for at in predict(result, draws, flops, n, unique)]
    return _of_training(result, found, "" if n_params else "*")


def _of_training(result: FitResult, predictions: Sequence[Prediction], star: str) -> str:
    """The runs of each compute; the star marks their size as the optimum."""
    points = [(at.flops, at.n_params) for at in predictions]
    table = aligned([head(result.unit, star=star), *map(row, predictions)])
    return "\n".join([table, *_covariates(result), *_warnings(result, points, star)])


def _covariates(result: FitResult) -> list[str]:
    """What the covariates of the fit's law are in its predictions; nothing of a law without."""
    return [f"at {', '.join(f'{name} = {value:g}' for name, value in result.at.items())}"] if result.at else []


def _of_serving(result: FitResult, cheapest: Sequence[ServedPrediction]) -> str:
    """The runs that train and serve most cheaply; how far they lie from the sweep goes by their training alone."""
    points = [(at.training.estimate, at.n_params) for at in cheapest]
    table = aligned([served_head(result.unit), *map(_served, cheapest)])
    ends = [f"warning: {text}." for at in cheapest for text in at.open_ends]
    return "\n".join([table, *ends, *_warnings(result, points, "")])


def trust(path: Path, validation: Path | None = None) -> str:
    """Whether the fit behind the numbers is to be trusted, and whether what it said of hidden runs held."""
    result, name = read_fit(path), fit_name(path)
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


def fit_text(out: Path, fit: FitResult) -> str:
    """Status and reason; exponents, and the optimum at each asked compute, with intervals; rows; warnings."""
    lines = [f"{out}: {fit.status}: {fit.reason}", *_answer(fit), _used(fit)]
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
    if fit.parameters and (fit.at or fit.held or not fit.exponents):
        yield ", ".join(f"{name} = {numbers.interval(x, _digits)}" for name, x in fit.parameters.items())
    if rows := recommendation(fit):
        yield aligned([head(fit.unit), *rows])


def _digits(value: float | None) -> str:
    return numbers.NOTHING if value is None else f"{value:.4g}"


def _used(fit: FitResult) -> str:
    """How many rows and runs the fit is of."""
    runs = "" if fit.n_rows == fit.n_runs else f" of {numbers.plural(fit.n_runs, 'run')}"
    return f"used: {numbers.plural(fit.n_rows, 'row')}{runs}" + (" (SIMULATED)" if fit.simulated else "")
