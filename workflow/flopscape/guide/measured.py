"""How far each method was off on this very design: from the study's backtest and its twin, or how to measure it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flopscape.records.backtest import Score
from flopscape.text import numbers

HIDDEN = ["error of N*, hidden budgets", "N* held", "L* held"]
SIMULATED = ["error of N*, simulated", "N* held, simulated"]
"""Heads of the columns; errors are root mean squares, and held are 95 % intervals."""


@dataclass(frozen=True)
class Measured:
    """A table of errors under a head, empty where nothing was measured, and what is to be said of it."""

    rows: list[list[str]] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)


def told(scores: Sequence[Score]) -> dict[str, Score]:
    """The scores that say something of hidden optima, by fit."""
    return {score.fit: score for score in scores if score.n_loss or score.n_n_params}


def measured(
    scores: Sequence[Score], twin: Mapping[str, Any] | None, commands: Mapping[str, str], untested: str = ""
) -> Measured:
    """The errors of every method on hidden budgets and on simulated copies of the design, side by side.

    Parameters
    ----------
    scores : sequence of Score
        Of a backtest's fits.
    twin : mapping, optional
        `verdict.json` of a twin.
    commands : mapping
        What makes each of the two, by the names "backtest" and "twin".
    untested : str
        Why a backtest that was made says nothing of hidden budgets.
    """
    hidden = told(scores)
    simulated = {row["method"]: row for row in (twin or {}).get("methods", [])}
    rows = [
        [name, *(_hidden(hidden.get(name)) if hidden else []), *(_simulated(simulated.get(name)) if simulated else [])]
        for name in {**hidden, **simulated}
    ]
    head = ["method", *(HIDDEN if hidden else []), *(SIMULATED if simulated else [])]
    missing = {"backtest": not hidden and not untested, "twin": not simulated}
    words = {
        "backtest": "No error on hidden budgets is known for this design",
        "twin": "No error on simulated copies of this design is known",
    }
    said = [f"{words[what]}. To measure it: {commands[what]}" for what, lacks in missing.items() if lacks]
    return Measured([head, *rows] if rows else [], said)


def _hidden(score: Score | None) -> list[str]:
    """Error and coverage on hidden budgets."""
    if score is None:
        return [numbers.NOTHING] * 3
    return [
        numbers.log_error(score.rms_n_params) if score.rms_n_params is not None else numbers.NOTHING,
        f"{score.held_n_params} of {score.n_n_params}",
        f"{score.held_loss} of {score.n_loss}",
    ]


def _simulated(row: Mapping[str, Any] | None) -> list[str]:
    """Root mean square error and coverage on simulated copies: of possible laws, or else of the fitted surface."""
    seen = row.get("possible") or row if row else {"rmse": None}
    if seen["rmse"] is None:
        return [numbers.NOTHING] * 2
    held = numbers.NOTHING if seen["coverage"] is None else f"{100 * seen['coverage']:.0f} %"
    return [numbers.log_error(seen["rmse"]), held]
