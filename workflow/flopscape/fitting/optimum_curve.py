"""The curve of loss against size that stands behind an entry of `FitResult.optima`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from flopscape.laws.arrays import Array

NUMBERS = {
    "parabola": ("center_log_n_params", "c0", "c1", "c2"),
    "exact": ("center_log_n_params", "center_log_n_tokens", "E", "P", "R", "alpha", "beta"),
}
"""What an entry keeps of each shape; an entry that names no shape is a parabola."""


def has_curve(optimum: Mapping[str, Any]) -> bool:
    """Whether an entry has every number of its shape."""
    return all(optimum.get(name) is not None for name in NUMBERS[_shape(optimum)])


def predicted(optimum: Mapping[str, Any], log_n: Array, log_tokens: Array) -> Array:
    """The curve's loss in nats at ln N and ln D.

    A parabola is c0 + c1·x + c2·x² in x = ln N − centre, whatever D; the exact shape E + P·exp(−α·x) + R·exp(−β·z) has
    z = ln D − centre, so that the compute of each run counts as it was.
    """
    numbers = [optimum[name] for name in NUMBERS[_shape(optimum)]]
    if _shape(optimum) == "parabola":
        center, *coefficients = numbers
        return np.asarray(np.polynomial.polynomial.polyval(log_n - center, coefficients))
    u, v, E, P, R, alpha, beta = numbers
    return np.asarray(E + P * np.exp(-alpha * (log_n - u)) + R * np.exp(-beta * (log_tokens - v)))


def _shape(optimum: Mapping[str, Any]) -> str:
    return str(optimum.get("shape", "parabola"))
