"""Which rows of other people's table are used, under which names, and why each of the others is not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.records.fit_result import Exclusion
from flopscape.runs.cells import amount_column, blank_cells, positive_column, require_column, text_column, typed
from flopscape.runs.rows_where import rows_where
from flopscape.runs.statuses import VALIDATE, completed, measured, set_aside
from flopscape.runs.table import REQUIRED, UNIQUE

NUMBERS = (*REQUIRED, "flops", "budget", UNIQUE)
"""Columns that an import turns into float64."""
EMPTY = {"", "-", "nan", "na", "n/a", "#n/a", "<na>", "null", "none"}
"""Words for a number that there is not, in any case."""
USED = ""
HIGHER = "another row of its N and D has a lower loss"
POINT = ["n", "d", "distinct"]


@dataclass(frozen=True)
class Choice:
    """What a person chose of a table.

    `run_id` are the columns that together name a run, `exclude` says which rows to leave out, and with `lowest` only
    the lowest loss of several rows at one N and D counts.
    """

    run_id: Sequence[str] = ()
    exclude: str | None = None
    lowest: bool = False


EVERYTHING = Choice()


@dataclass
class Rows:
    """Why each row is not used (`USED` where it is), and what to say of them."""

    why: pd.Series
    notes: list[str] = field(default_factory=list)

    def leave_out(self, rows: np.ndarray, reason: str) -> None:
        """Give the reason to those of the rows that have none yet."""
        self.why[rows & self.used] = reason

    @property
    def used(self) -> np.ndarray:
        """Mask of the rows that are used, shape (rows,)."""
        return (self.why == USED).to_numpy()


def with_run_ids(frame: pd.DataFrame, source: str, names: Sequence[str], mapping: Mapping[str, str]) -> pd.DataFrame:
    """Runs named by several columns together, as `lr=0.001,seed=0`; each by our name of it or theirs.

    A column `run_id` of their own is kept as `run_id_in_source`.
    """
    if not names:
        return frame
    # Columns have been renamed by now: a name that is theirs is looked up under ours.
    ours = {theirs: name for name, theirs in mapping.items()}
    columns = [name if name in frame else ours.get(name, name) for name in names]
    for name in columns:
        require_column(frame, name, source)
    cells = [[f"{name}={_text(cell)}" for cell in frame[name]] for name in columns]
    together = [",".join(row) for row in zip(*cells, strict=True)]
    return frame.rename(columns={"run_id": "run_id_in_source"}).assign(run_id=together)


def _text(cell: object) -> str:
    """A cell in a name: 0.001, and 100000000 for a whole number of any type."""
    return f"{cell:.12g}" if isinstance(cell, float) and abs(cell) < 1e12 else str(cell).strip()


def emptied(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of numbers with None for each word that says there is none, such as NaN or n/a."""
    columns = {}
    for name in NUMBERS:
        if name in frame and not pd.api.types.is_numeric_dtype(frame[name]):
            cells = [None if isinstance(c, str) and c.strip().lower() in EMPTY else c for c in frame[name]]
            columns[name] = pd.Series(cells, index=frame.index, dtype=object)
    return frame.assign(**columns)


def without_numbers(frame: pd.DataFrame, needed: Sequence[str]) -> Rows:
    """Leave out the completed rows, hidden ones among them, with an empty cell in a column that is needed."""
    rows = Rows(pd.Series(USED, index=frame.index, dtype=object))
    is_hidden = set_aside(frame) == VALIDATE
    for name in needed:
        # Of a run that did not complete an empty loss is no fault, and a hidden one without a loss is still to come.
        is_needed = measured(frame) & ~(is_hidden & (name == "loss"))
        rows.leave_out(is_needed & blank_cells(frame[name].to_numpy(dtype=object)), f"{name} is empty")
    return rows


def leave_out_excluded(rows: Rows, frame: pd.DataFrame, source: str, expression: str | None) -> None:
    """Leave out the rows for which an expression over the table's columns is true.

    Raises
    ------
    FlopscapeError
        The expression cannot be evaluated; see `rows_where`.
    """
    if not expression:
        return
    # Cells are not checked yet, for what an exclusion leaves out need not be right.
    numbers = {name: pd.to_numeric(frame[name], errors="coerce") for name in NUMBERS if name in frame}
    try:
        excluded_rows = rows_where(typed(frame).assign(**numbers), expression)
    except ValueError as error:
        raise FlopscapeError(f"{source}: --exclude {expression!r}: {error}") from error
    if not excluded_rows.any():
        rows.notes.append(f"the exclusion {expression} is true for no row")
    rows.leave_out(excluded_rows & measured(frame), f"excluded by {expression}")


def leave_out_higher(rows: Rows, frame: pd.DataFrame, source: str, lowest: bool) -> None:
    """Keep the lowest loss of several rows at one N, D and number of distinct tokens, or say that there are several.

    Raises
    ------
    FlopscapeError
        A number of a row in use is not positive and finite.
    """
    used = rows.used & completed(frame)
    points = _points(frame[used], source)
    loss = points.groupby(POINT)["loss"]
    several = int((loss.size() > 1).sum())
    spread = float((loss.max() - loss.min()).max()) if several else 0.0
    finding = f"{several} of {loss.ngroups} points (N, D) have several rows, up to {spread:.3g} nats apart"
    if lowest:
        rows.notes.append(f"{finding}: the lowest of each is used" if several else "--lowest: no N and D has two rows")
        # One row of each point; of equal losses the first.
        kept = frame.index.isin(loss.idxmin())
        rows.leave_out(used & ~kept, HIGHER)
    elif spread > 0:
        rows.notes.append(finding + ("" if _told_apart(points, frame) else _SEEDS))


_SEEDS = ": a fit takes them for seeds; of a search over other settings use the lowest of each (--lowest, runs.lowest)"


def _points(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    row = frame.index.to_numpy() + 1
    n, d = (amount_column(frame, name, source, row) for name in ("n_params", "n_tokens"))
    loss = positive_column(frame, "loss", source, row)
    supply = amount_column(frame, UNIQUE, source, row, blank=True) if UNIQUE in frame else d
    # A supply larger than D is all of D: `fmin` also takes D where the cell is empty.
    points = {"n": n, "d": d, "distinct": np.fmin(supply, d), "loss": loss}
    return pd.DataFrame(points, index=frame.index)


def _told_apart(points: pd.DataFrame, frame: pd.DataFrame) -> bool:
    """Whether the rows of each point have seeds of their own."""
    if "seed" not in frame:
        return False
    return not points.assign(seed=frame.loc[points.index, "seed"].astype(str)).duplicated([*POINT, "seed"]).any()


def exclusions(rows: Rows, frame: pd.DataFrame) -> Iterator[Exclusion]:
    """What was left out, by reason."""
    names = text_column(frame, "run_id", [f"row {at}" for at in frame.index + 1])
    why = rows.why.to_numpy(dtype=object)
    for reason in pd.unique(why[~rows.used]):
        yield Exclusion([str(name) for name in names[why == reason]], str(reason))
