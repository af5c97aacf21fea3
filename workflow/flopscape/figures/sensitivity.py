"""How far the answer moves when one choice changes: a, and D* at the first asked budget, a line a fit."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flopscape.figures import frame, style, whiskers
from flopscape.figures.tables import Tables
from flopscape.figures.whiskers import Row
from flopscape.records.columns import CHANGE
from flopscape.records.fit_result import Estimate
from flopscape.text import numbers


def draw(data: Tables) -> Figure:
    """Left a with its 95 % interval, right the change of D* in per cent; the base as a line; hollow where not `ok`."""
    title = f"{data.title}: what the answer rests on"
    table = data.sensitivity
    if data.completed.empty or table is None or table.a.notna().sum() == 0:
        reason = "No completed runs" if data.completed.empty else "No fit was varied: there is no sensitivity table"
        return frame.nothing(title, f"{reason}.", data.simulated)
    column = next((name for name in table.columns.astype(str) if name.startswith(CHANGE)), None)
    fitted = table[table.status != "refused"]
    rows = _rows(fitted, column)
    figure = frame.page(9.4, whiskers.height(len(rows)))
    panels = whiskers.panels(figure, rows, [False] * (2 if column else 1))
    _base(panels[0], fitted.a.iloc[0], "a in N* ∝ Cᵃ")
    if column:
        flops = numbers.flops(float(column.removeprefix(CHANGE)))
        _base(panels[1], 0.0, f"change of D* ({data.unit}s) at {flops} FLOPs, %")
    return frame.finish(figure, title, _notes(table), data.simulated)


def _rows(fitted: pd.DataFrame, column: str | None) -> list[Row]:
    groups = list(fitted.what_changes[fitted.what_changes != "base"].unique())
    looks: dict[str, tuple[Any, str]] = {name: (colour, mark) for name, colour, _, mark in style.fit_looks(groups)}
    looks["base"] = ("black", "o")
    return [_row(line, column, *looks[line["what_changes"]]) for line in fitted.to_dict("records")]


def _row(line: dict[Hashable, Any], column: str | None, colour: Any, marker: str) -> Row:
    """Groups differ in colour and marker."""
    label = line["setting"] if line["what_changes"] == "base" else f"{line['what_changes']}: {line['setting']}"
    # A CSV has no None: an open end is a blank cell, read as NaN.
    low, high = (None if np.isnan(line[end]) else line[end] for end in ("a_low", "a_high"))
    values = [Estimate(line["a"], low, high), *([Estimate(100 * line[column])] if column else [])]
    return Row(label, values, colour, marker, hollow=line["status"] != "ok")


def _base(axes: Axes, value: float, label: str) -> None:
    """The base fit's number through all lines."""
    axes.axvline(value, color="0.4", linewidth=1, linestyle=(0, (3, 2)), zorder=1)
    axes.set_xlabel(label)


def _notes(table: pd.DataFrame) -> Sequence[str]:
    """The base in words, and what refused; why, and why others are weak, stands in the table."""
    base = table.iloc[0]
    refused = list(table.setting[table.status == "refused"])
    said = [f"Base: {base.method}, {base.objective}, {numbers.plural(int(base.n_runs), 'run')}."]
    return [*said, f"Refused: {'; '.join(refused)}."] if refused else said
