"""The table of `flopscape sensitivity` on the terminal."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from flopscape import numbers
from flopscape.fitting.quantities import column
from flopscape.records import Estimate
from flopscape.terminal import aligned


def sensitivity_text(varied: pd.DataFrame) -> str:
    """A line a fit: what changes, its runs, a with interval, N* and D* at the first asked compute if any, the status.

    Below it why fits are not ok, the rows that all of them leave out, and what to distrust in the table.
    """
    first = column("n_params", 0.0).partition("@")[0] + "@"
    asked = [str(name) for name in varied if str(name).startswith(first)][:1]
    names = [name for n in asked for name in (n, n.replace("n_params@", "n_tokens@"))]
    optimum = [text for n in asked for text in (f"N* at {numbers.flops(float(n.partition('@')[2]))} FLOPs", "D*")]
    rows = [_line(row, names) for _, row in varied.iterrows()]
    table = aligned([["changed", "setting", "runs", "a", *optimum, "status"], *rows], right=(2,))
    return "\n".join([table, *_below(varied)])


def _line(row: "pd.Series[Any]", names: list[str]) -> list[str]:
    low, high = (None if pd.isna(row[name]) else float(row[name]) for name in ("a_low", "a_high"))
    a = None if pd.isna(row["a"]) else Estimate(float(row["a"]), low, high)
    optimum = (numbers.count(float(row[name])) for name in names)
    changed = [row["what_changes"], row["setting"], str(row["n_runs"])]
    return [*changed, numbers.interval(a, numbers.exponent), *optimum, row["status"]]


def _below(varied: pd.DataFrame) -> Iterator[str]:
    for _, row in varied[varied["status"] != "ok"].iterrows():
        yield f"{row['status']}: {row['setting']}: {row['reason']}"
    yield from (f"left out: {exclusion.words}" for exclusion in varied.attrs.get("excluded", []))
    yield from (f"warning: {text}" for text in varied.attrs.get("warnings", []))
