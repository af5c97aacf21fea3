"""What others would have told you: every fit's answer at the first asked compute, and how it did on hidden budgets.

And what other metrics tell: of the run of lowest loss, and by fits of them.
"""

import math
from collections.abc import Mapping

import pandas as pd

from flopscape.records.backtest import Score
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.records.metrics import ERROR, unit_of
from flopscape.report import summary
from flopscape.report.appendix import without_blanks
from flopscape.report.blocks import Block, Bullets, Grid
from flopscape.report.checks import first_prediction
from flopscape.report.evidence import Evidence
from flopscape.runs.metric_columns import metric_names
from flopscape.text import numbers

NORMAL_95 = 1.96
"""Standard errors on each side of a 95 % interval."""


def others(evidence: Evidence) -> list[Block]:
    """One row a fit, the recommended one first; nothing without an answer, beside which they would be taken for one."""
    first = first_prediction(evidence)
    if first is None or len(evidence.fits) < 2:
        return []
    names = sorted(evidence.fits, key=lambda name: name != evidence.recommended)
    head = ["fit", "status", "N*, parameters", f"D*, {evidence.unit}s", f"L*, {evidence.loss_unit}"]
    head += ["hidden N*: held, error", "hidden L*: held, error"]
    rows = [_row(name, evidence.fits[name], first.flops, evidence.scores.get(name)) for name in names]
    note = f"At {numbers.flops(first.flops)} FLOPs, with 95 % intervals."
    if any(score.n_n_params or score.n_loss for score in evidence.scores.values()):
        note += (
            " Hidden: how many of the intervals hold what hidden budgets show, and the root mean square of the errors."
        )
    return [without_blanks(head, rows, note)]


def _row(name: str, fit: FitResult, flops: float, score: Score | None) -> list[str]:
    prediction = next((p for p in fit.predictions if p.flops == flops and fit.status != "refused"), None)
    return [name, fit.status, *_answer(prediction), *_hidden(score)]


def _answer(prediction: Prediction | None) -> list[str]:
    if prediction is None:
        return [numbers.NOTHING] * 3
    _, n_params, n_tokens, _, loss = summary.row(prediction)
    return [n_params, n_tokens, loss]


def _hidden(score: Score | None) -> list[str]:
    if score is None:
        return [numbers.NOTHING] * 2
    error = numbers.NOTHING if score.rms_loss is None else numbers.percent(score.rms_loss)
    return [
        _held(score.held_n_params, score.n_n_params, numbers.log_error(score.rms_n_params)),
        _held(score.held_loss, score.n_loss, error),
    ]


def _held(held: int, total: int, error: str) -> str:
    return f"{held} of {total}, {error}" if total else numbers.NOTHING


def at_other_budgets(evidence: Evidence) -> list[Block]:
    """The other fits at the asked budgets after the first, for the appendix."""
    first = first_prediction(evidence)
    rows = [
        [name, *summary.row(prediction)]
        for name, fit in evidence.fits.items()
        if first and name != evidence.recommended and fit.status != "refused"
        for prediction in fit.predictions
        if prediction.flops != first.flops
    ]
    head = ["fit", *summary.head(evidence.unit, evidence.loss_unit)]
    return [Grid(head, rows, "At the other budgets.")] if rows else []


def of_other_metrics(evidence: Evidence) -> list[Block]:
    """The other metrics of the run of lowest loss, and the fits of other metrics than the study's loss."""
    return [*_of_lowest_run(evidence), *_fits_of_others(evidence.other_metrics, evidence.unit)]


def _of_lowest_run(evidence: Evidence) -> list[Block]:
    """A row a metric that the table has, with its sampling error on the held-out set."""
    names = metric_names(evidence.runs)
    completed = evidence.completed
    if not names or completed.empty:
        return []
    lowest = int(completed.loss.to_numpy(float).argmin())
    columns = [column for name in names for column in (name, f"{name}{ERROR}")]
    scores = completed.reindex(columns=columns).apply(pd.to_numeric, errors="coerce").iloc[lowest]
    rows = [
        [name, unit_of(name, evidence.loss_unit), _scored(float(scores[name]), float(scores[f"{name}{ERROR}"]))]
        for name in names
    ]
    run = completed.run_id.iloc[lowest]
    note = f"Of run {run}, whose loss is the lowest; 95 % intervals of the sampling of its held-out sets."
    return [Grid(["metric", "unit", "value"], rows, note)]


def _scored(value: float, error: float) -> str:
    """A metric with its interval; what the table does not have is NaN."""
    if math.isnan(value):
        return numbers.NOTHING
    half = NORMAL_95 * error
    ends = (None, None) if math.isnan(half) else (value - half, value + half)
    return numbers.interval(Estimate(value, *ends), numbers.loss)


def _fits_of_others(fits: Mapping[str, FitResult], unit: str) -> list[Block]:
    """A row a fit of another metric and asked budget, with the unit of its own, and what became of each fit."""
    if not fits:
        return []
    rows = [
        [name, fit.metric, fit.loss_unit, *summary.row(at)]
        for name, fit in fits.items()
        if fit.status != "refused"
        for at in fit.predictions
    ]
    head = ["fit", "metric", "unit", *summary.head(unit)[:-1], "metric at the optimum"]
    note = (
        "Fits of other metrics than the study's loss, with 95 % intervals: the N and D at which that metric is lowest. "
        "No check, twin, figure or other section of this page compares them with the fits above."
    )
    verdicts = [f"{name} {_ended(fit)}: {summary.reason(fit).removesuffix('.')}." for name, fit in fits.items()]
    grid: list[Block] = [Grid(head, rows, note)] if rows else []
    return [*grid, Bullets(verdicts)]


def _ended(fit: FitResult) -> str:
    return "refused" if fit.status == "refused" else f"is {fit.status}"
