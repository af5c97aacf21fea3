"""Training curves, checked and matched to the runs of a table by run_id.

They come from a study's `curves.parquet`, or from a table in which the rows of one run are its checkpoints. The FLOPs
of a checkpoint in a file are the run's FLOPs per token, as the table counts them, times its tokens: curves then follow
the table's convention of C, whichever columns it was read with.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.laws.law import Array, Index, Names
from flopscape.records.fit_result import Exclusion
from flopscape.runs.cells import amount_column, positive_column, require_column
from flopscape.runs.read import read_any
from flopscape.runs.table import RunTable

FEWEST_POINTS = 2
"""Points between which one can interpolate."""
FEWEST_HELDOUT = 4
"""Held-out losses that every run needs for them to be its curve; with fewer the training loss is used."""
DECAYED = 0.9
"""A run whose last learning rate is below this part of its highest has decayed it."""
LONGER = 1.01
"""A curve may have this many times its run's tokens: the last, partial batch."""
UNKNOWN, CONSTANT, DECAYING = (
    "an unknown learning rate",
    "a constant learning rate",
    "a decaying learning rate",
)


@dataclass(frozen=True)
class Curves:
    """Curves of R runs in the order of their names, of `n` parameters each.

    `log_cost` is the ln of the FLOPs per token; `log_flops` and `log_loss` have one ascending array a run.
    """

    run_id: Names
    n: Array
    log_cost: Array
    log_flops: list[Array]
    log_loss: list[Array]
    source: str
    schedule: str = UNKNOWN
    excluded: list[Exclusion] = field(default_factory=list)
    content_hash: str = ""

    def __len__(self) -> int:
        return len(self.run_id)


def table_curves(table: RunTable) -> Curves:
    """The rows of each run, by tokens.

    Raises
    ------
    FlopscapeError
        A run whose rows have several sizes.
    """
    groups = _groups(table.run_id, table.n_tokens)
    return _gather(table, groups, np.log(table.flops), np.log(table.loss), "the table's loss")


def read_curves(table: RunTable, path: str | Path) -> Curves:
    """A file of curves: `run_id`, `n_tokens`, and `heldout_loss` or else `train_loss`; best with `learning_rate`.

    Raises
    ------
    FlopscapeError
        A column that is missing; a cell that is not positive and finite, a token count that does not ascend, a run that
        the table does not know or that has more tokens than in the table: each with file, row and column.
    """
    frame = read_any(Path(path))
    for name in ("run_id", "n_tokens"):
        require_column(frame, name, path)
    frame = _of_table(frame, table, path)
    row = frame.index.to_numpy() + 1
    run_id, tokens = frame["run_id"].astype(str).to_numpy(str), amount_column(frame, "n_tokens", path, row)
    _check_order(run_id, tokens, row, path)
    name, loss = _losses(frame, path, row, run_id)
    finite = np.isfinite(loss)
    last = _last_rows(table)
    log_cost = np.log(table.flops / table.n_tokens)
    # ln C = ln D + ln(C/D), and C/D of a run does not change while it trains.
    log_flops = np.log(tokens[finite]) + np.array([log_cost[last[run]] for run in run_id[finite]])
    _check_length(table, last, run_id, tokens, row, path)
    groups = _groups(run_id[finite], tokens[finite])
    # Of the numbers that enter the fit, so that curves in another format or with more columns count as the same.
    digest = hashlib.sha256(b"".join(part.tobytes() for part in (np.exp(log_flops), loss[finite]))).hexdigest()
    curves = _gather(table, groups, log_flops, np.log(loss[finite]), name)
    return Curves(**{**vars(curves), "schedule": _schedule(frame, run_id), "content_hash": digest})


def _of_table(frame: pd.DataFrame, table: RunTable, path: str | Path) -> pd.DataFrame:
    """The rows of the table's runs; runs the table left out are dropped, runs it never had are an error."""
    run_id = frame["run_id"].astype(str)
    left_out = {name for exclusion in table.excluded for name in exclusion.rows}
    inside = run_id.isin(table.run_id)
    unknown = ~inside & ~run_id.isin(left_out)
    if unknown.any():
        at = int(np.flatnonzero(unknown)[0])
        raise FlopscapeError(
            f"{path}, row {at + 1}, column run_id: run {run_id.iloc[at]} is not in {table.path}; "
            "give the curves of the same study"
        )
    return frame[inside]


