"""Records and rungs that a killed Snakemake left marked as incomplete, though the jobs went on and finished.

Snakemake marks an output when its job starts and removes the mark when it has seen the job end. A trainer outlives a
killed Snakemake, and so does a job on a cluster: its record then has a mark, and would be deleted and paid for again.
"""

import re
from contextlib import suppress
from pathlib import Path

from flopscape.dag.snakemake_inside import marked_outputs
from flopscape.errors import FlopscapeError
from flopscape.plan.rungs import read_rung
from flopscape.records.run_record import RunRecord

RECORD = re.compile(r"results/[^/]+/runs/([0-9a-f]{12})\.json")
RUNG = re.compile(r"results/[^/]+/rungs/[^/]+\.json")


def keep_finished_runs() -> list[str]:
    """Take the mark off every whole record and rung and name them; they are written whole or not at all."""
    kept = []
    for mark, path in marked_outputs():
        if _is_whole(path):
            mark.unlink(missing_ok=True)
            kept.append(path)
    return sorted(kept)


def _is_whole(path: str) -> bool:
    with suppress(FlopscapeError):
        # A record of this very id, and a rung as it was planned: were a file copied over another's, Snakemake's mark
        # should stay and have it made again.
        if match := RECORD.fullmatch(path):
            return RunRecord.read(path).run_id == match[1]
        return bool(RUNG.fullmatch(path) and read_rung(Path(path)))
    return False
