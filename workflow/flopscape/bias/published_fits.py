"""Published tables fitted by every method: shared by the experiments on real runs."""

from pathlib import Path
from typing import Any, NamedTuple

from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.records.fit_result import FitResult
from flopscape.runs.chosen import without
from flopscape.runs.import_table import import_runs
from flopscape.runs.published import source_file
from flopscape.runs.table import RunTable

METHODS: dict[str, dict[str, Any]] = {
    "vpnls": {},
    "approach3-log_lsq": {"objective": "log_lsq"},
    "approach3-huber": {"objective": "huber"},
    "approach3-lad": {"objective": "lad"},
    "approach2": {},
}
"""Method → its options."""


class Chosen(NamedTuple):
    """A published table, with or without the rows that its collection flags as outliers."""

    name: str
    without_outliers: bool = False

    def __str__(self) -> str:
        return f"{self.name} without flagged rows" if self.without_outliers else self.name


def read(chosen: Chosen, mirror: Path | None) -> RunTable:
    """One table from the mirror; FlopscapeError where it is not there."""
    table = import_runs(chosen.name, mirror, {}).table
    return without(table, "outlier") if chosen.without_outliers else table


def why_not(mirror: Path | None, names: list[str]) -> str:
    """Why there are no published tables, or nothing."""
    try:
        for name in names:
            source_file(name, mirror)
    except FlopscapeError as error:
        return f"no data: {error}"
    return ""


def fitted(table: RunTable, method: str, bootstrap: int) -> FitResult:
    """One fit of one table by one of `METHODS`."""
    # The objective after the hyphen is among the options of METHODS.
    return fit(table, method.partition("-")[0], bootstrap=bootstrap, **METHODS[method])[0]
