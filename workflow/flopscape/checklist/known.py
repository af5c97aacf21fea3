"""What the workflow knows of a study when it fills the checklist in: its config, its table, its fits and its data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from flopscape.answers.runs_and_fits import RunsAndFits, of_the_loss
from flopscape.config.study import Study
from flopscape.dag.stale import Files
from flopscape.dag.stale_fits import Planned
from flopscape.errors import FlopscapeError
from flopscape.figures.tables import complete, read_backtest, read_csv, read_validation, with_budgets
from flopscape.files.json_text import read_json
from flopscape.fitting.common.draws_file import read_fits
from flopscape.records.backtest import Forecast, Outcome
from flopscape.records.fit_result import FitResult
from flopscape.runs.statuses import set_aside, without_set_aside

AGAIN = "run snakemake again"


@dataclass(frozen=True)
class Known(RunsAndFits):
    """A study's own files, as far as they are fresh.

    `manifest` is the dataset's, or of an import; `transfer` is the verdict on the search for a learning rate, empty
    where there is none; `tested` are the lines of the backtest, and `scored` what the fits had said of runs that stay
    hidden.
    """

    planned: Planned
    runs: pd.DataFrame
    fits: dict[str, FitResult]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    transfer: Mapping[str, Any] = field(default_factory=dict)
    tested: tuple[Forecast, ...] = ()
    scored: tuple[Outcome, ...] = ()
    aside: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def study(self) -> Study | None:
        """The study that trained the runs; None for runs that were trained elsewhere."""
        return self.planned.study if isinstance(self.planned.study, Study) else None

    @property
    def recommended(self) -> str:
        """Name of the fit that the claim rests on."""
        return self.planned.study.recommended_fit

    @property
    def fit(self) -> FitResult | None:
        """The same fit, where there is a fresh one."""
        return self.fits.get(self.recommended)


def known_of_study(planned: Planned, folder: Path) -> Known:
    """Read what a study's folder holds; what is stale or missing is left out, and its items stay open.

    Raises
    ------
    FlopscapeError
        There is no table of runs, or a stale one: without it nothing of the study can be told.
    """
    files = Files(planned, folder)
    if why := files.why_table():
        raise FlopscapeError(f"{files.runs}: the table was made {why}; {AGAIN}")
    fits = of_the_loss(
        read_fits(path for name, path in files.fits.items() if path.exists() and not files.why_fit(name))
    )
    manifest, backtest, verdict = files.manifest(), folder / "backtest.csv", folder / "transfer" / "verdict.json"
    tested = read_backtest(backtest) if backtest.exists() and not files.why_backtest() else []
    searched = read_json(verdict, AGAIN) if verdict.exists() and not files.why_transfer() else {}
    data = read_json(manifest, AGAIN) if manifest and manifest.exists() else {}
    whole = complete(read_csv(files.runs))
    runs, aside = with_budgets(without_set_aside(whole), fits.values()), whole[set_aside(whole) != ""]
    scores = files.validation
    scored = read_validation(scores) if scores and scores.exists() and not files.why_validation() else []
    return Known(planned, runs, fits, data, searched, tuple(tested), tuple(scored), aside)
