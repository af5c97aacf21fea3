"""What stands beside an output: its name, the mark by which it is known, and what it may replace.

A file beside an output is not named by the person who asks for that output. It carries the output's whole name, so that
two outputs never share one, and replaces nothing but a file of its own kind. Imports no library until a Parquet file
is read or written.
"""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import read_json
from flopscape.files.outputs import StrPath, refuse_output, replacing

if TYPE_CHECKING:
    import pandas as pd

MARK = b"flopscape"
"""Key of a Parquet file's metadata under which flopscape keeps, as JSON, what the file is."""


def side_output(out: StrPath, ending: str, own: tuple[str, ...] = (".json",)) -> Path:
    """What stands beside an output under its whole name.

    >>> str(side_output("fits/f.all.json", ".draws.parquet"))
    'fits/f.all.draws.parquet'
    >>> str(side_output("fits/f.all", ".draws.parquet"))
    'fits/f.all.draws.parquet'

    Parameters
    ----------
    out : path
        The file that a person named.
    ending : str
        Of the other file, such as `.draws.parquet`.
    own : tuple of str
        Endings of `out` that the other file has not; any other dot is part of the name.
    """
    path = Path(out)
    # One ending at most, and not of a name that is nothing else: `.json` is a name.
    name = next((path.name[: -len(e)] for e in own if path.name.lower().endswith(e) and path.name != e), path.name)
    return path.parent / (name + ending)


def refuse_side_output(
    path: Path, out: StrPath, inputs: Iterable[StrPath | None], is_ours: Callable[[Path], bool]
) -> None:
    """Raise FlopscapeError where a file beside `out` must not be written: as `refuse_output`; one not of its kind."""
    refuse_output(path, inputs)
    if path.exists() and not is_ours(path):
        raise FlopscapeError(
            f"{path}: would be written along with {out}, and is no such file of ours; move it, or write elsewhere"
        )


def both_files(out: StrPath, endings: tuple[str, str]) -> tuple[Path, Path]:
    """An output that is two files: `a.b.svg` and `a.b.png` for `a.b`, `a.b.svg` or `a.b.png`."""
    first, second = (side_output(out, ending, endings) for ending in endings)
    return first, second


def refuse_both(
    out: StrPath,
    endings: tuple[str, str],
    inputs: Iterable[StrPath | None],
    is_ours: Callable[[Path, Path], bool],
) -> None:
    """Raise FlopscapeError where one of the two must not be written; `is_ours` is asked of the second and the first."""
    if os.path.isdir(out):  # a name is wanted, to which endings are added
        refuse_output(out)
    (first, second), read = both_files(out, endings), list(inputs)
    refuse_output(first, read)
    refuse_side_output(second, first, read, lambda path: is_ours(path, first))


def refuse_folder(
    folder: Path, names: Iterable[str], inputs: Iterable[StrPath | None], described: str, keys: set[str]
) -> None:
    """Raise FlopscapeError where files of a fixed name must not be written into a folder.

    They replace those of an earlier call, which the JSON file `described` with such `keys` shows to be there, and
    nothing else.
    """
    read = list(inputs)
    for name in (*names, described):
        refuse_side_output(folder / name, folder, read, lambda _: has_keys(folder / described, keys))


def has_keys(path: Path, keys: set[str]) -> bool:
    """Whether a file is a JSON object with such keys."""
    try:
        return keys <= set(read_json(path, ""))
    except FlopscapeError:
        return False


def write_parquet(out: StrPath, frame: "pd.DataFrame", kind: str, **facts: str) -> None:
    """Write a table as Parquet, without its index, marked with its kind and what else is to be known of it."""
    import pyarrow as pa
    import pyarrow.parquet

    table = pa.Table.from_pandas(frame, preserve_index=False)
    marked = {**(table.schema.metadata or {}), MARK: json.dumps({"kind": kind, **facts}).encode()}
    with replacing(out) as temporary:
        pyarrow.parquet.write_table(table.replace_schema_metadata(marked), temporary)


def facts_of(path: StrPath) -> dict[str, Any]:
    """The mark of a Parquet file: `kind` and what else was noted; empty for any other file."""
    import pyarrow as pa
    import pyarrow.parquet

    try:
        metadata = pyarrow.parquet.read_schema(path).metadata or {}
        return dict(json.loads(metadata.get(MARK, b"{}")))
    except (OSError, pa.ArrowException, ValueError):
        return {}
