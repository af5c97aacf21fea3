"""A product of powers above a floor, of N and D, with a law of its own."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from flopscape.laws.law import Law, Optimum
from flopscape.records.fit_result import Estimate, FitResult, Prediction

RATIO = 20.0


class Powers(NamedTuple):
    scale: float
    p: float
    floor: float


def loss(law, n, d):
    return law.floor + law.scale * (n * d) ** -law.p


def optimum(law, flops, compute, unique_tokens):
    n = np.sqrt(np.asarray(flops) / 6 / RATIO) + 0 * law.p
    return Optimum(n, RATIO * n, loss(law, n, RATIO * n))


LAW = Law(
    name="powers",
    formula="L = floor + scale·(N·D)^−p",
    kind=Powers,
    names=Powers._fields,
    arguments=("n_params", "n_tokens"),
    value=loss,
    optimum=optimum,
)


def estimate(table, *, flops=(), bootstrap=4000, seed=0, floor: float = 0.5):
    """Fit.

    Parameters
    ----------
    floor : float
        The irreducible loss in nats.
    """
    x = np.log(table.n_params * table.n_tokens)
    y = np.log(table.loss - floor)

    def line(rows):
        p, k = np.polyfit(x[rows], y[rows], 1)
        return Powers(np.exp(k), -p, floor)

    rows = np.random.default_rng(seed).integers(0, len(x), (bootstrap, len(x)))
    best, draws = line(slice(None)), pd.DataFrame([line(r) for r in rows])

    def known(value, values):
        return Estimate(float(value), *map(float, np.quantile(values, [0.025, 0.975])))

    result = FitResult("ok", "a line", "powers", "powers", "least squares of ln(L − floor)", interval="rows resampled")
    result.parameters = {name: known(getattr(best, name), draws[name]) for name in Powers._fields}
    many = Powers(*draws.to_numpy().T)
    for c in map(float, flops):
        (n, d, there), spread = optimum(best, c, None, None), optimum(many, c, None, None).loss
        loss_there = known(there, spread)
        result.predictions.append(Prediction(c, Estimate(float(n)), Estimate(float(d)), loss_there, Estimate(RATIO)))
    return result, draws
