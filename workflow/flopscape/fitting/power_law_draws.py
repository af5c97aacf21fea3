"""The draws of a fit without a surface: power laws of N* and D*, the law of L*, and their values at asked budgets."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from flopscape.fitting.loss_law import loss_along
from flopscape.fitting.quantities import column
from flopscape.fitting.results import DRAW_COLUMNS
from flopscape.laws.arrays import Array
from flopscape.laws.compute import Compute


@np.errstate(all="ignore")
def power_law_draws(laws: Mapping[str, Array], center: float, compute: Compute, flops: Sequence[float]) -> pd.DataFrame:
    """One row a draw.

    Parameters
    ----------
    laws : mapping of arrays, shape (R,)
        `log_n_params` (ln N* at the centre), `a`, `b`, the loss law's three, and `degenerate`.
    center : float
        ln C₀ to which all laws refer.
    compute : Compute
        Gives D* for N* and C.
    flops : sequence of float
        Asked budgets C, in FLOPs.
    """
    replicates = len(laws["a"])
    columns: dict[str, Any] = {name: np.full(replicates, np.nan) for name in DRAW_COLUMNS}
    columns |= {"replicate": np.arange(replicates)} | dict(laws)
    for c in flops:
        x = np.log(c) - center
        log_n = laws["log_n_params"] + laws["a"] * x
        values = (np.exp(log_n), np.exp(compute.tokens(log_n, c)), loss_along(laws, x))
        columns |= {column(name, c): v for name, v in zip(("n_params", "n_tokens", "loss"), values, strict=True)}
    return pd.DataFrame(columns)
