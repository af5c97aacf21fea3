"""A study whose runs are imported, before anything is read: where its table is, and that nothing trains.

The counterpart of `PlannedStudy` for other people's runs. The workflow is built from it while the Snakefile is parsed,
so the table is found and not opened, but for the names of its columns where other metrics than its loss are asked for:
what is in it, plan/imported_text.py tells, with numpy and pandas.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from flopscape.config.downstream import metrics_asked, why_unscored
from flopscape.config.study import ImportedStudy
from flopscape.errors import FlopscapeError
from flopscape.files.outputs import StrPath
from flopscape.records.metrics import is_metric
from flopscape.records.plan_row import PlanRow
from flopscape.runs.published import source_file
from flopscape.text.written import shown


@dataclass(frozen=True)
class PlannedImport:
    """A study with the file of its table and the words that `flopscape import` takes; it plans no runs."""

    name: str
    path: Path
    study: ImportedStudy
    source: Path
    options: list[str]
    rows: list[PlanRow] = field(default_factory=list)

    @property
    def files(self) -> list[str]:
        """What the import reads: it runs again when one of them changes."""
        curves = self.study.runs.curves
        return [str(self.source), *([curves] if curves else [])]


def plan_import(name: str, path: Path, study: ImportedStudy, data_mirror: str | None) -> PlannedImport:
    """Find a study's table; a missing file or mirror raises FlopscapeError with the study's file."""
    runs = study.runs
    mirror = runs.mirror or data_mirror
    try:
        source = source_file(runs.table, mirror)
        if runs.curves and not Path(runs.curves).is_file():
            raise FlopscapeError(f"runs.curves: {runs.curves}: no such file")
    except FlopscapeError as error:
        raise FlopscapeError(f"{path}: {error}") from error
    except OSError as error:
        raise FlopscapeError(f"{path}: runs: {shown(error.filename)} cannot be read ({error.strerror})") from error
    if why := _why_unscored(study, source):
        raise FlopscapeError(f"{path}: {why}")
    return PlannedImport(name, path, study, source, words_of_study(study, mirror))


def _why_unscored(study: ImportedStudy, source: Path) -> str:
    """That a metric which a fit or a task reads is no column of the table."""
    if not (asked := list(metrics_asked(study.fits, study.downstream))):
        return ""
    known = {*study.runs.map, *_columns(source, source.stat().st_mtime_ns)} - {*study.runs.map.values()}
    return why_unscored(asked, sorted(filter(is_metric, known)), "map a column of the table to it, or name another")


@lru_cache(8)
def _columns(table: Path, _modified: int) -> tuple[str, ...]:
    """The names of a table's columns."""
    # Here, for it needs pandas, and only of studies with other metrics the table is read while the workflow is planned.
    from flopscape.runs.read import read_any

    return tuple(map(str, read_any(table).columns))


def words_of_study(study: ImportedStudy, mirror: str | None = None) -> list[str]:
    """What `flopscape import` takes for a study; a mirror of its own comes before the given one of config.yaml."""
    runs = study.runs
    return import_words(
        runs.table,
        columns=runs.map,
        run_id=runs.run_id,
        exclude=runs.exclude,
        lowest=runs.lowest,
        mirror=runs.mirror or mirror,
        curves=runs.curves,
    )


def import_words(
    table: str,
    *,
    columns: Mapping[Any, str],
    run_id: Sequence[str],
    exclude: str | None,
    lowest: bool,
    mirror: StrPath | None,
    curves: StrPath | None,
) -> list[str]:
    """The table and the options of `flopscape import`, in one form however they were written.

    The tables that it writes keep a hash of them. The workflow and a person at the command line get the same hash for
    the same choices.

    >>> import_words("a.csv", columns={"loss": "L"}, run_id=(), exclude=None, lowest=True, mirror=None, curves=None)
    ['a.csv', '--map', 'loss=L', '--lowest']
    """
    # In one order, and only what differs from the defaults: two ways to say the same give one list.
    options = [word for ours, theirs in columns.items() for word in ("--map", f"{ours}={theirs}")]
    options += ["--run-id", ",".join(run_id)] if run_id else []
    options += ["--exclude", exclude] if exclude else []
    options += ["--lowest"] if lowest else []
    options += ["--mirror", str(mirror)] if mirror else []
    options += ["--curves", str(Path(curves))] if curves else []
    return [table, *options]


def free_text(planned: PlannedImport) -> str:
    """The price of a study that trains nothing."""
    return f"Price of study {planned.name}\n$0.00: nothing trains, the runs are imported from {planned.source}"
