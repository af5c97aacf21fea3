"""Which runs of a table completed, in the words of this project, of trackers and of schedulers.

W&B, MLflow, Ray, Optuna and SLURM each have their own; case and surrounding blanks do not matter.
"""

import numpy as np
import pandas as pd

from flopscape.laws.law import Mask, Names
from flopscape.records.fit_result import Exclusion
from flopscape.runs.cells import text_column

COMPLETED = {"", "completed", "complete", "finished", "success", "succeeded", "successful", "done", "ok"}
"""A blank counts: a table need not say it of each run."""
NOT_COMPLETED = {
    *("diverged", "skipped", "crashed", "failed", "fail", "failure", "killed", "error", "running", "pending"),
    *("preempted", "preempting", "cancelled", "canceled", "aborted", "interrupted", "stopped", "timeout"),
    *(
        "errored",
        "queued",
        "scheduled",
        "waiting",
        "pruned",
        "out_of_memory",
        "oom",
        "node_fail",
        "incomplete",
        "unfinished",
    ),
}


def completed(frame: pd.DataFrame) -> Mask:
    """Rows whose `status` says that the run completed; all of them where there is no such column."""
    return pd.Series(_words(frame)).isin(COMPLETED).to_numpy()


def with_loss(frame: pd.DataFrame) -> pd.DataFrame:
    """The completed rows whose loss is a finite number: what a figure or a report can show."""
    return frame[completed(frame) & np.isfinite(frame["loss"].astype(float))]


def completed_rows(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Exclusion]]:
    """The completed rows, and the others listed with their status: a word that is not known is said to be that."""
    kept = completed(frame)
    names = text_column(frame, "run_id", [f"row {i}" for i in frame.index + 1])
    words = _words(frame)
    excluded = []
    for word in pd.unique(words[~kept]):
        unknown = "" if word in NOT_COMPLETED else ", a word that is not known: write completed where a run is"
        excluded.append(Exclusion([str(name) for name in names[words == word]], f"status {word}{unknown}"))
    return frame[kept], excluded


def _words(frame: pd.DataFrame) -> Names:
    words = pd.Series(text_column(frame, "status", [""] * len(frame)), dtype=str)
    return words.str.strip().str.lower().to_numpy(dtype=str)
