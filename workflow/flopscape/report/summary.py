"""The answer in sentences and as rows of a table: at the head of the report, and on the terminal.

Imports neither pandas nor matplotlib, for it runs in the Snakefile's own process after the last job.
"""

from dataclasses import dataclass

from flopscape.errors import joined, kind_of
from flopscape.records.backtest import TABLE_TELLS
from flopscape.records.fit_parts import part
from flopscape.records.fit_result import FitResult, Prediction
from flopscape.text import numbers

STATUS_WORDS = {
    "ok": "the global optimum was reached and the parameters are identified",
    "weak": "the answer is poorly determined",
    "boundary": "a parameter sits on its bound",
    "refused": "these runs cannot answer",
}


@dataclass(frozen=True)
class Parts:
    """What the variance of ln N* is made of, in parts of one, and its standard deviation over that of the prior."""

    noise: float
    law: float
    drift: float
    discrepancy: float
    sd_over_prior: float

    @property
    def left_open(self) -> float:
        """The part that runs at other sizes and budgets would narrow, and more seeds would not."""
        return 1 - self.noise


def parts_of(fit: FitResult, flops: float) -> Parts | None:
    """Where the interval of N* at an asked compute comes from; None for a fit that does not say."""
    found = (shares.get("n_params") for shares in fit.diagnostics.get("shares", []) if shares["flops"] == flops)
    return part(Parts, next(found, None))


def head(unit: str = "token", loss_unit: str = "", star: str = "*") -> list[str]:
    """Column titles of `recommendation`; the star stands for the optimum."""
    loss = f"L{star}, {loss_unit}" if loss_unit else f"L{star}"
    return ["C, FLOPs", f"N{star}, parameters", f"D{star}, {unit}s", f"{unit}s per parameter", loss]


def recommendation(fit: FitResult) -> list[list[str]]:
    """One row an asked budget: C, N*, D*, D*/N*, L*, each with its 95 % interval; no rows for a refused fit."""
    return [] if fit.status == "refused" else [row(prediction) for prediction in fit.predictions]


def headline(fit: FitResult, unit: str, loss_unit: str) -> list[str]:
    """The answer at the first asked budget, where its interval comes from, and why it is not sound if it is not."""
    said = []
    for prediction in fit.predictions[:1]:
        is_prior = any(kind_of(warning) == "prior-dominated" for warning in fit.warnings)
        text = sentence(prediction, unit, loss_unit)
        said.append(f"Prior-dominated: {text[0].lower()}{text[1:]}" if is_prior else text)
        said += filter(None, [_source(fit, prediction.flops)])
    if fit.status != "ok":
        said.append(f"Status {fit.status}, {STATUS_WORDS[fit.status]}: {fit.reason}".removesuffix(".") + ".")
    return said


def reason(fit: FitResult) -> str:
    """Why a fit has its status, less that its backtest is a table of its own: a study has that table."""
    return fit.reason.removesuffix(f"; not tested on hidden budgets: {TABLE_TELLS}") or STATUS_WORDS[fit.status]


def sentence(prediction: Prediction, unit: str, loss_unit: str) -> str:
    """The answer at one budget, in words."""
    n_params, n_tokens, loss = prediction.n_params, prediction.n_tokens, prediction.loss
    if n_params is None or n_tokens is None:
        return f"At {numbers.flops(prediction.flops)} FLOPs the fit predicts no optimum."
    first = (
        f"At {numbers.flops(prediction.flops)} FLOPs train {numbers.interval(n_params, numbers.count)} parameters"
        f" on {numbers.interval(n_tokens, numbers.count)} {unit}s"
    )
    said = f"{first}; expect a loss of {numbers.interval(loss, numbers.loss)} {loss_unit}." if loss else f"{first}."
    return said + _one_sided(prediction)


def _one_sided(prediction: Prediction) -> str:
    """That an interval has one end, where it does: the other is not known."""
    n = prediction.n_params
    if n is None or (n.low is None) == (n.high is None):
        return ""
    return f" One-sided: these runs do not say how {'large' if n.high is None else 'small'} N* may be."


def _source(fit: FitResult, flops: float) -> str:
    """Where the interval of N* comes from; nothing for a fit that does not say."""
    parts = parts_of(fit, flops)
    if parts is None:
        return ""
    named = {
        "noise of the runs": parts.noise,
        "the law's parameters": parts.law,
        "drift of the optimum": parts.drift,
        "what the law misses": parts.discrepancy,
    }
    shares = sorted(((round(share, 2), name) for name, share in named.items()), key=lambda one: -one[0])
    listed = joined([f"{name} ({numbers.percent(share)})" for share, name in shares if share])
    # A prior no wider than the interval is one that the runs have told nothing.
    wider = f"{numbers.ratio(1 / parts.sd_over_prior)} times as wide" if parts.sd_over_prior < 1 else "no wider"
    return (
        f"The variance behind the interval of N* is {listed}; from the prior alone, without these runs, the interval"
        f" would be {wider}."
    )


def row(prediction: Prediction) -> list[str]:
    """The cells of one asked budget: C, N*, D*, D*/N* and L*, with their intervals."""
    return [
        numbers.flops(prediction.flops),
        numbers.interval(prediction.n_params, numbers.count),
        numbers.interval(prediction.n_tokens, numbers.count),
        numbers.interval(prediction.tokens_per_param, numbers.ratio),
        numbers.interval(prediction.loss, numbers.loss),
    ]
