"""The sizes that cost little: loss is flat in N near the optimum, so that a range of N is as good as its middle."""

import numpy as np
from scipy.optimize import brentq

from flopscape.laws.compute import Compute, optimum
from flopscape.laws.surface import Surface, loss

EXCESS = 0.01
"""Part of the compute that a near-optimal size may waste: 1 %."""
FARTHEST = 500.0
"""ln N beyond which a double overflows soon; no band ends there unless A or B is nearly zero."""


def near_optimal_sizes(surface: Surface, flops: float, compute: Compute) -> list[float] | None:
    """The range of N whose loss at compute C the optimum reaches with 1 % less compute.

    {N : L(N, D(C, N)) ≤ L*(C/1.01)} with D from C = κ(N)·N·D: training such an N wastes at most 1 % of C. The ends have
    no closed form; they are roots in ln N on both sides of N*, bracketed by doubling steps.

    Parameters
    ----------
    surface : Surface
        Scalars, with A and B positive.
    flops : float
        C in FLOPs.

    Returns
    -------
    list
        Lowest and highest N in parameters; None where there is no optimum or no end.
    """
    if not (surface.A > 0 and surface.B > 0):
        return None
    best, less = (optimum(surface, c, compute) for c in (flops, flops / (1 + EXCESS)))
    middle = float(np.log(best.n_params))

    def excess(log_n: float) -> float:
        tokens = np.exp(compute.tokens(np.asarray(log_n), flops))
        return float(loss(surface, np.exp(log_n), tokens) - less.loss)

    ends = []
    for side in (-1.0, 1.0):
        step = 0.1
        with np.errstate(over="ignore"):
            while excess(middle + side * step) < 0 and abs(middle) + step < FARTHEST:
                step *= 2
            if not 0 < excess(middle + side * step) < np.inf:
                return None
            ends.append(float(np.exp(brentq(excess, middle, middle + side * step, xtol=1e-12))))
    return ends
