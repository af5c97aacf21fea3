"""Names for the array types of laws/ and fitting/."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]
Names = NDArray[np.str_]
