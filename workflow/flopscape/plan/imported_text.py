"""What `flopscape plan` prints for a study whose runs are imported: the price, and the table's rows by budget.

Apart from plan/imported.py because it reads the table, which takes numpy and pandas: `flopscape plan` may wait for
them, the parsing of a Snakefile may not.
"""

from pathlib import Path

import numpy as np

from flopscape.plan.imported import PlannedImport, free_text
from flopscape.runs.import_rows import Choice
from flopscape.runs.import_table import import_runs
from flopscape.runs.table import RunTable
from flopscape.text import numbers
from flopscape.text.terminal import aligned


def import_text(planned: PlannedImport, data_mirror: str | None) -> str:
    """Price, rows by budget, and what a reader should know of the table.

    Raises
    ------
    FlopscapeError
        As `import_runs`.
    """
    runs = planned.study.runs
    mirror = runs.mirror or data_mirror
    mapping: dict[str, str] = {ours: theirs for ours, theirs in runs.map.items()}
    choice = Choice(runs.run_id, runs.exclude, runs.lowest)
    imported = import_runs(runs.table, Path(mirror) if mirror else None, mapping, choice)
    origin = "the table's own" if "budget" in imported.frame else "none in the table; runs of nearly one C are grouped"
    head = ["budget", "runs", "N", "D"]
    parts = [free_text(planned), aligned([head, *_rows(imported.table)], right=(1,)), f"budgets: {origin}"]
    return "\n".join([*parts, *imported.remarks])


def _rows(table: RunTable) -> list[list[str]]:
    groups = [(numbers.flops(b), table.budget == b) for b in np.unique(table.budget[np.isfinite(table.budget)])]
    groups += [("no budget", ~np.isfinite(table.budget)), ("total", np.ones(len(table), bool))]
    return [
        [label, str(rows.sum()), _range(table.n_params[rows]), _range(table.n_tokens[rows])]
        for label, rows in groups
        if rows.any()
    ]


def _range(values: np.ndarray) -> str:
    return f"{numbers.count(float(values.min()))} to {numbers.count(float(values.max()))}"
