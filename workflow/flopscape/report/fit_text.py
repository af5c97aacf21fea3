"""What `flopscape fit` prints: the answer, what it rests on, and what to distrust."""

from collections.abc import Iterator
from pathlib import Path

from flopscape import numbers
from flopscape.records import FitResult
from flopscape.report.summary import head, recommendation
from flopscape.terminal import aligned


def fit_text(out: Path, fit: FitResult) -> str:
    """Status and reason; exponents, and the optimum at each asked compute, with intervals; rows; warnings."""
    lines = [f"{out}: {fit.status}: {fit.reason}", *_answer(fit), _used(fit)]
    lines += [f"left out: {exclusion.words}" for exclusion in fit.excluded]
    return "\n".join([*lines, *(f"warning: {text}" for text in fit.warnings)])


def _answer(fit: FitResult) -> Iterator[str]:
    """The numbers of a fit that is not refused."""
    if fit.status == "refused":
        return
    if fit.exponents:
        yield ", ".join(f"{name} = {numbers.interval(x, numbers.exponent)}" for name, x in fit.exponents.items())
    elif fit.parameters:
        yield ", ".join(f"{name} = {numbers.interval(x, _digits)}" for name, x in fit.parameters.items())
    if rows := recommendation(fit):
        yield aligned([head(fit.unit), *rows])


def _digits(value: float | None) -> str:
    return numbers.NOTHING if value is None else f"{value:.4g}"


def _used(fit: FitResult) -> str:
    """How many rows and runs the fit is of."""
    n_rows = fit.diagnostics.get("n_rows", fit.n_runs)
    runs = "" if n_rows == fit.n_runs else f" of {numbers.plural(fit.n_runs, 'run')}"
    return f"used: {numbers.plural(n_rows, 'row')}{runs}" + (" (SIMULATED)" if fit.simulated else "")
