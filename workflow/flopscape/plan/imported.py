"""A study whose runs are imported, before anything is read: where its table is, and that nothing trains."""

from dataclasses import dataclass, field
from pathlib import Path

from flopscape.config.study import ImportedStudy
from flopscape.errors import FlopscapeError
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
    return PlannedImport(name, path, study, source, import_words(study, mirror))


def import_words(study: ImportedStudy, mirror: str | None = None) -> list[str]:
    """What `flopscape import` takes for a study: its table, then the options."""
    runs = study.runs
    options = [word for ours, theirs in runs.map.items() for word in ("--map", f"{ours}={theirs}")]
    options += ["--run-id", ",".join(runs.run_id)] if runs.run_id else []
    options += ["--exclude", runs.exclude] if runs.exclude else []
    options += ["--lowest"] if runs.lowest else []
    options += ["--mirror", mirror] if mirror else []
    options += ["--curves", runs.curves] if runs.curves else []
    return [runs.table, *options]


def free_text(planned: PlannedImport) -> str:
    """The price of a study that trains nothing."""
    return f"Price of study {planned.name}\n$0.00: nothing trains, the runs are imported from {planned.source}"
