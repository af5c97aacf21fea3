"""The journal of a run: its training curve as it grows, a line of JSON a point, beside the record. Imports no torch.

For whoever wants to watch a run: `tail -f results/kjv-gpt/runs/{run_id}.jsonl`. Nothing in the workflow reads it: the
record has the whole curve in the end.
"""

import json
import sys
from pathlib import Path
from typing import Any

from flopscape.errors import FlopscapeError
from flopscape.files.outputs import StrPath, cannot_write, write_text
from flopscape.files.side_outputs import refuse_side_output, side_output
from flopscape.records.run_record import Curve

Point = dict[str, Any]
"""One point of a curve: the names and values of `Curve`."""
BEGINNING = b'{"step": '


def journal_file(record: StrPath) -> Path:
    """The journal beside a record: `run.jsonl` for `run.json`."""
    return side_output(record, ".jsonl")


def refuse_journal(record: Path) -> None:
    """Raise FlopscapeError where the journal of a record must not be written."""
    refuse_side_output(journal_file(record), record, [], _is_journal)


def _is_journal(path: Path) -> bool:
    with path.open("rb") as file:
        beginning = file.read(len(BEGINNING))
    # An empty file, or the beginning of a first line, is a journal that a full disk cut short.
    return BEGINNING.startswith(beginning)


def curve_points(curve: Curve, flops_per_unit: float, first: int, last: int) -> list[Point]:
    """The points `first` … `last` − 1 of a growing curve, which has its FLOPs only when it is whole."""
    columns = vars(curve) | {"flops": [n_tokens * flops_per_unit for n_tokens in curve.n_tokens]}
    return [{name: column[index] for name, column in columns.items()} for index in range(first, last)]


class Journal:
    """A file with one line per point. A run that goes on writes it anew, from the curve of its checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._n_written: int | None = None
        self._complained = False

    def update(self, points: list[Point]) -> None:
        """Bring the file up to all points so far.

        A full disk costs no run: it is named once, and the file is made whole as soon as there is room.
        """
        # Unknown until the write has succeeded: after one that broke off half-way the file may end in half a line, and
        # the next update writes all of it anew.
        written, self._n_written = self._n_written, None
        try:
            if not points:
                self.path.unlink(missing_ok=True)
            elif written is None:
                write_text(self.path, _lines(points))
            else:
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(_lines(points[written:]))
            self._n_written = len(points)
        except OSError as error:
            self._complain(cannot_write(self.path, error))
        except FlopscapeError as error:
            self._complain(error)

    def _complain(self, error: FlopscapeError) -> None:
        if not self._complained:
            print(f"flopscape: {error}; training goes on", file=sys.stderr)
        self._complained = True


def _lines(points: list[Point]) -> str:
    return "".join(f"{json.dumps(point)}\n" for point in points)
