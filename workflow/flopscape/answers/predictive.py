"""What a fit says of the measured loss of a run: the law with the parameters of each draw, plus the noise of a run."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp, ndtr

from flopscape.answers.evaluate import FittedPowerLaws, evaluator
from flopscape.answers.residuals import residuals
from flopscape.laws.law import Array, Inputs
from flopscape.records.fit_result import FitResult
from flopscape.runs.table import RunTable

LEAST_NOISE = 1e-12
"""Of a loss: exact data have no noise, and a density needs some."""
BISECTIONS = 40
"""Halvings of a bracket of a few standard deviations: twelve digits."""


@np.errstate(all="ignore")  # a draw may overflow: what is not finite is left out by the reader
def losses_of(result: FitResult, draws: pd.DataFrame, runs: Inputs) -> Array | None:
    """The loss of runs (n,) by each draw of a fit, shape (R, n), without noise.

    None for a fit that says nothing beside the optimum, or that has no draws.
    """
    law = None if result.status == "refused" else evaluator(result)
    if law is None or isinstance(law, FittedPowerLaws) or not len(draws) or not len(runs.n_params):
        return None
    return law.of_draws(draws).loss(*runs)


def noise_of(table: RunTable, result: FitResult) -> float:
    """Standard deviation of a run's loss about a law that was fitted to a table, in the loss's own unit.

    Mean squared residuals over n − k rows, k the law's parameters; or what the fit itself has inferred, where it has a
    discrepancy too, which follows the runs more closely than k parameters can.
    """
    if result.inferred_noise is not None:
        return result.inferred_noise
    residual = residuals(table, result).residual.to_numpy(float)
    return float(np.sqrt(residual @ residual / max(len(residual) - len(result.free_parameters), 1)))


def predictive(losses: Array, noise: float, true: float) -> dict[str, Any]:
    """What the draws' losses (R,) of a run say of its measured loss: a mixture of normals of that noise around them.

    Returns
    -------
    dict
        `loss` (the median), `loss_low` and `loss_high` (95 %), `loss_holds` and `log_score`, as fields of a Forecast.
    """
    sd = max(noise, LEAST_NOISE * float(np.abs(losses).max()))
    low, middle, high = (_quantile(losses, sd, level) for level in (0.025, 0.5, 0.975))
    density = logsumexp(-(((true - losses) / sd) ** 2) / 2) - np.log(len(losses) * sd * np.sqrt(2 * np.pi))
    return {
        "loss": middle,
        "loss_low": low,
        "loss_high": high,
        "loss_holds": low <= true <= high,
        "log_score": float(density),
    }


def _quantile(losses: Array, sd: float, level: float) -> float:
    """Where the mixture's distribution function, a mean of normal ones, reaches a level: by bisection, for it rises."""
    reach = 8 * sd
    low, high = float(losses.min() - reach), float(losses.max() + reach)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        below = float(ndtr((middle - losses) / sd).mean()) < level
        low, high = (middle, high) if below else (low, middle)
    return (low + high) / 2
