"""Other people's runs: their columns under our names, N or D from C = 6ND, every row checked or left out by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from flopscape.api.asked import PathLike, path_of
from flopscape.api.runs import Runs
from flopscape.api.show import page
from flopscape.errors import FlopscapeError
from flopscape.files.outputs import refuse_output
from flopscape.plan.imported import import_words
from flopscape.runs import import_table
from flopscape.runs.formats.frames import NAME, read_frame
from flopscape.runs.import_rows import Choice
from flopscape.runs.import_study import import_study
from flopscape.runs.published import source_file
from flopscape.runs.read import Format

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Imported:
    """What `import_runs` returns: the table in our words, and `runs`, those of its rows that a fit sees.

    `source` is what was read and `path` the table that was written, None where none was.
    """

    source: str
    found: import_table.Imported
    path: Path | None = None
    runs: Runs = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "runs", Runs(self.found.table, self.found.frame, self.path))

    def to_frame(self) -> pd.DataFrame:
        """Every row that was read, under our names; those left out have status `skipped` and a reason."""
        return self.found.frame.copy()

    def summary(self) -> str:
        """What `flopscape import` prints: rows read and used, what was computed, what was left out and why."""
        return import_table.sentence(self.found, self.path or "in memory", self.source)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The runs, as `Runs.plot` draws them."""
        return self.runs.plot(ax)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        rows = [[ours, origin] for ours, origin in self.found.columns.items()]
        return page(self.summary().splitlines()[0], ["column", "from"], rows, self.found.remarks)


def import_runs(
    source: PathLike | pd.DataFrame,
    columns: Mapping[str, str] | None = None,
    *,
    run_id: Sequence[str] = (),
    exclude: str | None = None,
    lowest: bool = False,
    mirror: PathLike | None = None,
    curves: PathLike | None = None,
    out: PathLike | None = None,
    folder: PathLike | None = None,
) -> Imported:
    """Turn other people's runs into a table that a fit reads.

    Parameters
    ----------
    source : path, DataFrame or str
        A CSV, JSON or Parquet file, packed as .gz or not, a DataFrame, or the name of a published table.
    columns : mapping, optional
        Our column → theirs: `{"loss": "val_loss", "flops": "C"}`.
    run_id : sequence of str, optional
        Columns that together name a run, such as `["n_params", "lr", "seed"]`.
    exclude : str, optional
        Leave out rows, for example "lr > 0.1".
    lowest : bool
        Whether of several rows at one N and D only the lowest loss counts.
    mirror : path, optional
        Folder with the files of published tables.
    curves : path, optional
        With `folder`: a table of training curves.
    out : path, optional
        Table to write, .csv or .parquet.
    folder : path, optional
        Write runs.csv, runs.parquet, curves.parquet and manifest.json here instead, as a study has them.

    Raises
    ------
    FlopscapeError
        A table that cannot be read, a missing column, no row that is left, or a file that must not be written.

    Examples
    --------
    `fs.import_runs("theirs.csv", {"loss": "val_loss"}).runs`, on the command line
    `flopscape import theirs.csv --map loss=val_loss --out runs.csv`.
    """
    mapping, choice = dict(columns or {}), Choice([*run_id], exclude, lowest)
    if curves is not None and folder is None:
        raise FlopscapeError("import: curves are for a folder; give one, or leave them out")
    if out is not None and folder is not None:
        raise FlopscapeError("import: out and folder exclude each other; give one of them")
    table = None if out is None else path_of(out, "out")
    if isinstance(source, pd.DataFrame):
        return _of_frame(source, mapping, choice, table, folder)
    place, others = str(path_of(source, "import")), None if mirror is None else path_of(mirror, "mirror")
    if folder is not None:
        points = None if curves is None else path_of(curves, "curves")
        return _to_folder(place, others, mapping, choice, points, path_of(folder, "folder"))
    if table is not None:
        refuse_output(table, [source_file(place, others)])
    return _kept(Imported(place, import_table.import_runs(place, others, mapping, choice), table))


def _to_folder(
    source: str, mirror: Path | None, mapping: Mapping[str, str], choice: Choice, curves: Path | None, folder: Path
) -> Imported:
    """The tables of a study, which keep the words of the command."""
    words = import_words(source, columns=mapping, mirror=mirror, curves=curves, **vars(choice))
    found = import_study(source, mirror, mapping, curves, folder, choice, words)
    return Imported(source, found, folder / "runs.csv")


def _of_frame(
    frame: pd.DataFrame, mapping: Mapping[str, str], choice: Choice, table: Path | None, folder: PathLike | None
) -> Imported:
    """A table in memory, written where a path is given."""
    if folder is not None:
        why = "whose hash is kept; write them to one first"
        raise FlopscapeError(f"import: with folder the runs must be in a file, {why}")
    if table is not None:
        refuse_output(table, [])
    found = import_table.import_frame(read_frame(frame), Format(NAME), NAME, mapping, choice)
    return _kept(Imported(NAME, found, table))


def _kept(imported: Imported) -> Imported:
    """The same, written to its path if it has one."""
    if imported.path is not None:
        import_table.write_table(imported.found.frame, imported.path)
    return imported
