"""Which files of a study are not what they would be if they were made now, and why, in words.

The DAG makes these again, readers name them and do not show them. All is found by what the files carry
(records/stamps.py, fitting/common/made_from.py) and by hashes of what they are made from: no time stamp, no
`.snakemake`. A file that is missing, or made from one that is, is not judged: the DAG makes it anyway.
Imports neither torch nor pandas.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from flopscape.config.study import ImportedStudy
from flopscape.dag.commands import (
    asked_options,
    curves_of,
    curves_of_any,
    may_have_hidden_runs,
    prediction_settings,
    task_settings,
    twin_settings,
    varied_options,
)
from flopscape.dag.stale_fits import TablesAndFits
from flopscape.downstream.kept import files_of
from flopscape.figures.names import CAPTIONS, EXPLANATIONS, drawable
from flopscape.files.json_text import short_hash
from flopscape.fitting.methods import modules_of_backtest, modules_of_sensitivity, modules_of_twin
from flopscape.plan.imported import PlannedImport
from flopscape.plan.search import search_options
from flopscape.plan.studies import dataset_manifest
from flopscape.records import stamps
from flopscape.records.stamps import Stamp, why_first_stale, why_folder_stale, why_stale

TEMPLATE = Path(__file__).resolve().parents[1] / "report" / "template.html"
TEXTS = (CAPTIONS, EXPLANATIONS, TEMPLATE)
"""The words of a report that are no code."""


class Files(TablesAndFits):
    """The files of one study in its folder `results/{study}`, and how each should have been made: those made of fits.

    Each `why_…` returns words such as "from another table with other options", and nothing for a file that is fresh.
    """

    def why_sensitivity(self) -> str:
        """Why the table of sensitivity is stale."""
        path = self.folder / "sensitivity.csv"
        with suppress(FileNotFoundError):
            return why_stale(stamps.read(path), self.sensitivity_stamp())
        return ""

    def sensitivity_stamp(self) -> Stamp:
        """What the table of sensitivity should carry."""
        fit = self.fit_named(self.planned.study.recommended_fit)
        curves = self.curves if curves_of(fit, "") else None
        options = varied_options(fit, self.planned.study.recommend.flops)
        return stamps.of_sensitivity(modules_of_sensitivity(fit.method), self.runs, curves, options)

    def why_backtest(self) -> str:
        """Why the backtest is stale: its runs, what its fits are told, or the code of any of them."""
        with suppress(FileNotFoundError):
            return why_stale(stamps.read(self.folder / "backtest.csv"), self.backtest_stamp())
        return ""

    def backtest_stamp(self) -> Stamp:
        """What the backtest should carry."""
        study = self.planned.study
        modules = modules_of_backtest(fit.method for fit in study.fits)
        curves = self.curves if curves_of_any(study.fits, "") else None
        options = {fit.name: asked_options(fit, study.recommend.flops) for fit in study.fits}
        return stamps.of_backtest(modules, self.runs, curves, options)

    @property
    def validation(self) -> Path | None:
        """Where the scores of hidden runs stand, of a study that may have some."""
        return self.folder / "validation.csv" if may_have_hidden_runs(self.planned.study) else None

    def why_validation(self) -> str:
        """Why the scores of hidden runs are stale: their table, or any of the fits that are scored."""
        if why := self.why_of_fits(self.fits):
            return why
        with suppress(FileNotFoundError):
            if self.validation:
                return why_stale(stamps.read(self.validation), stamps.of_validation(self.runs, self.fits.values()))
        return ""

    def why_task(self, name: str) -> str:
        """Why the accuracy of a task is stale: its numbers, its figure, or the fit of its loss."""
        fit = self.planned.study.fit_of_task(name).name
        if why := self.why_of_fits([fit]):
            return why
        with suppress(FileNotFoundError):
            expected = stamps.of_downstream(self.runs, self.fits[fit], task_settings(self.planned.study, name))
            return why_first_stale(self.tasks([name]), expected)
        return ""

    def tasks(self, names: Iterable[str]) -> list[Path]:
        """The files of some tasks: of each its numbers, and the two of its figure."""
        return [Path(path) for path in files_of(str(self.folder), names)]

    def why_prediction(self) -> str:
        """Why the page on the asked budgets and sizes is stale: its fit, its backtest, or what was asked."""
        name = self.planned.study.recommended_fit
        if why := self.why_of_fits([name]):
            return why
        with suppress(FileNotFoundError):
            options = prediction_settings(self.planned.study)
            backtest = self.folder / "backtest.csv"
            expected = stamps.of_prediction(self.fits[name], backtest, options, self.validation)
            return why_stale(stamps.read(self.folder / "prediction.md"), expected)
        return ""

    def why_figure(self, name: str) -> str:
        """Why one figure is stale; it shows all fits, and is so with any of them."""
        if why := self.why_of_fits(self.fits):
            return why
        with suppress(FileNotFoundError):
            expected = self.figure_stamp(name)
            files = [self.folder / "figures" / f"{name}{ending}" for ending in (".svg", ".png")]
            return why_first_stale(files, expected)
        return ""

    def figure_stamp(self, name: str) -> Stamp:
        """What a figure should carry."""
        table = self.folder / f"{name}.csv" if name in ("sensitivity", "backtest") else None
        title = self.planned.study.title
        return stamps.of_figure(name, self.runs, self.curves, list(self.fits.values()), title, table)

    def why_twin(self) -> str:
        """Why the twin is stale: its verdict, its table or its figures."""
        with suppress(FileNotFoundError):
            settings = twin_settings(self.planned.study)
            modules = modules_of_twin(fit["method"] for fit in settings["fits"])
            expected = stamps.of_twin(modules, self.runs, settings, self.validation)
            return why_folder_stale(self.folder / "twin", "twin.csv", expected)
        return ""

    def why_transfer(self) -> str:
        """Why the verdict on the search for the learning rate, its table or its figures are stale."""
        if isinstance(self.planned, PlannedImport):
            return ""
        with suppress(FileNotFoundError):
            searched = dict.fromkeys(row.run_id for row in self.planned.search)
            records = [self.folder / "runs" / f"{run_id}.json" for run_id in searched]
            expected = stamps.of_transfer(records, search_options(self.planned.study))
            return why_folder_stale(self.folder / "transfer", "table.csv", expected)
        return ""

    def why_report(self) -> str:
        """Why the report is stale, in either of its two forms."""
        with suppress(FileNotFoundError):
            files = [self.folder / f"report{ending}" for ending in (".html", ".md")]
            return why_first_stale(files, _keeping(self.report_stamp(), files[0]))
        return ""

    def report_stamp(self) -> Stamp:
        """What the report should carry: the code that writes it, and everything that it reads."""
        study, folder = self.planned.study, self.folder
        said_before = {"forecast": self.forecast, "archive": self.archive}
        figures = [folder / "figures" / f"{name}.svg" for name in drawable(study.has_curves)]
        return {
            **self._read_by("flopscape.report.write"),
            "sensitivity": stamps.hash_of(folder / "sensitivity.csv"),
            "figures": stamps.hash_of_all(figures),
            "twin": stamps.hash_of_all([folder / "twin" / name for name in ("verdict.json", "figure.svg")]),
            "texts": stamps.hash_of_all(TEXTS),
            **({"tasks": stamps.hash_of_all(self.tasks(study.downstream))} if study.downstream else {}),
            **{name: stamps.hash_of(path) for name, path in said_before.items() if path.exists()},
            **({"rungs": short_hash([rung.told for rung in self.rungs])} if self.rungs else {}),
        }

    def why_checklist(self) -> str:
        """Why the reporting checklist is stale."""
        path = self.folder / "checklist.md"
        with suppress(FileNotFoundError):
            return why_first_stale([path], _keeping(self.checklist_stamp(), path))
        return ""

    def checklist_stamp(self) -> Stamp:
        """What the reporting checklist should carry: the code that fills it in, and everything that it reads."""
        return self._read_by("flopscape.report.write_checklist")

    def _read_by(self, module: str) -> Stamp:
        """The code of report or checklist, and what both of them read."""
        return {
            **stamps.by(module),
            "options": self._said(),
            "plan": stamps.plan_hash(self.planned.rows),
            "runs": stamps.hash_of(self.runs),
            "fits": stamps.hash_of_all(self.fits.values()),
            "backtest": stamps.hash_of(self.folder / "backtest.csv"),
            **({"validation": stamps.hash_of(self.validation)} if self.validation else {}),
            **self._as_found(),
        }

    def _said(self) -> str:
        """A hash of what report and checklist take from the config, besides what decides the plan."""
        study = self.planned.study
        said: dict[str, Any] = {"title": study.title, "recommend": study.recommend.model_dump()}
        if isinstance(study, ImportedStudy):
            return short_hash(said | {"subject": study.runs.model_dump()})
        return short_hash(said | {"subject": study.model.spec(), "searched": study.transfer is not None})

    def _as_found(self) -> Stamp:
        """Hashes of files that may be missing: what is known of the data, and the verdict on a search."""
        files = {"manifest": self.manifest(), "transfer": self.folder / "transfer" / "verdict.json"}
        return {name: stamps.hash_of(path) for name, path in files.items() if path and path.exists()}

    def manifest(self) -> Path | None:
        """Where what is known of the data stands; none for simulated runs."""
        if isinstance(self.planned, PlannedImport):
            return self.folder / "manifest.json"
        return dataset_manifest(self.planned.study, self.folder.parent)


def _keeping(right: Stamp, path: Path) -> Stamp:
    """A stamp for a page that was made while the data were there: it keeps what it says of them when they are gone."""
    kept = right if "manifest" in right else right | {"manifest": stamps.read(path).get("manifest", "")}
    return {name: value for name, value in kept.items() if value}
