"""Several fits of one table beside each other, as a study has them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from flopscape.api.asked import Numbers
from flopscape.api.fits import Fit, fit
from flopscape.api.pictures import Quantity, against_compute
from flopscape.api.predictions import Predictions
from flopscape.api.runs import AnyRuns, Runs, read_runs
from flopscape.api.show import page
from flopscape.config.read import asked_fits
from flopscape.fitting.methods import backtested
from flopscape.report.summary import head, recommendation
from flopscape.text.terminal import aligned, progress_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Fits(Mapping[str, Fit]):
    """Fits by name, in order, and the runs that they are of."""

    runs: Runs | None
    by_name: Mapping[str, Fit]

    def __getitem__(self, name: str) -> Fit:
        return self.by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def __len__(self) -> int:
        return len(self.by_name)

    def predict(self, flops: Numbers | None = None, **question: Any) -> dict[str, Predictions]:
        """Ask each fit that is not refused; see `Fit.predict`."""
        return {name: one.predict(flops, **question) for name, one in self.items() if one.status != "refused"}

    def to_frame(self) -> pd.DataFrame:
        """A row a fit and number: fit, status, and as of one fit."""
        parts = [one.to_frame().assign(fit=name, status=one.status) for name, one in self.items()]
        table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        return table[["fit", "status", *table.columns.drop(["fit", "status"])]] if len(parts) else table

    def summary(self) -> str:
        """A line a fit and asked compute: status, and the optimum with intervals; below them why fits are not ok."""
        return "\n".join([aligned([self._head(), *self._rows()]), *self._notes()])

    def plot(self, ax: "Axes | None" = None, quantity: Quantity = "n_params") -> "Axes":
        """The optimum against compute by every fit, into the axes that are given or new ones; returns them."""
        return against_compute(self.runs, self.by_name, ax, quantity)

    def _head(self) -> list[str]:
        unit = next((one.result.unit for one in self.values()), "token")
        return ["fit", "status", *head(unit)]

    def _rows(self) -> list[list[str]]:
        nothing = [[""] * len(head())]
        return [
            [name, one.status, *cells] for name, one in self.items() for cells in recommendation(one.result) or nothing
        ]

    def _notes(self) -> list[str]:
        return [f"{name} is {one.status}: {one.reason}" for name, one in self.items() if one.status != "ok"]

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return page("Fits", self._head(), self._rows(), self._notes())


def fit_all(
    runs: AnyRuns,
    fits: Iterable[str | Mapping[str, Any]] | None = None,
    *,
    flops: Numbers | None = None,
    bootstrap: int = 4000,
    seed: int = 0,
    columns: Mapping[str, str] | None = None,
    progress: bool = True,
    **rows: Any,
) -> Fits:
    """Fit a table by several methods.

    Parameters
    ----------
    runs : path, DataFrame or Runs
        As `read_runs` takes it.
    fits : names or mappings, optional
        As a study writes its `fits`: "approach2-exact", or {"name": "lad", "method": "approach3", "objective": "lad"}.
        All methods that need no training curves when left out.
    flops, bootstrap, seed, columns
        As of `fit`, of every fit.
    progress : bool
        Whether to print which fit is made on standard error, once two seconds have passed.
    **rows
        `exclude`, `min_flops` and `seeds` as of `fit`, of every fit.

    Raises
    ------
    FlopscapeError
        As `fit`, or two fits of one name.

    Examples
    --------
    `fs.fit_all("runs.csv", ["answer", "approach2-exact", "approach3-lad"], flops=1e24).plot()`
    """
    read = read_runs(runs, columns)
    wanted = asked_fits(backtested() if fits is None else fits)
    report = progress_lines() if progress else None
    found: dict[str, Fit] = {}
    for number, words in enumerate(wanted, 1):
        if report:
            report(number, len(wanted), words["name"])
        found[words["name"]] = fit(read, flops=flops, bootstrap=bootstrap, seed=seed, **rows, **words)
    return Fits(read, found)
