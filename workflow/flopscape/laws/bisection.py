"""Roots of increasing functions, many at once: what a one-dimensional optimum comes down to."""

from collections.abc import Callable

import numpy as np

from flopscape.laws.arrays import Array

HALVINGS = 80
"""A bracket of 100 in ln N shrinks to 1e-22, below float64's spacing."""


def increasing_root(function: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """The x between low and high where an increasing function changes sign, elementwise; an end where it does not.

    NaN ends stay NaN.
    """
    low, high = np.broadcast_arrays(np.asarray(low, float), np.asarray(high, float))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = function(middle) < 0
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)
