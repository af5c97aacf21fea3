"""The recommendation as a small table: on the terminal after a run, and at the head of the report.

Imports neither pandas nor matplotlib, for it runs in the Snakefile's own process.
"""

from flopscape.records.fit_result import FitResult, Prediction
from flopscape.text import numbers
from flopscape.text.terminal import aligned

STATUS_WORDS = {
    "ok": "the global optimum was reached and the parameters are identified",
    "weak": "the answer is poorly determined",
    "boundary": "a parameter sits on its bound",
    "refused": "these runs cannot answer",
}


def head(unit: str = "token", loss_unit: str = "", star: str = "*") -> list[str]:
    """Column titles of `recommendation`; the star stands for the optimum."""
    loss = f"L{star}, {loss_unit}" if loss_unit else f"L{star}"
    return ["C, FLOPs", f"N{star}, parameters", f"D{star}, {unit}s", f"{unit}s per parameter", loss]


def recommendation(fit: FitResult) -> list[list[str]]:
    """One row an asked budget: C, N*, D*, D*/N*, L*, each with its 95 % interval; no rows for a refused fit."""
    return [] if fit.status == "refused" else [row(prediction) for prediction in fit.predictions]


def sentence(prediction: Prediction, unit: str, loss_unit: str) -> str:
    """The answer at one budget, in words."""
    n_params, n_tokens, loss = prediction.n_params, prediction.n_tokens, prediction.loss
    if n_params is None or n_tokens is None:
        return f"At {numbers.flops(prediction.flops)} FLOPs the fit predicts no optimum."
    first = (
        f"At {numbers.flops(prediction.flops)} FLOPs train {numbers.interval(n_params, numbers.count)} parameters"
        f" on {numbers.interval(n_tokens, numbers.count)} {unit}s"
    )
    return f"{first}; expect a loss of {numbers.interval(loss, numbers.loss)} {loss_unit}." if loss else f"{first}."


def summary(study: str, name: str, fit: FitResult, report: str, unit: str = "token", loss_unit: str = "") -> str:
    """The recommendation, the status of its fit, and where the report is."""
    mark = " (SIMULATED: losses come from a formula)" if fit.simulated else ""
    lines = [f"\nRecommendation of study {study}{mark}"]
    if rows := recommendation(fit):
        lines.append(aligned([head(unit, loss_unit), *rows]))
    lines += [f"fit {name}: {fit.status}: {fit.reason or STATUS_WORDS[fit.status]}", f"report: {report}"]
    return "\n".join(lines)


def row(prediction: Prediction) -> list[str]:
    """One line of the recommendation."""
    return [
        numbers.flops(prediction.flops),
        numbers.interval(prediction.n_params, numbers.count),
        numbers.interval(prediction.n_tokens, numbers.count),
        numbers.interval(prediction.tokens_per_param, numbers.ratio),
        numbers.interval(prediction.loss, numbers.loss),
    ]
