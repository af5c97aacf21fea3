"""From a fit to the cheapest model once serving counts: of a surface in closed form, of the answer by a search.

Either is done for every draw, which is optimised for itself: an interval is of the cheapest model, and not of the cost
of one given model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flopscape.answers.evaluate import FittedLaw, evaluator
from flopscape.answers.extrapolation import refuse_absurd
from flopscape.answers.fitted_answer import FittedAnswer
from flopscape.errors import FlopscapeError
from flopscape.fitting.common.row_weights import percentile_interval
from flopscape.fitting.drifting_law.curve import Curves
from flopscape.fitting.drifting_law.predictions import AT_AN_END, estimate, estimate_of_logs, is_open
from flopscape.fitting.drifting_law.served import Served, Serving, least_training
from flopscape.fitting.judge.verdict import finite_or_none
from flopscape.laws import surface
from flopscape.laws.inference import FORWARD, cheapest_at_loss, inference_optimum
from flopscape.laws.law import Array, Mask
from flopscape.laws.surface import Surface
from flopscape.records.fit_result import Estimate, FitResult


@dataclass
class ServedPrediction:
    """The model that trains and serves `d_inference` tokens with least compute.

    N in parameters, D in tokens, the loss in nats, training and serving in FLOPs; `saved` is the part of the total that
    it saves against the compute-optimal model of the same loss. `open_ends` says why an interval has no end.
    """

    d_inference: float
    n_params: Estimate
    n_tokens: Estimate
    loss: Estimate
    training: Estimate
    serving: Estimate
    saved: Estimate
    open_ends: Sequence[str]


@np.errstate(all="ignore")
def predict_inference(
    result: FitResult,
    draws: pd.DataFrame,
    d_inference: float,
    *,
    loss: float | None = None,
    flops: float | None = None,
) -> ServedPrediction:
    """The cheapest model of a given loss, or the best one of a given compute for training and serving together.

    Parameters
    ----------
    result, draws
        A fit of a surface or of the method answer, as `fit` returns it. κ in C = κ·N·D is that of the largest sampled
        size for a surface, and κ(N) for the answer.
    d_inference : float
        Tokens served over the model's life.
    loss : float, optional
        In nats.
    flops : float, optional
        Total compute of training and serving; exactly one of the two.

    Raises
    ------
    FlopscapeError
        The fit has no loss for every N and D, a number is not positive, both or neither goal is given, no model reaches
        the loss, or the answer has less than one parameter or token.

    Examples
    --------
    The same on the command line: `flopscape predict FIT.json --loss 2.0 --inference-tokens 1e13`.
    """
    fitted = _law_that_serves(result)
    _refuse_numbers(d_inference, loss, flops)
    question = f"flops {flops:g}" if loss is None else f"loss {loss:g}"
    question += f" with {d_inference:g} tokens to serve" if d_inference else ""
    if isinstance(fitted, FittedAnswer):
        cheapest = _by_search(fitted.of_draws(draws).curves, question, float(d_inference), loss, flops)
    else:
        cheapest = _in_closed_form(fitted, fitted.of_draws(draws), d_inference, loss, flops)
    refuse_absurd(question, cheapest.n_params.estimate, cheapest.n_tokens.estimate)
    return cheapest


def _law_that_serves(result: FitResult) -> FittedLaw | FittedAnswer:
    """The fitted law, where it has a loss for every N and D that can be searched."""
    if result.status == "refused" or (result.surface and not result.exponents):
        raise FlopscapeError(f"the fit has no prediction: {result.reason}")
    fitted = evaluator(result)
    if isinstance(fitted, FittedAnswer) or (isinstance(fitted, FittedLaw) and fitted.law is surface.LAW):
        return fitted
    what = f"the law {result.law}" if isinstance(fitted, FittedLaw) else result.method
    raise FlopscapeError(f"{what} fits no surface, which a loss or inference asks for; answer, approach3, vpnls do")


def _refuse_numbers(d_inference: float, loss: float | None, flops: float | None) -> None:
    """Raise FlopscapeError where a question has no answer by any fit."""
    if (loss is None) == (flops is None):
        raise FlopscapeError("inference: give either a loss or flops")
    for name, value in (("loss", loss), ("flops", flops)):
        if value is not None and not 0 < value < np.inf:
            raise FlopscapeError(f"{name}: {value!r} is not a positive number")
    if not 0 <= d_inference < np.inf:
        raise FlopscapeError(f"inference_tokens: {d_inference!r} is not a number of tokens; write 0 or more")


def _in_closed_form(
    fitted: FittedLaw, sampled: FittedLaw, d_inference: float, loss: float | None, flops: float | None
) -> ServedPrediction:
    """Of a surface: its own numbers, and percentiles of the draws that reach the loss."""
    best: Surface = fitted.parameters
    if loss is not None and not loss > best.E:
        raise FlopscapeError(
            f"loss: no model reaches {loss:g}, the fitted floor E is {float(best.E):.4g}; ask for more"
        )
    # One κ for training and serving: a model to be served is large, and κ(N) hardly falls any more at the largest size.
    kappa = float(np.exp(fitted.compute.log_kappa[-1]))
    one, many = (_quantities(law, d_inference, loss, flops, kappa) for law in (best, sampled.parameters))
    n, d, reached, training, serving, saved = (
        Estimate(float(value), *(finite_or_none(end) for end in percentile_interval(spread)))
        for value, spread in zip(one, many, strict=True)
    )
    found = ServedPrediction(float(d_inference), n, d, reached, training, serving, saved, ())
    if loss is None:
        return found
    # Percentiles are of the resamples that reach the loss; the others cost more than any of them.
    found.open_ends = [*_why_unreached(np.asarray(loss <= sampled.parameters.E), loss)]
    if found.open_ends:
        found.n_params.high = found.n_tokens.high = found.training.high = None
        found.serving.high = None if d_inference else 0.0
    return found


def _quantities(
    surface: Surface, d_inference: float, loss: float | None, flops: float | None, kappa: float
) -> tuple[Array, ...]:
    best = inference_optimum(surface, d_inference, loss=loss, flops=flops, kappa=kappa)
    # What it saves is measured at equal loss: the model of least training compute that reaches it is larger, and serves
    # the same tokens at a cost in proportion to its N.
    usual = cheapest_at_loss(surface, best.loss, 0.0, kappa)
    total = usual.training + usual.n_params * best.serving / best.n_params
    return *best, 1 - (best.training + best.serving) / total


def _by_search(
    curves: Curves, question: str, d_inference: float, loss: float | None, flops: float | None
) -> ServedPrediction:
    """Of the answer: medians of the draws and their 95 %, with ends left open where the draws do not tell them."""
    serving = Serving(curves, d_inference)
    if loss is not None:
        usual = least_training(curves, loss)
        best = serving.cheapest(usual)
        missed = float(np.mean(best.log_total == np.inf))
        if missed >= 0.5:
            raise FlopscapeError(f"loss: no model reaches {loss:g} in {missed:.0%} of the fit's draws; ask for more")
    else:
        best = serving.best_at(float(np.log(flops)))  # type: ignore[arg-type]
        usual = least_training(curves, best.loss) if d_inference else best
    saved = 1 - np.exp(best.log_total - serving.total(usual))
    # The optimum costs no more than the usual model: less than nothing is an error of the search.
    saved = np.maximum(saved[np.isfinite(usual.log_total) & np.isfinite(saved)], 0.0)
    if 2 * len(saved) < len(best.loss):
        raise FlopscapeError(f"{question}: the search does not reach so far from the runs; ask nearer to them")
    log_training = best.log_total - np.log1p(FORWARD * d_inference * np.exp(-best.log_d))
    n, d, training, served = _told(best, log_training, d_inference)
    for cost in (training, served):
        # Where N is not bounded neither part is, but by the whole that was asked for.
        cost.high = flops if cost.high is None else cost.high
    return ServedPrediction(
        d_inference, n, d, estimate(best.loss), training, served, estimate(saved), [*_why_open(best, loss)]
    )


def _told(best: Served, log_training: Array, d_inference: float) -> Iterator[Estimate]:
    """N, D, and the FLOPs of training and serving.

    Serving costs in proportion to N, and along a line of equal cost or loss D and the training rise where N falls: they
    have the ends that N has, or the opposite ones.
    """
    before, missed = is_open(best.log_total == -np.inf), is_open(best.log_total == np.inf)
    at_low, at_high = is_open(best.at_low), is_open(best.at_high)
    as_n, as_d = (at_low or before, at_high or missed), (at_high or before, at_low or missed)
    log_serving = np.log(FORWARD * d_inference) + log_training - best.log_d
    yield estimate_of_logs(best.log_n, *as_n)
    yield estimate_of_logs(best.log_d, *as_d)
    # With nothing served the training is all that is paid for, whatever N.
    yield estimate_of_logs(_with_infinite(log_training, best), *(as_d if d_inference else (before, missed)))
    yield estimate_of_logs(_with_infinite(log_serving, best), *as_n) if d_inference else Estimate(0.0, 0.0, 0.0)


def _with_infinite(logs: Array, best: Served) -> Array:
    """Infinite where the cost is."""
    return np.where(np.isfinite(best.log_total), logs, best.log_total)


def _why_open(best: Served, loss: float | None) -> Iterator[str]:
    """Why an interval has no end."""
    if loss is not None:
        yield from _why_unreached(np.asarray(best.log_total == np.inf), loss)
    for word, mask in (("lower", best.at_low), ("upper", best.at_high)):
        if is_open(mask):
            yield (
                f"N has no {word} end, for over {AT_AN_END:.1%} of the draws still improve where the law is no longer"
                " trusted"
            )


def _why_unreached(missed: Mask, loss: float) -> Iterator[str]:
    """Where so many draws reach a loss nowhere that the upper end of an interval is among them."""
    if is_open(missed):
        yield (
            f"in {missed.mean():.1%} of the draws no model reaches a loss of {loss:g}, so that N, D and their compute"
            " have no upper end"
        )
