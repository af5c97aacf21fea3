"""One question to a finished fit: at a compute, at a loss, of a size, of a run; which of them exclude each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from flopscape.answers.predict import asked_at, predict
from flopscape.answers.serving import ServedPrediction, predict_inference
from flopscape.answers.sizes import SizePrediction, predict_runs, predict_sizes
from flopscape.errors import FlopscapeError
from flopscape.records.fit_result import FitResult, Prediction

Kind = Literal["optimum", "run", "size", "served"]
Rows = Sequence[Prediction] | Sequence[SizePrediction] | Sequence[ServedPrediction]


@dataclass(frozen=True)
class Answers:
    """What a fit answered, in the order asked.

    `kind` is `optimum` for the compute-optimal runs, `run` for sizes that were given, `size` for the data of sizes, and
    `served` for what costs least with serving. `at` are the values of the law's covariates, and `beyond` sentences on
    those that lie beyond the runs.
    """

    kind: Kind
    rows: Rows
    at: Mapping[str, float] = field(default_factory=dict)
    beyond: Sequence[str] = ()


def ask(
    result: FitResult,
    draws: pd.DataFrame,
    flops: Sequence[float] = (),
    *,
    n_params: Sequence[float] = (),
    n_tokens: Sequence[float] = (),
    unique_tokens: float | None = None,
    loss: float | None = None,
    inference_tokens: float | None = None,
    at: Mapping[str, float] | None = None,
) -> Answers:
    """The compute-optimal runs, the data of given sizes, the losses of given runs, or what serves most cheaply.

    Parameters
    ----------
    result, draws
        As `fit` returns them, or `read_with_draws` from a file.
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
    at : mapping, optional
        Values of the law's covariates, in place of those that the fit was asked at; see `asked_at`.

    Raises
    ------
    FlopscapeError
        Questions that exclude each other, or one that the fit cannot answer.

    Examples
    --------
    `flopscape predict results/quick/fits/vpnls.json --flops 1e13 --inference-tokens 1e7`
    """
    _refuse_question(flops, n_params, n_tokens, loss)
    result, said = asked_at(result, at) if at else (result, [])
    if loss is not None or inference_tokens is not None:
        _refuse_choice_of_run(n_params, unique_tokens)
        goals: list[dict[str, float]] = [{"flops": c} for c in flops] if loss is None else [{"loss": loss}]
        served = [predict_inference(result, draws, inference_tokens or 0.0, **goal) for goal in goals]
        return Answers("served", served, result.at, said)
    return Answers(*_of_training(result, draws, flops, n_params, n_tokens, unique_tokens), result.at, said)


def _of_training(
    result: FitResult,
    draws: pd.DataFrame,
    flops: Sequence[float],
    n_params: Sequence[float],
    n_tokens: Sequence[float],
    unique_tokens: float | None,
) -> tuple[Kind, Rows]:
    """What is asked of training alone."""
    if n_tokens:
        return "run", predict_runs(result, draws, n_params, n_tokens, unique_tokens)
    if not flops:
        return "size", predict_sizes(result, draws, n_params, unique_tokens)
    found = [one for n in n_params or (None,) for one in predict(result, draws, flops, n, unique_tokens)]
    return "run" if n_params else "optimum", found


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
