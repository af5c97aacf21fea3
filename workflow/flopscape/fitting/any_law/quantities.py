"""What a law's fit reports, as functions of its parameters: the parameters, exponents, and optima at asked compute."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from flopscape.fitting.any_law.problem import FLOOR
from flopscape.fitting.surface.quantities import column
from flopscape.laws.arrays import Array
from flopscape.laws.compute import Compute
from flopscape.laws.law import Law

DIFFERENCE = 1e-5
"""Step in θ of the central differences, which have an error of its square."""


@dataclass(frozen=True)
class LawQuantities:
    """Of a law under a compute, with U distinct tokens at each asked C."""

    law: Law
    flops: tuple[float, ...]
    compute: Compute
    unique_tokens: float

    @np.errstate(all="ignore")
    def evaluate(self, p: Any) -> dict[str, Array]:
        """Every quantity by name, of the shape of the parameters; `n_params@C` and the like for each asked C."""
        values = {name: np.asarray(getattr(p, name)) for name in self.law.names}
        if self.law.exponents:
            values |= dict(zip(("a", "b"), self.law.exponents(p), strict=True))
        for flops in self.flops if self.law.optimum else ():
            best = self.law.optimum(p, flops, self.compute, self.unique_tokens)  # type: ignore[misc]
            values |= {column(name, flops): value for name, value in best._asdict().items()}
        return values

    def errors(self, parameters: Callable[[Array], Any], theta: Array, covariance: Array) -> dict[str, float]:
        """Standard error of each quantity by the delta method, of its logarithm where `is_log` says so."""
        steps = DIFFERENCE * np.eye(len(theta))
        up, down = (self.evaluate(parameters(theta + sign * steps)) for sign in (1, -1))
        errors = {}
        for name in up:
            high, low = (np.log(v[name]) if is_log(name) else v[name] for v in (up, down))
            slope = (high - low) / (2 * DIFFERENCE)
            errors[name] = float(np.sqrt(max(float(slope @ covariance @ slope), 0.0)))
        return errors


def is_log(name: str) -> bool:
    """Whether a quantity's likelihood is closer to symmetric in its logarithm."""
    return name not in (FLOOR, "a", "b") and not name.startswith("loss@")
