"""What `flopscape fit` prints: the answer, what it rests on, and what to distrust."""

from collections.abc import Iterator
from pathlib import Path

from flopscape import numbers
from flopscape.records import Exclusion, FitResult
from flopscape.report.summary import head, recommendation
from flopscape.terminal import aligned

SHOWN = 5
"""Names of rows that are listed before the rest is counted."""


def fit_text(out: Path, fit: FitResult) -> str:
    """Status and reason; exponents, and the optimum at each asked compute, with intervals; rows; warnings."""
    lines = [f"{out}: {fit.status}: {fit.reason}", *_answer(fit), _used(fit)]
    lines += [f"left out: {_left_out(exclusion)}" for exclusion in fit.excluded]
    return "\n".join([*lines, *(f"warning: {text}" for text in fit.warnings)])


def _answer(fit: FitResult) -> Iterator[str]:
    """The numbers of a fit that is not refused."""
    found = (fit.exponents or fit.parameters or {}) if fit.status != "refused" else {}
    if found:
        yield ", ".join(f"{name} = {numbers.interval(value, numbers.exponent)}" for name, value in found.items())
    if rows := recommendation(fit):
        yield aligned([head(fit.unit), *rows])


def _used(fit: FitResult) -> str:
    """How many rows and runs the fit is of."""
    n_rows = fit.diagnostics.get("n_rows", fit.n_runs)
    runs = "" if n_rows == fit.n_runs else f" of {numbers.plural(fit.n_runs, 'run')}"
    return f"used: {numbers.plural(n_rows, 'row')}{runs}" + (" (SIMULATED)" if fit.simulated else "")


def _left_out(exclusion: Exclusion) -> str:
    names = exclusion.rows[:SHOWN]
    more = f" and {len(exclusion.rows) - SHOWN} more" if len(exclusion.rows) > SHOWN else ""
    listed = f" ({', '.join(names)}{more})" if names else ""
    return f"{numbers.plural(len(exclusion.rows), 'row')}{listed}: {exclusion.reason}"
