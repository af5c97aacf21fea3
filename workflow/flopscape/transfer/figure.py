"""Loss against learning rate, a curve for each width, with the parabola's optimum and its interval."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flopscape.figures import frame, style
from flopscape.records.fit_result import Estimate
from flopscape.runs.statuses import with_loss
from flopscape.text import numbers
from flopscape.transfer.optimum import parabolas

Row = Mapping[str, Any]


def draw(table: pd.DataFrame, verdict: Mapping[str, Any]) -> Figure:
    """Held-out loss over the rate, log x, parabolas dashed; large hollow markers are optima, bars 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        table.csv of the search.
    verdict : mapping
        verdict.json of the search.
    """
    figure = frame.page(8.2, 4.6)
    axes = figure.subplots()
    looks = zip(verdict["widths"], style.sequence(len(verdict["widths"])), cycle(style.MARKERS), strict=False)
    for row, colour, marker in looks:
        _curve(axes, table[table.width == row["width"]], row, colour, marker)
    assumed = {row["assumed_rate"] for row in verdict["widths"]}
    if len(assumed) == 1:
        axes.axvline(assumed.pop(), color=style.GREY, linestyle=(0, (1, 2)), label="the study's own rate")
    style.log_axis(axes.xaxis, _tick)
    axes.set_xlabel(_label(verdict))
    style.loss_axis(axes, f"held-out loss, nats per {verdict['unit']}")
    style.legend_below(figure, axes, 1)
    notes = [*verdict["sentences"], f"Noise of a run from {verdict['noise']['source']}."]
    return frame.finish(figure, f"{verdict['study']}: learning rate by width", notes, verdict["simulated"])


def _curve(axes: Axes, runs: pd.DataFrame, row: Row, colour: Any, marker: str) -> None:
    """Runs as dots, a line through the means of rates where none diverged, the optimum with its interval."""
    completed = with_loss(runs)
    axes.plot(completed.learning_rate, completed.loss, marker, color=colour, markersize=4.5, linestyle="none")
    # A mean over the seeds that survived would make a rate look better than it is.
    whole = runs.groupby("learning_rate").filter(lambda part: bool((part.status == "completed").all()))
    mean = whole.groupby("learning_rate").loss.mean()
    axes.plot(mean.index, mean, color=colour, linewidth=1.0)
    if not row["at_edge"]:
        _parabola(axes, mean, colour)
    optimum, loss = Estimate(**row["optimum_rate"]), row["optimum_loss"]["estimate"]
    low, high = optimum.low or optimum.estimate, optimum.high or optimum.estimate
    axes.errorbar(
        optimum.estimate, loss, xerr=[[optimum.estimate - low], [high - optimum.estimate]], color=colour, marker=marker,
        markersize=10, markerfacecolor="white", markeredgewidth=1.6, capsize=3, linestyle="none", label=_words(row),
    )  # fmt: skip


def _parabola(axes: Axes, mean: "pd.Series[float]", colour: Any) -> None:
    """The parabola in ln rate through the best rate and its neighbours, dashed."""
    log_rates = np.log(mean.index.to_numpy(float))
    best = int(mean.to_numpy().argmin())
    center, c1, c2 = parabolas(log_rates, np.array([mean], dtype=float), np.array([best]))
    along = np.linspace(log_rates[best - 1], log_rates[best + 1], 60)
    values = mean.iloc[best] + c1 * (along - center) + c2 * (along - center) ** 2
    axes.plot(np.exp(along), values, color=colour, linewidth=1.0, linestyle=style.LINES[1])


def _words(row: Row) -> str:
    """A width's optimum, and what the others' rate costs there."""
    edge = ", at the end of the rates tried" if row["at_edge"] else ""
    diverged = f", {numbers.plural(row['n_diverged'], 'run')} diverged" if row["n_diverged"] else ""
    best = numbers.interval(Estimate(**row["optimum_rate"]), _rate)
    return f"width {row['width']}: best rate {best}{edge}{diverged}"


def _rate(value: float | None) -> str:
    return numbers.NOTHING if value is None or np.isnan(value) else f"{value:.3g}"


def _tick(value: float | None) -> str:
    return _rate(value)


def _label(verdict: Mapping[str, Any]) -> str:
    """What the rate on the axis is, under the study's scaling."""
    scaled = {"width": "all rates ∝ 1/width", "mup": "µP: rates of hidden and output matrices ∝ 1/width"}
    rule = scaled.get(verdict["scaling"])
    return f"learning rate at width {verdict['base_width']} ({rule})" if rule else "learning rate"
