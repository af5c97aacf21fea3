"""A finished study from its folder: runs, curves, fits, twin, backtest, figures; each is read when it is asked for."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from flopscape.api.asked import Numbers, PathLike, path_of
from flopscape.api.backtest import Backtest
from flopscape.api.fits import Fit, read_fit
from flopscape.api.many_fits import Fits
from flopscape.api.predictions import Predictions
from flopscape.api.runs import Runs, read_runs
from flopscape.api.show import drawn, page
from flopscape.api.twin import Twin, read_twin
from flopscape.errors import FlopscapeError, joined
from flopscape.figures.tables import read_backtest
from flopscape.fitting.methods import ANSWER
from flopscape.report.summary import head, recommendation
from flopscape.text.written import nearest

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Results:
    """What `results` returns: the folder of a finished study. Its parts are read once, when they are asked for."""

    folder: Path

    @property
    def name(self) -> str:
        """The study's name."""
        return self.folder.resolve().name

    @cached_property
    def runs(self) -> Runs:
        """The study's table of runs."""
        return read_runs(self.folder / "runs.csv")

    @cached_property
    def curves(self) -> pd.DataFrame:
        """A row an evaluation of a run; empty for a study without training curves."""
        path = self.folder / "curves.parquet"
        try:
            return pd.read_parquet(path) if path.is_file() else pd.DataFrame()
        except (OSError, ValueError) as error:
            raise FlopscapeError(f"{path}: cannot be read as Parquet ({error})") from error

    @cached_property
    def fits(self) -> Fits:
        """The study's fits by name."""
        paths = sorted((self.folder / "fits").glob("*.json"))
        return Fits(self.runs, {path.stem: read_fit(path, self.runs) for path in paths})

    @property
    def answer(self) -> Fit:
        """The fit `answer`; FlopscapeError where the study has not made it yet."""
        if ANSWER not in self.fits:
            again = f"run `snakemake --config studies={self.name}`"
            raise FlopscapeError(f"{self.folder}: no fit {ANSWER} there yet; {again}")
        return self.fits[ANSWER]

    @cached_property
    def backtest(self) -> Backtest:
        """The study's backtest; FlopscapeError where there is none."""
        return Backtest(read_backtest(self.folder / "backtest.csv"))

    @cached_property
    def twin(self) -> Twin:
        """The study's twin; FlopscapeError where there is none."""
        return read_twin(self.folder / "twin")

    @property
    def figures(self) -> dict[str, Path]:
        """Its figures by name, as SVG."""
        return {path.stem: path for path in sorted((self.folder / "figures").glob("*.svg"))}

    @property
    def report(self) -> Path:
        """Its report, to open in a browser."""
        return self.folder / "report.html"

    def predict(self, flops: Numbers | None = None, **question: "Numbers | None") -> Predictions:
        """Ask the fit `answer`; see `Fit.predict`."""
        return self.answer.predict(flops, **question)  # type: ignore[arg-type]  # checked there

    def to_frame(self) -> pd.DataFrame:
        """The numbers of all fits: a row a fit and number."""
        return self.fits.to_frame()

    def summary(self) -> str:
        """What there is of the study, and what its fits say."""
        return "\n".join([f"{self.folder}: {self._has()}", self.fits.summary()])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Loss against size with the fitted curve and optimum of each budget; returns the axes."""
        from flopscape.figures import isoflop

        with drawn(ax) as axes:
            isoflop.panel(axes, self.runs.tables({name: fit.result for name, fit in self.fits.items()}))
        return axes

    def _has(self) -> str:
        parts = {f"{len(self.runs)} runs": True, f"{len(self.fits)} fits": bool(self.fits)}
        parts |= {f"{len(self.figures)} figures": bool(self.figures), "report.html": self.report.is_file()}
        return joined(name for name, is_there in parts.items() if is_there)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        if ANSWER not in self.fits:
            return self.fits._repr_html_()
        answer = self.answer
        title = f"{self.name}: the answer is {answer.status} ({answer.reason})"
        return page(title, head(answer.result.unit), recommendation(answer.result), [self._has(), *answer.warnings])


def results(folder: PathLike) -> Results:
    """The results of a finished study: `fs.results("results/kjv-gpt")`.

    Parameters
    ----------
    folder : path
        The study's folder, which has `runs.csv`.

    Raises
    ------
    FlopscapeError
        There is no such folder, or no study in it.

    Examples
    --------
    `fs.results("results/kjv-gpt").answer.predict(flops=1e14)`
    """
    place = path_of(folder, "results")
    if not (place / "runs.csv").is_file():
        names = [path.parent.name for path in sorted(place.parent.glob("*/runs.csv"))]
        what = "no runs.csv there, the table of a study" if place.is_dir() else "no such folder"
        raise FlopscapeError(f"{place}: {what}{nearest(place.name, names)}")
    return Results(place)
