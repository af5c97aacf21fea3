"""Every run in a table that a page can sort, each with its record and its log."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from flopscape.report.appendix import filled_columns
from flopscape.report.blocks import Block, Cell, Links, SortableTable
from flopscape.report.evidence import Evidence
from flopscape.text import numbers

MOST_ROWS = 2000
"""Longer tables are read in runs.csv, and would make a page slow."""


def blocks(evidence: Evidence) -> list[Block]:
    """The runs in the order of their table; of a long one the first, with a sentence."""
    runs = evidence.trained
    if runs.empty:
        return []
    head = [
        "run",
        "status",
        "C, FLOPs",
        "N",
        f"D, {evidence.unit}s",
        f"loss, {evidence.loss_unit}",
        "seed",
        "time",
        "log",
    ]
    rows = [_row(run, evidence) for run in runs.head(MOST_ROWS).to_dict("records")]
    filled = filled_columns([[cell.text for cell in row] for row in rows])
    short = f" The first {MOST_ROWS:,} of {len(runs):,}; runs.csv has all." if len(runs) > MOST_ROWS else ""
    note = f"Click a heading to sort by it; a run's name opens its record.{short}"
    return [SortableTable([head[i] for i in filled], [[row[i] for i in filled] for row in rows], note)]


def files(evidence: Evidence) -> list[Block]:
    """The tables, fits and config that the report was made from."""
    return [Links(evidence.addresses.files)] if evidence.addresses.files else []


def _row(run: Mapping[Any, Any], evidence: Evidence) -> list[Cell]:
    name, where = str(run["run_id"]), evidence.addresses
    return [
        Cell(name, name, where.records.get(name, "")),
        Cell(str(run["status"]), str(run["status"])),
        Cell.number(run["flops"], numbers.flops),
        Cell.number(run["n_params"], numbers.count),
        Cell.number(run["n_tokens"], numbers.count),
        Cell.number(run["loss"], numbers.loss),
        Cell("" if pd.isna(run["seed"]) else numbers.whole(run["seed"]), run["seed"]),
        Cell.number(run.get("seconds"), numbers.duration),
        Cell("log" if name in where.logs else "", name, where.logs.get(name, "")),
    ]
