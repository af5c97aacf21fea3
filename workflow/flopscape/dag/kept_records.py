"""Records that a killed Snakemake left marked as incomplete, though their runs went on and finished.

Snakemake marks an output when its job starts and removes the mark when it has seen the job end. A trainer outlives a
killed Snakemake, and so does a job on a cluster: its record then has a mark, and would be deleted and paid for again.
"""

import re
from contextlib import suppress

from flopscape.dag.snakemake_inside import marked_outputs
from flopscape.errors import FlopscapeError
from flopscape.records.run_record import RunRecord

RECORD = re.compile(r"results/[^/]+/runs/([0-9a-f]{12})\.json")


def keep_finished_runs() -> list[str]:
    """Take the mark off every whole record and name them; a record is written whole or not at all."""
    kept = []
    for mark, path in marked_outputs():
        # A record of this very id: were a file copied over another's, Snakemake's mark should stay and have it made
        # again.
        if (match := RECORD.fullmatch(path)) and _is_whole(path, match[1]):
            mark.unlink(missing_ok=True)
            kept.append(path)
    return sorted(kept)


def _is_whole(path: str, run_id: str) -> bool:
    with suppress(FlopscapeError):
        return RunRecord.read(path).run_id == run_id
    return False
