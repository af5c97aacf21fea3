"""The search that minimises Σ (L_i − E − A·N_i^−α − B·D_i^−β)²: the kernel of varpro.py as it is."""

import numpy as np

from flopscape.fitting import varpro
from flopscape.fitting.local_fit import Local, local
from flopscape.fitting.varpro import Problem, Solution
from flopscape.laws.arrays import Array

OBJECTIVE = "least squares on the loss"


class LeastSquares:
    """A `Search`; see surface_fit.py."""

    delta = np.inf

    def polish(self, problem: Problem, weights: Array, starts: Array) -> Solution:
        return varpro.newton(problem, np.broadcast_to(weights, (len(starts), weights.shape[1])), starts)

    def resample(self, problem: Problem, weights: Array, starts: Array, best: Solution) -> Solution:
        return varpro.newton(problem, weights, starts, varpro.RESAMPLE_DECREMENT)

    def weighted(self, problem: Problem, weights: Array) -> Array:
        return weights

    def local(self, problem: Problem, p: Array) -> Local:
        return local(problem, p)

    def diagnostics(self, fit: Local) -> dict[str, object]:
        return {}

    def warnings(self, fit: Local) -> list[str]:
        return []
