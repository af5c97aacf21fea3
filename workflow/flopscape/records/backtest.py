"""What a backtest writes, a line a hidden optimum or run, and the score of a fit over all of them.

`backtest.csv` has a column for each field of `Forecast`; `scores` of answers/backtest/scores.py makes a `Score` of the
lines of each fit. Judges and the report read these, so that the names of the columns stand here and nowhere else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar, get_type_hints

Hidden = Literal["optimum", "run", "nothing"]
"""What a line is of: the optimum of a hidden budget, the loss of a hidden run, or why nothing could be hidden."""
TO_COME = "its loss is still to come"
"""Why a hidden run that is predicted judges nothing yet."""


@dataclass(frozen=True)
class Forecast:
    """One hidden number or pair of numbers, as it was and as a refit that had not seen it predicted it.

    N in parameters, losses in the table's own unit, compute in FLOPs; None where there is no such number. Intervals are
    of 95 %. `holds` says whether one holds the truth, whose own standard error is added in quadrature.
    """

    fit: str
    method: str
    cut: str
    """What was hidden from the refit, in words."""
    n_runs: int
    """Runs that the refit was made of."""
    status: str
    reason: str
    """Of the refit, as in its FitResult."""
    what: Hidden
    flops: float
    """Compute of the hidden budget or run."""
    extrapolation: float
    """The same in units of the costliest run that the refit saw."""
    run_id: str = ""
    """Of a hidden run."""
    left_out: str = ""
    """Why the runs of a hidden budget do not tell its optimum, so that it judges nothing; or why nothing is hidden."""
    true_n_params: float | None = None
    se_log_n_params: float | None = None
    n_params: float | None = None
    n_params_low: float | None = None
    n_params_high: float | None = None
    n_params_holds: bool | None = None
    true_loss: float | None = None
    se_loss: float | None = None
    loss: float | None = None
    loss_low: float | None = None
    loss_high: float | None = None
    loss_holds: bool | None = None
    regret: float | None = None
    """The loss at the predicted N* less the lowest one, by the hidden budget's own curve."""
    log_score: float | None = None
    """Logarithm of the predictive density at a hidden run's loss, in one over the loss's unit."""

    @property
    def is_judged(self) -> bool:
        """Whether there is both a truth and a prediction."""
        return self.loss_holds is not None or self.n_params_holds is not None


@dataclass(frozen=True)
class Outcome(Forecast):
    """What a finished fit had said of a run that stays hidden, or of the optimum of several, and what came.

    The fit is that of all other runs, `cut` says which these are, and `flops` of a run are what it cost.
    """

    run_n_params: float | None = None
    run_n_tokens: float | None = None
    """Size of a hidden run, and the units of data that it saw."""
    deviations: float | None = None
    """Measured less predicted loss of a run, in standard deviations of the prediction, its noise included."""

    @property
    def is_awaited(self) -> bool:
        """Whether it is a prediction of what has not come yet."""
        return self.left_out == TO_COME and (self.loss is not None or self.n_params is not None)


@dataclass(frozen=True)
class Score:
    """How the refits of one fit did on all that was hidden from them.

    Widths are medians and errors root mean squares: those of N* in ln N, those of losses, and the mean regret, relative
    to the loss. They are None where nothing was judged, and infinite where most intervals have an open end.
    """

    fit: str
    method: str
    n_n_params: int
    """Hidden optima whose N* was predicted, and is known."""
    held_n_params: int
    width_n_params: float | None
    rms_n_params: float | None
    n_loss: int
    held_loss: int
    width_loss: float | None
    rms_loss: float | None
    regret: float | None
    n_runs: int
    held_runs: int
    log_score: float | None
    n_silent: int
    """Hidden optima that are known and of which its refits said nothing, because they refused."""
    missed: str = ""
    """Which optima it missed by more than chance, and how far, for which it is weak; see fitting/backtest/misses.py."""


COLUMNS = tuple(field.name for field in fields(Forecast))
OUTCOMES = tuple(field.name for field in fields(Outcome))
"""Columns of `validation.csv`."""
OF_TRUTH = (
    *("true_n_params", "se_log_n_params", "n_params_holds", "true_loss", "se_loss", "loss_holds"),
    *("regret", "log_score", "deviations"),
)
"""Those of them that are known when a hidden run is finished; the others are what was predicted, and of what."""
F = TypeVar("F", bound=Forecast)


def forecasts_of(rows: Iterable[Mapping[Any, Any]], kind: type[F]) -> list[F]:
    """Lines of `backtest.csv` or `validation.csv`, as pandas reads them, in the types of `Forecast` or `Outcome`.

    Raises
    ------
    KeyError
        A column is missing.
    """
    readers = {name: _reader(str(hint)) for name, hint in get_type_hints(kind).items()}
    return [kind(**{name: read(row[name]) for name, read in readers.items()}) for row in rows]


def _reader(hint: str) -> Any:
    """How a cell becomes a field's value: an empty cell is None, or no text."""
    kinds: dict[str, Any] = {"bool": lambda cell: str(cell).lower() in ("true", "1", "1.0"), "float": float, "int": int}
    kind = next((read for name, read in kinds.items() if name in hint), str)
    empty = "" if kind is str else None
    return lambda cell: empty if cell is None or cell != cell or cell == "" else kind(cell)


TABLE_TELLS = "flopscape backtest tells how it does"
"""Why a fit is not tested by refits of its own, where a study's backtest tests it."""
OWN = "own_backtest"
"""Where a fit's diagnostics keep its own backtest."""


@dataclass(frozen=True)
class Miss:
    """How far a fit was off the N* or L* of a budget that was hidden from it, or the loss L of a run.

    `off` is estimate less truth and `allowed` half of the 95 % interval with the truth's own error: of N* in ln N, of
    losses as parts of the loss.
    """

    cut: str
    flops: float
    extrapolation: float
    symbol: Literal["N*", "L*", "L"]
    off: float
    allowed: float


@dataclass(frozen=True)
class OwnBacktest:
    """What a fit's own refits missed of the largest budgets, each hidden from them.

    Misses up to `limit` times what the interval allows are chance. `untested` says why there was nothing to test.
    """

    hidden: list[Miss] = field(default_factory=list)
    limit: float = 1.0
    untested: str = ""

    @classmethod
    def of(cls, diagnostics: Mapping[str, Any]) -> "OwnBacktest | None":
        """As a fit's diagnostics have it; None in files of older versions, and of fits that are refused."""
        kept = diagnostics.get(OWN)
        return kept and cls([Miss(**miss) for miss in kept["hidden"]], kept["limit"], kept["untested"])
