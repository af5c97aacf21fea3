"""Everything a report rests on, read from the files of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from flopscape.answers.archive import Prediction, Said, predictions_of
from flopscape.answers.backtest.scores import scores
from flopscape.answers.outcomes import of_fit
from flopscape.answers.runs_and_fits import RunsAndFits
from flopscape.checklist.items import Filled
from flopscape.guide.walk import Walk
from flopscape.plan.coverage import Coverage
from flopscape.plan.rungs import Rung
from flopscape.records.backtest import Forecast, Outcome, Score
from flopscape.records.fit_result import FitResult
from flopscape.report.addresses import Addresses
from flopscape.report.tasks import Task
from flopscape.report.twin import Twin


@dataclass(frozen=True)
class Evidence(RunsAndFits):
    """Inputs of one report.

    `fits` are by name in the study's order, `figures` SVG files by name in the order to show, `captions` a line
    for each, and `explanations` how to read them.
    `other_metrics` are the fits of other metrics than the study's loss, which nothing is compared with, and `tasks` the
    accuracies that are predicted by name.
    `draws` are those of the recommended fit, None where its method made none.
    `formulas` are those of the fitted laws, by fit; a fit without a law has none.
    `sensitivity` is the table of `flopscape sensitivity`, `backtest` has the lines of `flopscape backtest` and
    `validation` those of `flopscape validate`, None where there is none; `archive` is all that fits have ever said of
    hidden runs.
    `guide` is the path of the decision guide for this design, and `checklist` the reporting checklist as filled in.
    `forecast` is what the plan expected, empty where there was none. `rungs` are those of a study that grew.
    `manifest` is the dataset's (empty for simulated runs), `coverage` the plan's grade (None without a plan),
    `environment` labels with texts, `commands` what makes the fits again. `not_shown` are sentences on what belongs to
    another table, other options or other code, and `made_from` is the stamp of the report itself. `addresses` say where
    the files behind it lie.
    """

    study: str
    title: str
    runs: pd.DataFrame
    fits: dict[str, FitResult]
    recommended: str
    draws: pd.DataFrame | None = None
    formulas: Mapping[str, str] = field(default_factory=dict)
    figures: dict[str, Path] = field(default_factory=dict)
    captions: Mapping[str, str] = field(default_factory=dict)
    explanations: Sequence[str] = ()
    sensitivity: pd.DataFrame | None = None
    backtest: list[Forecast] | None = None
    validation: list[Outcome] | None = None
    archive: Sequence[Said] = ()
    twin: Twin | None = None
    guide: Walk | None = None
    checklist: Filled | None = None
    forecast: Mapping[str, Any] = field(default_factory=dict)
    rungs: Sequence[Rung] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    coverage: Coverage | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    commands: Sequence[str] = ()
    not_shown: Sequence[str] = ()
    made_from: str = ""
    aside: pd.DataFrame = field(default_factory=pd.DataFrame)
    other_metrics: Mapping[str, FitResult] = field(default_factory=dict)
    addresses: Addresses = field(default_factory=Addresses)
    tasks: dict[str, Task] = field(default_factory=dict)

    @property
    def fit(self) -> FitResult:
        """The fit that the recommendation rests on."""
        return self.fits[self.recommended]

    @property
    def outcomes(self) -> list[Outcome]:
        """What the recommended fit had said of the runs that stay hidden from it, and what came."""
        return of_fit(self.validation, self.recommended)

    @property
    def said(self) -> list[Prediction]:
        """Each different prediction that the recommended fit has ever made of hidden runs, the first one first."""
        return predictions_of(self.archive, self.recommended)

    @property
    def scores(self) -> dict[str, Score]:
        """How each fit did on what was hidden from it, by name; empty without a backtest."""
        return {score.fit: score for score in scores(self.backtest or [])}

    @property
    def used(self) -> pd.DataFrame:
        """The completed runs less those that every fit with an answer excluded: nothing rests on them."""
        answers = [fit for fit in self.fits.values() if fit.status != "refused"]
        excluded = [{row for exclusion in fit.excluded for row in exclusion.rows} for fit in answers]
        of_all = set.intersection(*excluded) if excluded else set()
        completed = self.completed
        return completed[~completed.run_id.astype(str).isin(of_all)]

    @property
    def data_hashes(self) -> list[str]:
        """SHA-256 of the data that the runs saw, as their records say."""
        hashes = self.runs["data_hash"].dropna().astype(str) if "data_hash" in self.runs else ()
        return sorted({value for value in hashes if value})

    @property
    def imported(self) -> bool:
        """Whether the runs are other people's: then the manifest tells the origin of each column."""
        return "columns" in self.manifest

    @property
    def data(self) -> Mapping[str, Any]:
        """The manifest of what the runs saw; empty where there is none, or where other data have taken its place."""
        replaced = not self.imported and self.data_hashes and self.manifest.get("data_hash") not in self.data_hashes
        return {} if replaced else self.manifest

    @property
    def train_units(self) -> int | None:
        """Units in the training split; None where no manifest of the runs' data says."""
        n_units: Mapping[str, int] = self.data.get("n_units", {})
        return n_units.get("train")
