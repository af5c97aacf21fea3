"""The table of `flopscape sensitivity` on the terminal."""

from typing import Any

import pandas as pd

from flopscape import numbers
from flopscape.fitting.quantities import column
from flopscape.records import Estimate
from flopscape.terminal import aligned


def sensitivity_text(varied: pd.DataFrame) -> str:
    """A line a fit: what changes, a with its interval, N* at the first asked compute if any, and the status."""
    first = column("n_params", 0.0).partition("@")[0] + "@"
    asked = [str(name) for name in varied if str(name).startswith(first)][:1]
    optimum = [f"N* at {numbers.flops(float(name.partition('@')[2]))} FLOPs" for name in asked]
    rows = [_line(row, asked) for _, row in varied.iterrows()]
    return aligned([["changed", "setting", "a", *optimum, "status"], *rows])


def _line(row: "pd.Series[Any]", asked: list[str]) -> list[str]:
    low, high = (None if pd.isna(row[name]) else float(row[name]) for name in ("a_low", "a_high"))
    a = None if pd.isna(row["a"]) else Estimate(float(row["a"]), low, high)
    sizes = (numbers.count(float(row[name])) for name in asked)
    return [row["what_changes"], row["setting"], numbers.interval(a, numbers.exponent), *sizes, row["status"]]
