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

from flopscape.config.fits import Fit
from flopscape.config.study import ImportedStudy
from flopscape.dag.commands import (
    asked_options,
    curves_of,
    curves_of_any,
    may_have_hidden_runs,
    prediction_settings,
    twin_settings,
    varied_options,
)
from flopscape.design.forecast import forecast_stamp
from flopscape.errors import FlopscapeError
from flopscape.figures.names import CAPTIONS, EXPLANATIONS, drawable
from flopscape.files.json_text import read_json, short_hash
from flopscape.files.side_outputs import side_output
from flopscape.fitting.common.made_from import fit_code, stamp_of
from flopscape.fitting.methods import modules_of_backtest, modules_of_sensitivity, modules_of_twin
from flopscape.plan.imported import PlannedImport
from flopscape.plan.price_table import plan_csv
from flopscape.plan.search import search_options
from flopscape.plan.studies import PlannedStudy, dataset_manifest
from flopscape.records import stamps
from flopscape.records.stamps import WORDS, Stamp, why_first_stale, why_folder_stale, why_stale

Planned = PlannedStudy | PlannedImport
TEMPLATE = Path(__file__).resolve().parents[1] / "report" / "template.html"
TEXTS = (CAPTIONS, EXPLANATIONS, TEMPLATE)
"""The words of a report that are no code."""
UNKNOWN = "without saying from what"


class Files:
    """The files of one study in its folder `results/{study}`, and how each should have been made.

    Each `why_…` returns words such as "from another table with other options", and nothing for a file that is fresh.
    """

    def __init__(self, planned: Planned, folder: Path) -> None:
        self.planned, self.folder = planned, folder
        self.runs, self.curves = folder / "runs.csv", folder / "curves.parquet"
        self.forecast, self.archive = folder / "forecast.json", folder / "validation.jsonl"
        self.rungs = planned.rungs if isinstance(planned, PlannedStudy) else []
        self.fits = {fit.name: folder / "fits" / f"{fit.name}.json" for fit in planned.study.fits}

    def fit_named(self, name: str) -> Fit:
        """A fit of the study."""
        return next(fit for fit in self.planned.study.fits if fit.name == name)

    def table_stamp(self) -> Stamp:
        """What the tables of runs should carry."""
        if isinstance(self.planned, PlannedImport):
            return stamps.of_imported(self.planned.options, self.planned.files)
        return stamps.of_collected(self.planned.rows, self.folder / "runs")

    def asked_for(self) -> Stamp:
        """The part of the same that comes from the study alone."""
        if isinstance(self.planned, PlannedImport):
            return {"options": stamps.import_hash(self.planned.options)}
        return {"plan": stamps.plan_hash(self.planned.rows)}

    def why_table(self) -> str:
        """Why runs.csv, its copy or the training curves are stale."""
        if isinstance(self.planned, PlannedStudy) and self.planned.open_runs:
            return WORDS["plan"]
        tables = [self.folder / "runs.parquet", self.curves]
        try:
            expected = self.table_stamp()
        except FileNotFoundError:  # without what it was made from a table still says what it was made for
            expected = self.asked_for()
            carried = [stamps.read(path) for path in tables if path.exists()]
            comparable = ({name: stamp.get(name, "") for name in expected} for stamp in carried)
            return next(filter(None, (why_stale(stamp, expected) for stamp in comparable)), "")
        with suppress(FileNotFoundError):
            # A CSV has no room for a stamp: its copy in Parquet carries the hash of it, so that a table edited by hand
            # is seen.
            return why_first_stale(tables[:1], expected | {"csv": stamps.hash_of(self.runs)}) or why_first_stale(
                tables[1:], expected
            )
        return ""

    def why_plan(self) -> str:
        """Why plan.csv is stale: it has no room for a stamp, and is compared with what it would be now."""
        path = self.folder / "plan.csv"
        if isinstance(self.planned, PlannedImport) or not path.exists():
            return ""
        return "" if path.read_bytes() == plan_csv(self.planned.rows).encode() else WORDS["plan"]

    def why_forecast(self) -> str:
        """Why the forecast is stale."""
        if isinstance(self.planned, PlannedImport):
            return ""
        with suppress(FileNotFoundError):
            return why_stale(stamps.read(self.forecast), forecast_stamp(self.planned))
        return ""

    def why_fit(self, name: str) -> str:
        """Why one fit, or its draws, are stale: another table, other options, other code, or draws of another fit."""
        fit, path = self.fit_named(name), self.fits[name]
        try:
            written = read_json(path, "") if path.exists() else {}
        except FlopscapeError:
            return UNKNOWN
        carried = written.get("made_from")
        if not path.exists():
            return ""
        if not isinstance(carried, dict) or not {"table", "options", "code", "draws"} <= carried.keys():
            return UNKNOWN
        with suppress(FileNotFoundError):
            options = asked_options(fit, self.planned.study.recommend.flops)
            # A fingerprint hashes the syntax tree, which differs between versions of Python: with the version in the
            # stamp, `why_stale` leaves the code out where two of them cannot be compared.
            expected = {"code": fit_code(fit.method), "python": stamps.PYTHON, "options": short_hash(options)}
            expected |= {
                "runs": stamps.hash_of(self.runs),
                "draws": stamps.hash_of(side_output(path, ".draws.parquet")),
            }
            # Only a method that reads curves is stale with them.
            expected |= {"curves": stamps.hash_of(self.curves)} if curves_of(fit, "") else {}
            return why_stale(stamp_of(carried), expected)
        return ""

    def _why_of(self, fits: Iterable[str]) -> str:
        """Why what is made from these fits is stale for the first of them that is."""
        reasons = ((name, self.why_fit(name)) for name in fits)
        return next((f"from the fit {name}, which was made {why}" for name, why in reasons if why), "")

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
        if why := self._why_of(self.fits):
            return why
        with suppress(FileNotFoundError):
            if self.validation:
                return why_stale(stamps.read(self.validation), stamps.of_validation(self.runs, self.fits.values()))
        return ""

    def why_prediction(self) -> str:
        """Why the page on the asked budgets and sizes is stale: its fit, its backtest, or what was asked."""
        name = self.planned.study.recommended_fit
        if why := self._why_of([name]):
            return why
        with suppress(FileNotFoundError):
            options = prediction_settings(self.planned.study)
            backtest = self.folder / "backtest.csv"
            expected = stamps.of_prediction(self.fits[name], backtest, options, self.validation)
            return why_stale(stamps.read(self.folder / "prediction.md"), expected)
        return ""

    def why_figure(self, name: str) -> str:
        """Why one figure is stale; it shows all fits, and is so with any of them."""
        if why := self._why_of(self.fits):
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
