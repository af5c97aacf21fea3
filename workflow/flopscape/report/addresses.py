"""Where the files behind a report lie, as its page sees them: records, logs, tables and the study's own file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flopscape.files.outputs import StrPath

FILES = (
    *("runs.csv", "runs.parquet", "curves.parquet", "plan.csv", "forecast.json", "sensitivity.csv", "backtest.csv"),
    *("prediction.md", "checklist.md"),
)
"""Files of a study's folder that a reader would open, where they are there."""


@dataclass(frozen=True)
class Addresses:
    """Addresses relative to the folder of the page, as paths.

    `records` and `logs` are those of the runs that have one, by run, and `files` those of other files by name.
    """

    records: Mapping[str, str] = field(default_factory=dict)
    logs: Mapping[str, str] = field(default_factory=dict)
    files: list[tuple[str, str]] = field(default_factory=list)


def addresses(results: Path, study_file: Path, page: StrPath) -> Addresses:
    """What lies in a study's folder `results/{study}` and beside it, as seen from the page."""
    here = Path(page).resolve().parent

    def seen(path: Path) -> str:
        return Path(os.path.relpath(path.resolve(), here)).as_posix()

    logs = results.parent.parent / "logs" / "train" / results.name
    fits = [path for folder in ("fits", "downstream") for path in sorted((results / folder).glob("*.json"))]
    others = [(path.relative_to(results).as_posix(), path) for path in (*(results / name for name in FILES), *fits)]
    files = [(study_file.name, study_file), *others]
    return Addresses(
        {path.stem: seen(path) for path in (results / "runs").glob("*.json")},
        {path.stem: seen(path) for path in logs.glob("*.log")},
        [(name, seen(path)) for name, path in files if path.exists()],
    )
