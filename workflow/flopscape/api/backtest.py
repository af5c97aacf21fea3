"""How far the intervals of each fit can be believed: the largest budgets hidden, every fit made again, and scored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from flopscape.answers.backtest import run as backtesting
from flopscape.answers.backtest.methods import Method, methods_given, refuse_beside_fits
from flopscape.answers.backtest.scores import scores
from flopscape.answers.backtest.words import HEAD, hiding, sentences, table, text
from flopscape.api.asked import PathLike, path_of
from flopscape.api.fits import Fit, checked_options
from flopscape.api.runs import AnyRuns, file_of, read_runs
from flopscape.api.show import drawn, page
from flopscape.errors import FlopscapeError
from flopscape.fitting.methods import ANSWER, CURVES, RESAMPLES_OF_SENSITIVITY
from flopscape.records.backtest import COLUMNS, Forecast, Score
from flopscape.text.terminal import progress_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Backtest:
    """What `backtest` returns: a forecast a hidden optimum and a hidden run, of each fit."""

    forecasts: Sequence[Forecast]

    @property
    def scores(self) -> list[Score]:
        """How each fit did: how often its intervals held, how wide they are, what its sizes would have cost."""
        return scores(hiding(self.forecasts))

    def to_frame(self) -> pd.DataFrame:
        """A row a hidden optimum or run: truth, prediction and its ends, and whether these hold it."""
        return pd.DataFrame([asdict(line) for line in self.forecasts], columns=list(COLUMNS))

    def summary(self) -> str:
        """What `flopscape backtest` prints: scores, coverage by how far was extrapolated, and what follows."""
        return text(self.forecasts)

    def plot(self, ax: "Axes | None" = None, quantity: Literal["n_params", "loss"] = "loss") -> "Axes":
        """Predicted over true, hollow where an interval misses, into the axes that are given or new ones."""
        from flopscape.figures.backtest import panel

        if quantity not in ("n_params", "loss"):
            raise FlopscapeError(f"quantity {quantity!r}: there are n_params, loss")
        with drawn(ax) as axes:
            panel(axes, self.forecasts, quantity)
        return axes

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return page("Backtest", HEAD, table(hiding(self.forecasts)), sentences(self.forecasts))


def backtest(
    runs: AnyRuns,
    method: str | None = None,
    *,
    fits: Iterable[Fit | PathLike] | Mapping[str, Fit] = (),
    bootstrap: int = RESAMPLES_OF_SENSITIVITY,
    seed: int = 0,
    seeds: str | None = None,
    exclude: str | None = None,
    min_flops: float | None = None,
    columns: Mapping[str, str] | None = None,
    out: PathLike | None = None,
    progress: bool = True,
    **options: Any,
) -> Backtest:
    """Hide the largest budgets, fit the rest, and compare.

    Parameters
    ----------
    runs : path, DataFrame or Runs
        As `read_runs` takes it.
    method : str, optional
        Make this one again; all that need no training curves when left out.
    fits : fits or paths, optional
        Make these again instead, each as it was made.
    bootstrap, seed : int
        Resamples behind each interval, and their seed.
    seeds, exclude, min_flops, columns : optional
        As of `fit`.
    out : path, optional
        CSV to write, as `flopscape backtest` does; the runs must be in a file then.
    progress : bool
        Whether to print which refit is made on standard error, once two seconds have passed.
    **options
        Those of the method.

    Raises
    ------
    FlopscapeError
        As `fit`, both a method and fits, or fits of another table.

    Examples
    --------
    `fs.backtest("runs.csv", "vpnls").scores`, on the command line
    `flopscape backtest runs.csv --method vpnls --out backtest.csv`.
    """
    curves = options.pop(CURVES, None)
    # Without a method they are of every method, each of which says whether it has them.
    own = checked_options(method or ANSWER, options if method else {}, bootstrap, seed) or dict(options)
    given = {"exclude": exclude, "min_flops": min_flops, "seeds": seeds, CURVES: curves, **own}
    report = progress_lines() if progress else None
    listed = [*(fits.values() if isinstance(fits, Mapping) else fits)]  # each has columns of its own
    if out is not None:
        place, named = file_of(runs, columns, "backtest: with out")
        chosen = _methods(place, method, listed, seed, (columns or {}) if listed else named, given)
        return Backtest(backtesting.run(place, path_of(out, "out"), chosen, bootstrap=bootstrap, report=report))
    read = read_runs(runs, columns)
    chosen = _methods(read.name, method, listed, seed, (columns or {}) if listed else read.columns, given)
    return Backtest(backtesting.backtest(chosen, read.table_with, bootstrap, report))


def _methods(
    runs: str | Path,
    method: str | None,
    fits: Sequence[Fit | PathLike],
    seed: int,
    columns: Mapping[str, str],
    given: Mapping[str, Any],
) -> list[Method]:
    """What is made again: fits in memory by their options, and all else as the command line has it."""
    in_memory = [one for one in fits if isinstance(one, Fit) and one.path is None]
    files = [one.path if isinstance(one, Fit) else one for one in fits]
    paths = [path_of(file, "fits") for file in files if file is not None]
    if not in_memory:
        return methods_given(runs, method, paths, seed, columns, given)
    refuse_beside_fits(method, given, columns, seed)
    of_files = methods_given(runs, None, paths, 0, {}, {}) if paths else []
    found = [*(_method_of(one) for one in in_memory), *of_files]
    names = [one.name for one in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise FlopscapeError(f"backtest: two fits are named {twice[0]}; give fs.fit a name for one of them")
    return found


def _method_of(fit: Fit) -> Method:
    """A fit in memory as a method to be made again, its training curves apart."""
    options = {name: value for name, value in fit.options.items() if name != CURVES}
    return Method(fit.name, options, fit.options.get(CURVES))
