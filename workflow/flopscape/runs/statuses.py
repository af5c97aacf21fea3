"""Which runs of a table completed, in the words of this project, of trackers and of schedulers.

W&B, MLflow, Ray, Optuna and SLURM each have their own; case and surrounding blanks do not matter.
"""

import numpy as np
import pandas as pd

from flopscape.laws.law import Mask, Names
from flopscape.records.fit_result import Exclusion
from flopscape.runs.cells import TRUE_WORDS, blank_cells, text_column

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


VALIDATE = "validate"
"""The status of a validation run, or the column that says true of it: it completed, and no fit is ever to see it."""
HIDDEN = "a validation run, which stays hidden from every fit and judges it in the backtest"
FALSE_WORDS = {"false", "0", "0.0", "no"}


def completed(frame: pd.DataFrame) -> Mask:
    """Rows whose `status` says that the run completed, validation runs apart; all where there is no such column."""
    return np.asarray(pd.Series(_words(frame)).isin(COMPLETED).to_numpy() & ~validation(frame))


def validation(frame: pd.DataFrame) -> Mask:
    """Rows of validation runs: of that status, or true in a column `validate` that has nothing but true and false."""
    by_status = _words(frame) == VALIDATE
    if VALIDATE not in frame:
        return np.asarray(by_status)
    cells = frame[VALIDATE]
    words = cells.astype(str).str.strip().str.lower()
    # A column of that name may hold anything else, such as a loss.
    said = words.isin(TRUE_WORDS | FALSE_WORDS).to_numpy() | blank_cells(cells.to_numpy(dtype=object))
    return np.asarray(by_status | (words.isin(TRUE_WORDS).to_numpy() & bool(said.all())))


def with_validation(frame: pd.DataFrame) -> tuple[pd.DataFrame, Mask]:
    """The frame with its validation runs as completed ones, and which they are, in its own order."""
    hidden = validation(frame)
    if not hidden.any():
        return frame, hidden
    status = np.where(_words(frame) == VALIDATE, "completed", _words(frame))
    return frame.assign(status=status).drop(columns=VALIDATE, errors="ignore"), hidden


def with_loss(frame: pd.DataFrame) -> pd.DataFrame:
    """The completed rows whose loss is a finite number: what a figure or a report can show."""
    return frame[completed(frame) & np.isfinite(frame["loss"].astype(float))]


def completed_rows(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Exclusion]]:
    """The completed rows, and the others listed with their status: a word that is not known is said to be that."""
    kept = completed(frame)
    names = text_column(frame, "run_id", [f"row {i}" for i in frame.index + 1])
    words = np.where(validation(frame), VALIDATE, _words(frame))
    excluded = []
    for word in pd.unique(words[~kept]):
        unknown = "" if word in NOT_COMPLETED else ", a word that is not known: write completed where a run is"
        rows = [str(name) for name in names[(words == word) & ~kept]]
        excluded.append(Exclusion(rows, HIDDEN if word == VALIDATE else f"status {word}{unknown}"))
    return frame[kept], excluded


def _words(frame: pd.DataFrame) -> Names:
    words = pd.Series(text_column(frame, "status", [""] * len(frame)), dtype=str)
    return words.str.strip().str.lower().to_numpy(dtype=str)
