"""The recommendation as rows of a table and as a sentence: at the head of the report, and on the terminal.

Imports neither pandas nor matplotlib, for it runs in the Snakefile's own process after the last job.
"""

from flopscape.records.fit_result import FitResult, Prediction
from flopscape.text import numbers

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


def row(prediction: Prediction) -> list[str]:
    """The cells of one asked budget: C, N*, D*, D*/N* and L*, with their intervals."""
    return [
        numbers.flops(prediction.flops),
        numbers.interval(prediction.n_params, numbers.count),
        numbers.interval(prediction.n_tokens, numbers.count),
        numbers.interval(prediction.tokens_per_param, numbers.ratio),
        numbers.interval(prediction.loss, numbers.loss),
    ]
