"""Records that a killed Snakemake left marked as incomplete, though their runs went on and finished.

Snakemake marks an output when its job starts and removes the mark when it has seen the job end. A trainer outlives a
killed Snakemake, and so does a job on a cluster: its record then has a mark, and would be deleted and paid for again.
"""

import base64
import binascii
import re
from contextlib import suppress
from pathlib import Path

from flopscape.errors import FlopscapeError
from flopscape.records.run_record import RunRecord

MARKS = Path(".snakemake/incomplete")
"""One file a marked output, named by its path in URL-safe base 64 (snakemake 9, persistence/file.py)."""
RECORD = re.compile(r"results/[^/]+/runs/([0-9a-f]{12})\.json")


def keep_finished_runs() -> list[str]:
    """Take the mark off every whole record and name them; a record is written whole or not at all."""
    kept = []
    for mark in MARKS.glob("*"):
        path = _marked(mark.name)
        if (named := RECORD.fullmatch(path)) and _is_whole(path, named[1]):
            mark.unlink(missing_ok=True)
            kept.append(path)
    return sorted(kept)


def _marked(name: str) -> str:
    """The path that a mark's name stands for; empty for any other file."""
    with suppress(binascii.Error, ValueError):
        return base64.urlsafe_b64decode(name).decode()
    return ""


def _is_whole(path: str, run_id: str) -> bool:
    with suppress(FlopscapeError):
        return RunRecord.read(path).run_id == run_id
    return False
