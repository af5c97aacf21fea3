"""Names for the types of laws/ and fitting/: arrays, and numbers within bounds."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]
Names = NDArray[np.str_]

Positive = float
"""Annotation of a method's option that is a number above zero; `float` alone is any finite number."""
