"""What a fit of any law reports, as functions of its searched parameters p: values, gradients, draws.

The law's parameters, a of N* ∝ C^a where the law has one, and N* and L* at every asked compute. D*, D*/N* and b follow
from these: C = κ(N)·N·D gives D, and b = 1 − a. Quantities that are positive are handled as logarithms, in which their
likelihood is closest to symmetric, so that an interval of value ± t·SE has a meaning.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from flopscape.fitting.common.results import ASKED, column
from flopscape.laws.law import Array, Compute, Law, Mask

DIFFERENCE = 1e-5
"""Step in p of the central differences, which have an error of its square."""
Values = tuple[Array, Array]
"""Values (m, Q), logarithmic ones in logs, and their gradients (m, Q, k)."""


@dataclass(frozen=True)
class Quantities:
    """Of a law under a compute.

    Parameters
    ----------
    law : Law
    flops : tuple of float
        The asked compute, in FLOPs.
    compute : Compute
    parameters : callable
        The law's own tuple of parameters, each of shape (m,), for p of shape (m, k).
    unique_tokens : float
        Distinct tokens at each asked C; infinite for fresh data.
    exact : callable, optional
        `Values` of (quantities, p) with exact gradients; central differences where there is none.
    linear : tuple of str
        What is handled as it is besides E, a and L*.
    """

    law: Law
    flops: tuple[float, ...]
    compute: Compute
    parameters: Callable[[Array], Any]
    unique_tokens: float = np.inf
    exact: "Callable[[Quantities, Array], Values] | None" = None
    linear: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        """What the law says at a compute: nothing, the loss, or N* and the loss."""
        if not self.law.optimum:
            return ()
        return ("n_params", "loss") if "n_params" in self.law.arguments else ("loss",)

    @property
    def names(self) -> list[str]:
        """Order of the values; `n_params@C` and `loss@C` for each asked C."""
        exponent = ["a"] if self.law.exponents else []
        return [*self.law.names, *exponent, *(column(name, c) for c in self.flops for name in self.asked)]

    @property
    def logarithmic(self) -> Mask:
        """Which of the values are logarithms, shape (Q,)."""
        plain = ("E", "a", "loss", *self.linear)
        return np.array([name.partition("@")[0] not in plain for name in self.names])

    @np.errstate(all="ignore")
    def values(self, p: Array) -> Array:
        """Values (m, Q) for p (m, k)."""
        parameters = self.parameters(p)
        rows = [getattr(parameters, name) for name in self.law.names]
        rows += [self.law.exponents(parameters)[0]] if self.law.exponents else []
        for flops in self.flops if self.law.optimum else ():
            best = self.law.optimum(parameters, flops, self.compute, self.unique_tokens)  # type: ignore[misc]
            rows += [getattr(best, name) for name in self.asked]
        values = np.stack(np.broadcast_arrays(*map(np.asarray, rows)), axis=1)
        return np.where(self.logarithmic, np.log(np.where(self.logarithmic, values, 1.0)), values)

    def evaluate(self, p: Array) -> Values:
        """Values and gradients for p (m, k)."""
        if self.exact is not None:
            return self.exact(self, p)
        steps = DIFFERENCE * np.eye(p.shape[1])
        slopes = [(self.values(p + step) - self.values(p - step)) / (2 * DIFFERENCE) for step in steps]
        return self.values(p), np.stack(slopes, axis=2)

    @np.errstate(all="ignore")
    def errors(self, p: Array, covariance: Array) -> tuple[Array, Array]:
        """Values and standard errors (Q,) at p (k,) by the delta method: g'Σg with the gradient g of each."""
        values, gradients = self.evaluate(p[None])
        variance = np.einsum("qi,ij,qj->q", gradients[0], covariance, gradients[0])
        return values[0], np.sqrt(np.maximum(variance, 0))

    @np.errstate(all="ignore")
    def draws(self, p: Array, degenerate: Mask) -> pd.DataFrame:
        """Table of resamples p (R, k), one row each: parameters, a and b, and the optimum at each asked compute."""
        parameters = self.parameters(p)
        columns: dict[str, Any] = {"replicate": np.arange(len(p))}
        columns |= {name: getattr(parameters, name) for name in self.law.names}
        if self.law.exponents:
            columns |= dict(zip(("a", "b"), self.law.exponents(parameters), strict=True))
        columns["degenerate"] = degenerate
        for flops in self.flops if self.law.optimum else ():
            best = self.law.optimum(parameters, flops, self.compute, self.unique_tokens)  # type: ignore[misc]
            columns |= {column(name, flops): value for name, value in zip(ASKED, best, strict=True)}
        return pd.DataFrame(columns)
