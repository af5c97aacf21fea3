"""Which runs of a table completed, in the words of this project, of trackers and of schedulers.

W&B, MLflow, Ray, Optuna and SLURM each have their own; case and surrounding blanks do not matter.
"""

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.laws.law import Mask, Names
from flopscape.records.fit_result import Exclusion
from flopscape.runs.cells import TRUE_WORDS, blank_cells, text_column

COMPLETED = {"", "completed", "complete", "finished", "success", "succeeded", "successful", "done", "ok"}
"""A blank counts: a table need not say it of each run."""
AWAITED = {"running", "pending", "queued", "scheduled", "waiting", "incomplete", "unfinished", "planned"}
"""Runs that may still complete."""
NOT_COMPLETED = AWAITED | {
    *("diverged", "skipped", "crashed", "failed", "fail", "failure", "killed", "error", "errored", "pruned"),
    *("preempted", "preempting", "cancelled", "canceled", "aborted", "interrupted", "stopped", "timeout"),
    *("out_of_memory", "oom", "node_fail"),
}


SET_ASIDE: dict[str, str] = {
    "validate": "validate: planned to stay hidden",
    "scout": "scouts placed the budgets of the ladder",
}
"""Runs that completed and that no fit sees, by what marks them, and why. The mark is a status, a column of that name
with truth words, or the word in the column `role` of a plan."""
VALIDATE = "validate"
ROLE, FITTED = "role", "fit"
FALSE_WORDS = {"false", "0", "0.0", "no"}


def completed(frame: pd.DataFrame) -> Mask:
    """Rows to fit: their `status`, if there is any, says that the run completed, and nothing sets them aside."""
    return np.asarray(measured(frame) & (set_aside(frame) == ""))


def measured(frame: pd.DataFrame) -> Mask:
    """Rows whose run completed, those included that no fit sees; all where there is no column `status`."""
    return np.asarray(pd.Series(_words(frame)).isin(COMPLETED | set(SET_ASIDE)).to_numpy())


def set_aside(frame: pd.DataFrame) -> Names:
    """What sets each row aside, a key of `SET_ASIDE`, or nothing for a row that is fitted; shape (n,).

    Examples
    --------
    >>> set_aside(pd.DataFrame({"validate": ["yes", "no"], "loss": [2.0, 2.1]})).tolist()
    ['validate', '']
    """
    marks, roles = _words(frame), _roles(frame)
    aside = np.full(len(frame), "", dtype="<U8")
    for mark in reversed(SET_ASIDE):  # a run of several marks goes by the first
        aside[(marks == mark) | (roles == mark) | _is_true(frame, mark)] = mark
    return aside


def without_set_aside(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that are not set aside, counted anew: what figures and reports show as the runs behind the fits."""
    return pd.DataFrame(frame[set_aside(frame) == ""].reset_index(drop=True))


def hidden(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the runs that are planned to stay hidden, as runs to read: unmarked, in their own order.

    One without a loss is still to come, whatever its status.
    """
    rows = frame[set_aside(frame) == VALIDATE]
    words = np.where(measured(rows), "completed", _words(rows))
    if "loss" in rows:
        is_blank = blank_cells(rows["loss"].to_numpy(dtype=object))
        words = np.where((words == "completed") & is_blank, "unfinished", words)
    return pd.DataFrame(rows.assign(status=words).drop(columns=[*SET_ASIDE, ROLE], errors="ignore"))


def awaited(frame: pd.DataFrame) -> pd.DataFrame:
    """Of the hidden rows those whose run is still to come, with a loss of one as a placeholder."""
    rows = hidden(frame)
    return pd.DataFrame(rows[np.isin(_words(rows), [*AWAITED])].assign(status="completed", loss=1.0))


def _is_true(frame: pd.DataFrame, name: str) -> Mask:
    """Rows that are true in a column that has nothing but true and false; a column of losses marks nothing."""
    if name not in frame:
        return np.zeros(len(frame), bool)
    words = frame[name].astype(str).str.strip().str.lower()
    is_truth = words.isin(TRUE_WORDS | FALSE_WORDS).to_numpy() | blank_cells(frame[name].to_numpy(dtype=object))
    _refuse_doubt(words[~is_truth], name, bool(words.isin(TRUE_WORDS).any()))
    return np.asarray(words.isin(TRUE_WORDS).to_numpy() & bool(is_truth.all()))


def _refuse_doubt(others: "pd.Series[str]", name: str, marks: bool) -> None:
    """Raise FlopscapeError for a word beside true and false, for nobody knows whether the run of that row is hidden."""
    words = others[pd.to_numeric(others, errors="coerce").isna()]
    # Hidden runs that are fitted for want of the right word score nothing, and nobody would know; scouts are no secret.
    if (marks or name == VALIDATE) and len(words):
        raise FlopscapeError(
            f"row {words.index[0] + 1}, column {name}: {words.iloc[0]!r} is neither true nor false, so that it is not "
            "known whether the run is hidden; write true or false, or give a column of another meaning another name"
        )


def _roles(frame: pd.DataFrame) -> Names:
    """The column `role` as a plan has it; nothing where it holds other words."""
    words = text_column(frame, ROLE, [FITTED] * len(frame))
    return words if {*words.tolist()} <= {FITTED, *SET_ASIDE} else np.full(len(frame), FITTED)


def with_loss(frame: pd.DataFrame) -> pd.DataFrame:
    """The completed rows whose loss is a finite number: what a figure or a report can show."""
    return frame[completed(frame) & np.isfinite(frame["loss"].astype(float))]


def completed_rows(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Exclusion]]:
    """The rows to fit, and the others listed with why: a status that is not known is said to be that."""
    kept = completed(frame)
    names = text_column(frame, "run_id", [f"row {i}" for i in frame.index + 1])
    aside = set_aside(frame)
    words = np.where(aside == "", _words(frame), aside)
    excluded = []
    for word in pd.unique(words[~kept]):
        rows = [str(name) for name in names[(words == word) & ~kept]]
        excluded.append(Exclusion(rows, SET_ASIDE.get(word) or _status(word)))
    return frame[kept], excluded


def _status(word: str) -> str:
    unknown = "" if word in NOT_COMPLETED else ", a word that is not known: write completed where a run is"
    return f"status {word}{unknown}"


def _words(frame: pd.DataFrame) -> Names:
    words = pd.Series(text_column(frame, "status", [""] * len(frame)), dtype=str)
    return words.str.strip().str.lower().to_numpy(dtype=str)
