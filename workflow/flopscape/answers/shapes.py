"""The best shape of a model at a compute, by a fitted law: depth, width, experts and what else its shape has.

Depth and width decide N and what a token costs, so that they are no covariates that can be chosen beside N: along a
compute C a shape of N parameters and c FLOPs a token trains on D = C/c tokens, and the law gives its loss. A model has
whole depths and widths, of which there are some thousands: all of them are tried, for the fit and for each of its
draws, and the lowest loss wins. What the shapes count comes from the study's own plug-in (design/shape.py), or from a
table of runs (answers/table_shapes.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flopscape.answers.evaluate import FittedLaw
from flopscape.answers.evaluator import Evaluator
from flopscape.answers.extrapolation import beyond, outside, refuse_absurd
from flopscape.answers.predict import law_and_draws
from flopscape.errors import FlopscapeError
from flopscape.fitting.common.row_weights import percentile_interval
from flopscape.fitting.judge.verdict import finite_or_none
from flopscape.laws.law import Array
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.runs.covariates import values_of
from flopscape.text import numbers

MOST_DRAWS = 1000
"""Draws that choose their own best shape: the ends of 95 % intervals are then known to a few per cent of the width."""
BLOCK = 2_000_000
"""Losses that are held at a time."""
ONLY_N = "the law knows nothing of a shape but N and what a token costs: of shapes of one N the cheapest is taken"


@dataclass(frozen=True)
class Shapes:
    """Shapes that a model may have, a row each.

    Parameters
    ----------
    sizes : DataFrame
        The parts of each shape, such as depth and width: what may be chosen. A law reads its covariates from them.
    n_params : array, shape (rows,)
        N as the fit counts it.
    flops_per_token : array, shape (rows,)
        What a token costs, as the fit counts C.
    ran : mapping
        Lowest and highest value among the runs, of each part.
    how : str
        Where N and the cost come from, in words.
    """

    sizes: pd.DataFrame
    n_params: Array
    flops_per_token: Array
    ran: Mapping[str, tuple[float, float]]
    how: str


@dataclass(frozen=True)
class BestShape:
    """The shape of least loss at C, with what the draws would choose.

    `said` are sentences on what to distrust of it: parts at the edge of the runs, parts that nobody has varied.
    """

    flops: float
    parts: dict[str, Estimate]
    n_params: Estimate
    n_tokens: Estimate
    tokens_per_param: Estimate
    loss: Estimate
    said: list[str]


def best_shapes(result: FitResult, draws: pd.DataFrame, shapes: Shapes, flops: Sequence[float]) -> list[BestShape]:
    """The shape of least loss at each compute, its N and D and the loss, with 95 % intervals from the fit's draws.

    Parameters
    ----------
    result, draws
        As `fit` returns them, or `read_with_draws` from a file.
    shapes : Shapes
    flops : sequence of float
        Compute C in FLOPs.

    Raises
    ------
    FlopscapeError
        The fit has no loss for a run, or one that no shape decides; C is not positive, or pays for less than a token.

    Examples
    --------
    The same on the command line: `flopscape shape FIT.json config/studies/mine.yaml --flops 1e13`.
    """
    few = draws.iloc[:: -(-len(draws) // MOST_DRAWS)] if len(draws) else draws
    fitted, sampled = law_and_draws(result, few, [("flops", c) for c in flops])
    others, said = _covariates(fitted, shapes)
    return [_best(result, fitted, sampled, shapes, others, said, float(c)) for c in flops]


def _covariates(fitted: Evaluator, shapes: Shapes) -> tuple[dict[str, Array], list[str]]:
    """What the law depends on besides N, D and C, of each shape, and a sentence on each that no shape decides."""
    if not isinstance(fitted, FittedLaw):
        return {}, [ONLY_N]
    law, found, said = fitted.law, {}, []
    for term in law.covariates:
        try:
            found[term] = values_of(shapes.sizes, term)
        except ValueError:
            found[term] = np.full(len(shapes.sizes), law.at[term])
            said.append(f"{term} is no part of the shape, and {law.at[term]:g} as in the fit's own predictions")
    if len(said) < len(law.covariates):
        return found, said
    if not {"n_params", "n_tokens"} & {*law.arguments}:
        raise FlopscapeError(f"{law.formula} depends on nothing that the shape of a model decides")
    return found, [*said, ONLY_N]


@np.errstate(all="ignore")
def _best(
    result: FitResult,
    fitted: Evaluator,
    sampled: Evaluator,
    shapes: Shapes,
    others: Mapping[str, Array],
    said: Sequence[str],
    flops: float,
) -> BestShape:
    n_tokens = flops / shapes.flops_per_token
    best, lowest = _lowest(fitted, shapes, n_tokens, others, flops)
    chosen, losses = _lowest(sampled, shapes, n_tokens, others, flops)
    i = int(best[0])
    refuse_absurd(f"flops {flops:g}", float(shapes.n_params[i]), float(n_tokens[i]))

    def estimate(values: Array) -> Estimate:
        return Estimate(float(values[i]), *map(finite_or_none, percentile_interval(values[chosen])))

    parts = {str(name): estimate(values.to_numpy(float)) for name, values in shapes.sizes.items()}
    n_params = estimate(shapes.n_params)
    loss = Estimate(float(lowest[0]), *map(finite_or_none, percentile_interval(losses)))
    far = _far(result, flops, n_params.estimate)
    edges = _edges(shapes, parts, flops)
    return BestShape(
        flops, parts, n_params, estimate(n_tokens), estimate(n_tokens / shapes.n_params), loss, [*edges, *said, *far]
    )


def _far(result: FitResult, flops: float, n_params: float) -> list[str]:
    """How far the compute and the size lie from the runs; a fit of an older version has not kept these."""
    if (ranges := result.sampled) is None:
        return []
    return [*beyond(flops, ranges.flops), *outside(flops, n_params, ranges.n_params)]


def _lowest(
    law: Evaluator, shapes: Shapes, n_tokens: Array, others: Mapping[str, Array], flops: float
) -> tuple[Array, Array]:
    """Index of each draw's best shape, and its loss there, shape (R,) each; one draw for the fit itself."""
    best, lowest, size = np.zeros(1, int), np.full(1, np.inf), BLOCK // MOST_DRAWS
    for begin in range(0, len(n_tokens), size):
        rows = slice(begin, begin + size)
        part = {name: values[rows] for name, values in others.items()}
        losses = law.loss(shapes.n_params[rows], n_tokens[rows], np.full(len(n_tokens[rows]), flops), None, part)
        losses = np.where(np.isfinite(losses), losses, np.inf).reshape(-1, len(n_tokens[rows]))
        at = losses.argmin(axis=1)
        least = losses[np.arange(len(losses)), at]
        best, lowest = np.where(least < lowest, begin + at, best), np.minimum(lowest, least)
    return best, lowest


def _edges(shapes: Shapes, parts: Mapping[str, Estimate], flops: float) -> list[str]:
    """Parts that have one value, parts whose best value is the last one that was run, or lies beyond all of these."""
    said = []
    for name, part in parts.items():
        (low, high), best = shapes.ran[name], part.estimate
        values = shapes.sizes[name].to_numpy(float)
        if values.min() == values.max():
            said.append(f"{name} is {best:g} in every shape, so that nothing is said of another")
        elif not low <= best <= high:
            said.append(
                f"{name} = {best:g}, best at {numbers.flops(flops)} FLOPs, lies beyond the runs, {low:g} to {high:g}"
            )
        elif (best == high and values.max() <= high) or (best == low and values.min() >= low):
            end = "largest" if best == high else "smallest"
            said.append(
                f"{name} = {best:g}, best at {numbers.flops(flops)} FLOPs, is the {end} that was run: the optimum is at"
                " the edge, and may lie beyond"
            )
    return said
