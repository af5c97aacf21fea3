"""Method `law`: any of the laws, by least squares on the log loss.

Laws: surface, coupled, kaplan, constrained (data that repeat), and power-n, power-d, power-c, each also with `-floor`.
The search starts from many random points and counts how many of them agree; each resample starts from the optimum and
from points around it. `diagnostics["comparison"]` sets the law beside the simpler one that it must beat.
"""

from collections.abc import Sequence

import pandas as pd

from flopscape.fitting.any_law.fit import estimate_law
from flopscape.fitting.options import Positive
from flopscape.laws.registry import LawName, law_named
from flopscape.records.fit_result import FitResult
from flopscape.runs.table import RunTable


def estimate(
    table: RunTable,
    *,
    flops: Sequence[float] = (),
    bootstrap: int = 4000,
    seed: int = 0,
    law: LawName = "coupled",
    unique_tokens: Positive | None = None,
) -> tuple[FitResult, pd.DataFrame]:
    """Fit a law.

    Parameters
    ----------
    table : RunTable
    flops : sequence of float
        Compute budgets C, in FLOPs, to predict the optimum for.
    bootstrap : int
        Resamples of whole runs; 4,000 take about 1 CPU s for 35 runs and 6 for 240. With 0 the intervals are the delta
        method's.
    seed : int
        Seed of the starts and of the resampling.
    law : str
        The form to fit, such as `coupled`, `kaplan`, `constrained` or `power-n-floor`.
    unique_tokens : float, optional
        Distinct tokens of the dataset, for the law constrained: those of every run, unless the table has a column
        `unique_tokens`, and of the predictions.

    Returns
    -------
    FitResult, and the resamples' parameters and optima, one row each. The parameters stand in `parameters`, those of
    the law surface in `surface`.

    Raises
    ------
    FlopscapeError
        An unknown law, or distinct tokens that are missing, not positive, or not of the law.
    """
    return estimate_law(law_named(law), table, flops, bootstrap, seed, unique_tokens)
