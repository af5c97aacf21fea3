"""From a fitted surface to the cheapest model once serving counts: laws/inference.py over the fit's draws."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from flopscape.answers.evaluate import FittedLaw, fitted_law
from flopscape.answers.extrapolation import refuse_absurd
from flopscape.errors import FlopscapeError
from flopscape.fitting.common.row_weights import percentile_interval
from flopscape.fitting.judge.verdict import finite_or_none
from flopscape.laws.inference import cheapest_at_loss, inference_optimum
from flopscape.laws.law import Array
from flopscape.laws.surface import Surface
from flopscape.records.fit_result import Estimate, FitResult


@dataclass
class ServedPrediction:
    """The model that trains and serves `d_inference` tokens with least compute.

    N in parameters, D in tokens, the loss in nats, training and serving in FLOPs; `saved` is the part of the total that
    it saves against the compute-optimal model of the same loss.
    """

    d_inference: float
    n_params: Estimate
    n_tokens: Estimate
    loss: Estimate
    training: Estimate
    serving: Estimate
    saved: Estimate


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
        A fit with a surface, as `fit` returns it. κ in C = κ·N·D is that of the largest sampled size.
    d_inference : float
        Tokens served over the model's life.
    loss : float, optional
        In nats.
    flops : float, optional
        Total compute of training and serving; exactly one of the two.

    Raises
    ------
    FlopscapeError
        The fit has no surface, a number is not positive, both or neither goal is given, the loss is not above E,
        or the answer has less than one parameter or token.
    """
    fitted = _law_that_serves(result, d_inference, loss, flops)
    best = fitted.parameters
    if loss is not None and not loss > best.E:
        raise FlopscapeError(
            f"loss: no model reaches {loss:g}, the fitted floor E is {float(best.E):.4g}; ask for more"
        )
    # One κ for training and serving: a model to be served is large, and κ(N) hardly falls any more at the largest size.
    kappa = float(np.exp(fitted.compute.log_kappa[-1]))
    surfaces = (best, fitted.of_draws(draws).parameters)
    # Every draw is optimised for itself: the interval is of the cheapest model, and not of the cost of one given model.
    one, many = (_quantities(surface, d_inference, loss, flops, kappa) for surface in surfaces)
    estimates = [_estimate(value, spread) for value, spread in zip(one, many, strict=True)]
    cheapest = ServedPrediction(float(d_inference), *estimates)
    question = f"flops {flops:g}" if loss is None else f"loss {loss:g}"
    refuse_absurd(question, cheapest.n_params.estimate, cheapest.n_tokens.estimate)
    return cheapest


def _law_that_serves(result: FitResult, d_inference: float, loss: float | None, flops: float | None) -> FittedLaw:
    """The fitted surface, for a question that it can answer."""
    fitted = fitted_law(result)
    if result.status == "refused" or (result.surface and not result.exponents):
        raise FlopscapeError(f"the fit has no prediction: {result.reason}")
    if fitted is None or result.surface is None:
        raise FlopscapeError(
            f"{result.method} fits no surface, which a loss or inference asks for; approach3, vpnls do"
        )
    if (loss is None) == (flops is None):
        raise FlopscapeError("inference: give either a loss or flops")
    for name, value in (("loss", loss), ("flops", flops)):
        if value is not None and not 0 < value < np.inf:
            raise FlopscapeError(f"{name}: {value!r} is not a positive number")
    if not 0 <= d_inference < np.inf:
        raise FlopscapeError(f"inference_tokens: {d_inference!r} is not a number of tokens; write 0 or more")
    return fitted


@np.errstate(all="ignore")
def _quantities(
    surface: Surface, d_inference: float, loss: float | None, flops: float | None, kappa: float
) -> tuple[Array, ...]:
    """N, D, loss, training, serving, and the part saved."""
    best = inference_optimum(surface, d_inference, loss=loss, flops=flops, kappa=kappa)
    # What it saves is measured at equal loss: the model of least training compute that reaches it is larger, and serves
    # the same tokens at a cost in proportion to its N.
    usual = cheapest_at_loss(surface, best.loss, 0.0, kappa)
    total = usual.training + usual.n_params * best.serving / best.n_params
    return *best, 1 - (best.training + best.serving) / total


def _estimate(value: Array, draws: Array) -> Estimate:
    return Estimate(float(value), *(finite_or_none(end) for end in percentile_interval(draws)))
