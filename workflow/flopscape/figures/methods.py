"""The fits side by side: a, b and D* with their intervals, and published exponents as context."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flopscape.answers.compare import EXPONENTS
from flopscape.figures import frame, style, whiskers
from flopscape.figures.tables import Tables
from flopscape.figures.whiskers import Row
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.text import numbers

MOST_BUDGETS = 3
"""Asked budgets that still fit beside each other, the first ones."""


def draw(data: Tables) -> Figure:
    """A line a fit: exponents a and b, and D* at each asked budget; hollow where a fit is not `ok`, words if refused.

    Below, in grey: exponents from the literature, which belong to other data and other architectures.
    """
    title = f"{data.title}: the answer by method"
    fitted = {name: fit for name, fit in data.fits.items() if fit.status != "refused" and _answers(fit)}
    if data.completed.empty or not fitted:
        reason = "No completed runs" if data.completed.empty else "No fit gave an answer to compare"
        return frame.nothing(title, ". ".join([reason, *frame.refusals(data.fits)]), data.simulated)
    predictions = next(iter(fitted.values())).predictions[:MOST_BUDGETS]
    rows = [*_fits(fitted, predictions), *_context(len(predictions))]
    figure = frame.page(10.2, whiskers.height(len(rows)))
    # Exponents on linear axes, numbers of tokens on logarithmic ones.
    axes = whiskers.panels(figure, rows, [False, False, *(True for _ in predictions)])
    _label(axes, predictions, data.unit)
    for panel in axes:
        # Between the last fit and the first published exponent: rows are a unit apart, the first at zero.
        panel.axhline(len(fitted) - 0.5, color="0.6", linewidth=0.8, linestyle=(0, (2, 2)))
    return frame.finish(figure, title, _notes(data, predictions), data.simulated)


def _answers(fit: FitResult) -> bool:
    """Whether a fit says how to split compute; a law of one quantity does not."""
    return bool(fit.exponents) or any(p.n_tokens for p in fit.predictions)


def _fits(fitted: dict[str, FitResult], predictions: Sequence[Prediction]) -> list[Row]:
    rows = []
    for name, colour, _, marker in style.fit_looks(list(fitted)):
        fit = fitted[name]
        exponents = fit.exponents or {}
        label = name if fit.status == "ok" else f"{name} ({fit.status})"
        values = [exponents.get("a"), exponents.get("b"), *(_tokens(fit, p.flops) for p in predictions)]
        rows.append(Row(label, values, colour, marker, hollow=fit.status != "ok"))
    return rows


def _tokens(fit: FitResult, flops: float) -> Estimate | None:
    return next((p.n_tokens for p in fit.predictions if p.flops == flops), None)


def _context(budgets: int) -> list[Row]:
    """Published exponents without intervals: theirs are of other levels or not given."""
    return [
        Row(published.name, [Estimate(published.a), Estimate(1 - published.a), *[None] * budgets], style.GREY, "x")
        for published in EXPONENTS
    ]


def _label(axes: Sequence[Axes], predictions: Sequence[Prediction], unit: str) -> None:
    axes[0].set_xlabel("a in N* ∝ Cᵃ")
    axes[1].set_xlabel("b in D* ∝ Cᵇ")
    for panel, prediction in zip(axes[2:], predictions, strict=True):
        style.log_axis(panel.xaxis, style.tick_count, 3)
        panel.set_xlabel(f"D*, {unit}s, at\n{numbers.flops(prediction.flops)} FLOPs")


def _notes(data: Tables, predictions: Sequence[Prediction]) -> list[str]:
    notes = frame.refusals(data.fits)
    total = max(len(fit.predictions) for fit in data.fits.values())
    if total > len(predictions):
        notes.append(f"D* is drawn for the first {len(predictions)} of {total} asked budgets.")
    return [*notes, "Grey: published for other data and other architectures, C = 6ND (b = 1 − a); context only."]