def _check_order(run_id: Names, tokens: Array, row: Index, path: str | Path) -> None:
    # A stable sort brings the rows of a run together and keeps their order in the file, which is the one that must
    # ascend.
    order = np.argsort(run_id, kind="stable")
    falls = (run_id[order][1:] == run_id[order][:-1]) & (np.diff(tokens[order]) <= 0)
    if falls.any():
        at = int(order[1:][falls][0])
        raise FlopscapeError(
            f"{path}, row {row[at]}, column n_tokens: {tokens[at]:g} does not ascend within run {run_id[at]}; "
            "sort the points of each run by n_tokens and drop repeats"
        )


def _check_length(
    table: RunTable, last: dict[str, int], run_id: Names, tokens: Array, row: Index, path: str | Path
) -> None:
    """A curve longer than its run is another run's, or counts tokens otherwise."""
    planned = np.array([table.n_tokens[last[run]] for run in run_id])
    beyond = np.flatnonzero(tokens > LONGER * planned)
    if len(beyond):
        at = int(beyond[0])
        raise FlopscapeError(
            f"{path}, row {row[at]}, column n_tokens: {tokens[at]:g} is beyond the {planned[at]:g} tokens of run "
            f"{run_id[at]} in {table.path}; count both alike"
        )


def _losses(frame: pd.DataFrame, path: str | Path, row: Index, run_id: Names) -> tuple[str, Array]:
    """Name and values of the loss column: held-out where every run has enough of it, else training."""
    if "heldout_loss" in frame:
        loss = positive_column(frame, "heldout_loss", path, row, blank=True)
        _, group = np.unique(run_id, return_inverse=True)
        # Of every run: held-out losses of some runs and training losses of others make no common envelope.
        enough = (np.bincount(group, np.isfinite(loss)) >= FEWEST_HELDOUT).all()
        if enough or "train_loss" not in frame:
            return "heldout_loss", loss
    require_column(frame, "train_loss", path)
    return "train_loss", positive_column(frame, "train_loss", path, row)


def _schedule(frame: pd.DataFrame, run_id: Names) -> str:
    """Whether any run's learning rate ends below its highest."""
    if "learning_rate" not in frame:
        return UNKNOWN
    rate = pd.to_numeric(frame["learning_rate"], errors="coerce").groupby(run_id)
    recorded = rate.max() > 0
    if not recorded.any():
        return UNKNOWN
    # One such run is enough to distrust the curves: before the rate has fallen, a checkpoint's loss is higher than that
    # of a run which was to end there (Hoffmann et al. 2022, section 2).
    return DECAYING if (rate.last()[recorded] < DECAYED * rate.max()[recorded]).any() else CONSTANT


def _last_rows(table: RunTable) -> dict[str, int]:
    """Each run's row of most tokens."""
    # In ascending order of tokens, so that a later row of a run replaces the earlier ones.
    return {str(table.run_id[i]): int(i) for i in np.argsort(table.n_tokens, kind="stable")}


def _groups(run_id: Names, tokens: Array) -> dict[str, Index]:
    """Rows of each run by tokens, runs in the order of their names."""
    if not len(run_id):
        return {}
    # The last key counts first: by run, and within a run by tokens.
    order = np.lexsort((tokens, run_id))
    names, first = np.unique(run_id[order], return_index=True)
    return {str(name): rows for name, rows in zip(names, np.split(order, first[1:]), strict=True)}


def _gather(table: RunTable, groups: dict[str, Index], log_flops: Array, log_loss: Array, source: str) -> Curves:
    """Curves of at least two points; runs with fewer are excluded by name."""
    last, sizes = _last_rows(table), _sizes(table)
    used = {name: rows for name, rows in groups.items() if len(rows) >= FEWEST_POINTS}
    single = [name for name in groups if name not in used]
    # In the order of names, as `groups` is, so that a result does not depend on the order of the table's rows.
    without = [name for name in sorted(last) if name not in groups]
    reasons = {"a curve of a single point": single, "no training curve": without}
    at = [last[name] for name in used]
    return Curves(
        run_id=np.array(list(used), dtype=str),
        n=np.array([sizes[name] for name in used]),
        log_cost=np.log(table.flops[at] / table.n_tokens[at]),
        log_flops=[log_flops[rows] for rows in used.values()],
        log_loss=[log_loss[rows] for rows in used.values()],
        source=source,
        excluded=[Exclusion(names, reason) for reason, names in reasons.items() if names],
    )


def _sizes(table: RunTable) -> dict[str, float]:
    """N of each run by its name; raises FlopscapeError for a run with several."""
    sizes = pd.Series(table.n_params).groupby(table.run_id).agg(["min", "max"])
    several = sizes.index[sizes["max"] > sizes["min"]]
    if len(several):
        raise FlopscapeError(f"{table.path}: the rows of run {several[0]} have several n_params; a run has one size")
    return {str(name): float(n) for name, n in sizes["min"].items()}
