"""The twin: a study's own design simulated, to say which method to trust on it and what more runs would buy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from flopscape.api.asked import Numbers, PathLike, numbers_of, path_of
from flopscape.api.runs import AnyRuns, Runs, file_of
from flopscape.api.show import drawn, page
from flopscape.config.fits import Twin as Counts
from flopscape.config.read import asked_fits, validate
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import read_json
from flopscape.runs.formats.frames import NAME
from flopscape.text import numbers
from flopscape.twin import run as twins

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD = ["method", "error of D*", "± of one table", "coverage"]


@dataclass(frozen=True, repr=False)
class Twin:
    """What `twin` returns: errors of every method under every truth, and the verdict on the methods.

    `name` is what the design is called, and `verdict` the content of verdict.json.
    """

    name: str
    errors: pd.DataFrame
    verdict: Mapping[str, Any]

    @property
    def scenarios(self) -> list[str]:
        """Names of the truths that were simulated."""
        return list(dict.fromkeys(self.errors["scenario"])) if len(self.errors) else []

    def to_frame(self) -> pd.DataFrame:
        """A row a truth, method and quantity: bias, spread, RMSE, coverage and width, each with its error."""
        return self.errors.copy()

    def summary(self) -> str:
        """What `flopscape twin` prints: the source, the verdict, advice and notes."""
        return twins.text(self.name, self.verdict)

    def plot(self, ax: "Axes | None" = None, scenario: str | None = None) -> "Axes":
        """Errors of D* of every method under one truth, the first unless named; returns the axes."""
        from flopscape.twin.figure import panel

        if not self.scenarios:
            raise FlopscapeError(f"twin: nothing to plot: {self.verdict['reason']}")
        if scenario is not None and scenario not in self.scenarios:
            raise FlopscapeError(f"scenario {scenario!r}: there are {', '.join(self.scenarios)}")
        with drawn(ax) as axes:
            panel(axes, self.errors, self.verdict, scenario or self.scenarios[0])
        return axes

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return page(f"Twin of {self.name}", HEAD, self._rows(), self.verdict["sentences"])

    def _rows(self) -> list[list[str]]:
        """A row a method, of D* under the first truth."""
        if not self.scenarios:
            return []
        is_of_tokens = self.errors["quantity"].str.startswith("n_tokens@")
        first = self.errors[(self.errors["scenario"] == self.scenarios[0]) & is_of_tokens].drop_duplicates("method")
        cells = first[["method", "bias", "spread", "coverage"]].to_numpy(object)
        return [[str(name), numbers.log_error(b), numbers.log_error(s), _share(c)] for name, b, s, c in cells]


def _share(value: float) -> str:
    return numbers.percent(value) if np.isfinite(value) else numbers.NOTHING


def twin(
    runs: AnyRuns,
    *,
    flops: Numbers | None = None,
    surface: str | None = None,
    noise: float | None = None,
    simulations: int = 500,
    seed: int = 0,
    bootstrap: int = 200,
    fits: Iterable[str | Mapping[str, Any]] = (),
    own_simulations: int = 50,
    answer_simulations: int = 20,
    among_fits: bool = False,
    validation: PathLike | None = None,
    out: PathLike | None = None,
) -> Twin:
    """Simulate a study's own design and say which method to trust on it, and what more runs would buy.

    Parameters
    ----------
    runs : path, DataFrame or Runs
        A table of runs, or a plan without losses.
    flops : number or numbers, optional
        Compute in FLOPs whose optimum matters; ten times the largest of the runs when left out.
    surface : str, optional
        The truth: a name such as chinchilla, or "E,A,B,alpha,beta"; runs have their own.
    noise : float, optional
        Standard deviation of a run in nats, instead of the runs' own.
    simulations, bootstrap, seed : int
        Simulated copies, resamples behind each interval, and the seed of both.
    fits : names or mappings, optional
        Fits of the study, as it writes them; those by a method of your own are judged too.
    own_simulations, answer_simulations : int
        Copies that your own method, and the method answer, are fitted to.
    among_fits : bool
        Whether none but these fits may be recommended.
    validation : path, optional
        Table of `flopscape validate`, with `out`.
    out : path, optional
        Folder to write twin.csv, verdict.json and the figure to; the runs must be in a file then.

    Raises
    ------
    FlopscapeError
        A table that cannot be read, an unknown surface, a number out of range.

    Examples
    --------
    `fs.twin("runs.csv", flops=1e22).summary()`, on the command line `flopscape twin runs.csv --flops 1e22 --out twin`.
    """
    counts = {"bootstrap": bootstrap, "seed": seed}
    counts |= {"own_simulations": own_simulations, "answer_simulations": answer_simulations}
    validate(Counts, counts, "twin")
    options: dict[str, Any] = {"surface_name": surface, "noise": noise, "simulations": simulations}
    options |= {"fits": asked_fits(fits), "among_fits": among_fits, **counts}
    budgets = numbers_of(flops, "flops")
    if out is not None:
        place, _ = file_of(runs, None, "twin: with out")
        folder = path_of(out, "out")
        twins.run(place, folder, budgets, None if validation is None else path_of(validation, "validation"), **options)
        return replace(read_twin(folder), name=str(place))
    if validation is not None:
        raise FlopscapeError("twin: validation is for a twin that is written; give out, or leave it out")
    source = runs.frame if isinstance(runs, Runs) else runs if isinstance(runs, pd.DataFrame) else path_of(runs, "runs")
    name = NAME if isinstance(source, pd.DataFrame) else str(source)
    return Twin(name, *twins.examine(source, budgets, **options))


def read_twin(folder: Path) -> Twin:
    """The twin that `flopscape twin` wrote to a folder; raises FlopscapeError where there is none."""
    verdict = read_json(folder / "verdict.json", "make the twin again")
    try:
        errors = pd.read_csv(folder / "twin.csv")
    except (OSError, ValueError) as error:
        raise FlopscapeError(f"{folder / 'twin.csv'}: cannot be read ({error}); make the twin again") from error
    return Twin(str(folder), errors, verdict)
