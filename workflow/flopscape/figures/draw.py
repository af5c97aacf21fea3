"""One figure by name, from the files of a study: what `flopscape figure` and the workflow call."""

import importlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.figures import tables
from flopscape.figures.names import FIGURES
from flopscape.figures.save import draw_to, refuse_figure
from flopscape.fitting.common.draws_file import draws_file
from flopscape.fitting.common.made_from import refuse_another
from flopscape.records.stamps import hash_of, of_figure
from flopscape.records.stamps import read as read_stamp


def run(
    name: str,
    runs: str | Path,
    curves: str | Path | None,
    fits: Iterable[str | Path],
    title: str,
    out: str | Path,
    sensitivity: str | Path | None = None,
    backtest: str | Path | None = None,
) -> list[Path]:
    """Draw one figure and write it as SVG and PNG; returns the two paths.

    Parameters
    ----------
    name : str
        One of `FIGURES`. Its module is imported by name, so that a change to one figure redraws no other.
    runs, curves : path
        `runs.csv` and `curves.parquet` of the study; None for runs without curves.
    fits : paths
        FitResults, drawn in this order under their files' names; draws are read from the `.draws.parquet` beside each.
    title : str
        The study's title.
    out : path
        Where to write: with or without `.svg`, to which there is a `.png`.
    sensitivity, backtest : path, optional
        The tables of `flopscape sensitivity` and `flopscape backtest`, for the figures of these names.

    Raises
    ------
    FlopscapeError
        An unknown name, a file that cannot be read, one that must not be written, or a fit, a table of sensitivity or
        of a backtest, or curves of another table.
    """
    if name not in FIGURES:
        raise FlopscapeError(f"figure {name!r}: there are {', '.join(FIGURES)}")
    fits = list(fits)
    made = {"sensitivity": sensitivity, "backtest": backtest}
    refuse_figure(out, [runs, curves, *made.values(), *fits, *map(draws_file, fits)])
    for path in fits:
        refuse_another(path, runs, curves)
    for verb, table in made.items():
        if table is not None:
            _refuse_another_table(verb, table, runs)
    stamp = of_figure(name, runs, curves, fits, title, made.get(name))
    data = tables.read(runs, curves, fits, title, sensitivity, backtest)
    figure = importlib.import_module(f"flopscape.figures.{name}")
    with np.errstate(all="ignore"):  # what is not finite is not drawn
        return draw_to(out, figure.draw, data, stamp=stamp)


def _refuse_another_table(verb: str, table: str | Path, runs: str | Path) -> None:
    """Raise FlopscapeError for a table by a verb that says of itself that it is of another table of runs."""
    carried = read_stamp(table).get("runs") if Path(table).is_file() else None
    if carried and carried != hash_of(runs):
        raise FlopscapeError(f"{table}: not made from {runs} as it is now; run flopscape {verb} on that table")
