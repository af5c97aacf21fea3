"""The draws of a fit: the file beside FIT.json, and whether it is that fit's."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import sha256
from flopscape.files.outputs import StrPath
from flopscape.files.side_outputs import facts_of, side_output
from flopscape.records.fit_file import read_fit
from flopscape.records.fit_result import FitResult

DRAWS = "draws"
"""Kind of the Parquet file."""
AGAIN = "run the fit again"


def draws_file(fit: StrPath) -> Path:
    """Where the draws of a fit are: `f.all.draws.parquet` for `f.all.json` as for `f.all`."""
    return side_output(fit, ".draws.parquet")


def read_fits(paths: Iterable[StrPath]) -> dict[str, FitResult]:
    """Fits by name: the whole name of each file, without `.json`.

    Raises
    ------
    FlopscapeError
        A file cannot be read, or two fits have one name.
    """
    fits: dict[str, FitResult] = {}
    for path in paths:
        name = fit_name(path)
        if name in fits:
            raise FlopscapeError(f"{path}: a second fit of the name {name}; rename one of them")
        fits[name] = read_fit(path)
    return fits


def fit_name(path: StrPath) -> str:
    """What a fit is called: `f.all` for `f.all.json` as for `f.all`."""
    return side_output(path, "").name


def is_draws(path: Path) -> bool:
    """Whether a file holds draws that flopscape wrote."""
    return facts_of(path).get("kind") == DRAWS


def has_draws(fit: StrPath) -> bool:
    """Whether a fit's draws stand beside it."""
    return draws_file(fit).is_file()


def read_draws(fit: StrPath, result: FitResult) -> pd.DataFrame:
    """The draws beside a fit.

    Raises
    ------
    FlopscapeError
        They are missing, cannot be read, or belong to another fit than `result`, which was read from `fit`.
    """
    path = draws_file(fit)
    if not path.exists():
        raise FlopscapeError(f"{path}: the draws of {fit} are not there{_older(fit, result)}; {AGAIN}")
    try:
        kept = result.made_from.get("draws")
        if kept is not None and sha256(path) != kept:
            raise FlopscapeError(f"{path}: these are not the draws of {fit}, but of another fit; {AGAIN}")
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise FlopscapeError(f"{path}: the draws of {fit} cannot be read ({error}); {AGAIN}") from error


def _older(fit: StrPath, result: FitResult) -> str:
    """What to add of a fit by version 0.1, which kept draws under a name that several fits could share."""
    older = Path(fit).with_suffix(".parquet")
    if result.made_from or not older.exists():
        return ""
    return f", and {older}, from an older version of flopscape, may be another fit's"
