"""How each fit did on hidden budgets and runs, and whether it is weak for it, which fitting/backtest/misses.py says.

Coverage here is not independent from line to line, for one hidden budget is predicted in several cuts: it says how a
fit did on these runs, and of how it does in general only as much as a handful of budgets can.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np

from flopscape.fitting.backtest.misses import misses_of, why_it_misses
from flopscape.records.backtest import F, Forecast, Score


def by_fit(forecasts: Iterable[F]) -> dict[str, list[F]]:
    """The lines of each fit, in the order in which they come."""
    return {name: list(lines) for name, lines in groupby(forecasts, key=lambda line: line.fit)}


def scores(forecasts: Iterable[Forecast]) -> list[Score]:
    """The score of each fit, in the order in which they come."""
    return [score(lines) for lines in by_fit(forecasts).values()]


def score(lines: Sequence[Forecast]) -> Score:
    """The score of one or more lines of one fit."""
    optima = [line for line in lines if line.what == "optimum" and line.true_n_params is not None]
    n_params = [line for line in optima if line.n_params_holds is not None]
    loss = [line for line in optima if line.loss_holds is not None]
    runs = [line for line in lines if line.what == "run" and line.loss_holds is not None]
    return Score(
        fit=lines[0].fit,
        method=lines[0].method,
        n_n_params=len(n_params),
        held_n_params=sum(bool(line.n_params_holds) for line in n_params),
        width_n_params=_median(_log_ratio(line.n_params_low, line.n_params_high) for line in n_params),
        rms_n_params=_rms(_log_ratio(line.true_n_params, line.n_params) for line in n_params),
        n_loss=len(loss),
        held_loss=sum(bool(line.loss_holds) for line in loss),
        width_loss=_median(_part(line.loss_low, line.loss_high, line.true_loss) for line in loss),
        rms_loss=_rms(_part(line.true_loss, line.loss, line.true_loss) for line in loss),
        regret=_mean(_part(0.0, line.regret, line.true_loss) for line in n_params),
        n_runs=len(runs),
        held_runs=sum(bool(line.loss_holds) for line in runs),
        log_score=_mean(np.nan if line.log_score is None else line.log_score for line in runs),
        n_silent=len(optima) - len(n_params),
        missed=why_it_misses(misses_of(lines)),
    )


def _log_ratio(one: float | None, other: float | None) -> float:
    """ln other − ln one; infinite where an end of an interval is open."""
    return float(np.log(other / one)) if one and other and min(one, other) > 0 else np.inf


def _part(one: float | None, other: float | None, whole: float | None) -> float:
    """(other − one)/whole; infinite where an end of an interval is open."""
    return (other - one) / whole if one is not None and other is not None and whole else np.inf


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return float(np.median(found)) if found else None


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return float(np.mean(found)) if found else None


def _rms(values: Iterable[float]) -> float | None:
    mean = _mean(value**2 for value in values)
    return None if mean is None else float(np.sqrt(mean))
