"""What a backtest refits: finished fits, one method with its options, or every method that needs no training curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flopscape.errors import FlopscapeError
from flopscape.fitting.common.draws_file import read_fits
from flopscape.fitting.common.made_from import options_given, refuse_another
from flopscape.fitting.methods import (
    CURVES,
    backtested,
    described_by_name,
    reads_curves,
    why_each_seed_is_needed,
    why_not_its_options,
)

OF_ALL = ("method", "flops", "bootstrap", "seed", "columns", "exclude", "min_flops", "seeds")
"""Options that every fit can be given; all others are a method's own."""


@dataclass(frozen=True)
class Method:
    """What is refitted: a name, and options as a fit keeps them (see made_from.py), the method's among them.

    `curves` are the training curves, for a method that reads some.

    Examples
    --------
    >>> Method("huber", {"method": "approach3", "delta": 0.01, "seed": 1, "exclude": "lr > 1"}).own
    {'delta': 0.01}
    """

    name: str
    options: Mapping[str, Any]
    curves: str | Path | None = None

    @property
    def method(self) -> str:
        """The method's name, or its module."""
        return str(self.options["method"])

    @property
    def own(self) -> dict[str, Any]:
        """The options that only this method takes."""
        given = {name: value for name, value in self.options.items() if name not in OF_ALL}
        return given | ({CURVES: self.curves} if self.curves and reads_curves(self.method) else {})

    @property
    def columns(self) -> Mapping[str, str]:
        """Our column → the table's."""
        return self.options.get("columns") or {}

    @property
    def exclude(self) -> str | None:
        """The rows that are left out."""
        return self.options.get("exclude")

    @property
    def min_flops(self) -> float | None:
        """The least compute of a row."""
        return self.options.get("min_flops")

    @property
    def seeds(self) -> str | None:
        """Whether the seeds of a point are merged."""
        return self.options.get("seeds")

    @property
    def seed(self) -> int:
        """Of the resampling."""
        return int(self.options.get("seed", 0))


def methods_given(
    runs: str | Path,
    method: str | None,
    fits: Sequence[str | Path],
    seed: int,
    columns: Mapping[str, str],
    options: Mapping[str, Any],
) -> list[Method]:
    """What a command line asks to refit: finished fits, a method, or every method that needs no curves.

    Parameters
    ----------
    runs : path
        The table, of which finished fits must be.
    method, fits
        At most one of the two.
    seed, columns, options
        Of the method, or of every method; finished fits have their own.

    Raises
    ------
    FlopscapeError
        Both a method and fits, options of a method without one, or a fit that cannot be refitted.
    """
    given = {name: value for name, value in options.items() if value is not None}
    curves = None if method else given.pop(CURVES, None)
    if fits:
        refuse_beside_fits(method, given, columns, seed)
        return methods_of(fits, runs, curves)
    names = [described_by_name(method)] if method else [described_by_name(name) for name in backtested()]
    return [_method(words, seed, columns, given) for words in names]


def refuse_beside_fits(method: str | None, given: Mapping[str, Any], columns: Mapping[str, str], seed: int) -> None:
    """Raise FlopscapeError for a method or options beside finished fits, which have their own."""
    if method:
        raise FlopscapeError("backtest: give --method, or --fits, which have a method of their own; not both")
    named = [name for name, value in given.items() if value is not None]
    if named or columns or seed:
        first = next(iter([*named, *(["column"] if columns else []), "seed"]))
        raise FlopscapeError(f"backtest: {first} is for --method; --fits are refitted with their own options")


def _method(words: Mapping[str, str], seed: int, columns: Mapping[str, str], given: Mapping[str, Any]) -> Method:
    """One method with the options given beside its name."""
    name, method = words["name"], words["method"]
    own = {key: value for key, value in words.items() if key not in ("name", "method")} | dict(given)
    curves = own.pop(CURVES, None)
    of_method = {key: value for key, value in own.items() if key not in OF_ALL}
    if why := why_not_its_options(method, of_method) or why_each_seed_is_needed(own.get("seeds"), method, own):
        raise FlopscapeError(why)
    options = options_given(method, columns, [], 0, seed, own)
    return Method(name, options, curves)


def methods_of(fits: Sequence[str | Path], runs: str | Path, curves: str | Path | None = None) -> list[Method]:
    """Finished fits of a table as methods to refit, each with its own options.

    Raises
    ------
    FlopscapeError
        A file that is no fit, one of another table, or one that does not say its options.
    """
    found = []
    for path, (name, result) in zip(fits, read_fits(fits).items(), strict=True):
        refuse_another(path, runs, None)
        if "options" not in result.made_from:
            raise FlopscapeError(f"{path}: does not say by which options it was made; make the fit again")
        found.append(Method(name, result.made_from["options"], curves))
    return found
