"""What one invocation is about: the studies that are selected, their plans, and the files that they make.

Read once while the Snakefile is parsed; imports neither torch nor pandas, so that a dry run of thousands of runs stays
instant. Names of files are relative to the working directory, as Snakemake has them.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from flopscape.config.bias import BiasSettings
from flopscape.config.fits import Fit
from flopscape.config.read import TEXTS, config_as_written, study_paths, validate
from flopscape.config.study import Config, Study
from flopscape.config.yaml12 import load_yaml
from flopscape.dag.commands import may_have_hidden_runs
from flopscape.dag.stale import Files
from flopscape.dag.stale_fits import Planned
from flopscape.downstream.kept import files_of as tasks_of
from flopscape.errors import FlopscapeError
from flopscape.figures.names import drawable
from flopscape.files.json_text import Spec, canonical, dataset_id, short_hash
from flopscape.fingerprint import fingerprint
from flopscape.plan.branches import branches_by_trunk
from flopscape.plan.imported import PlannedImport
from flopscape.plan.rungs import names_of
from flopscape.plan.studies import PlannedStudy, plan_any, plan_training
from flopscape.plugins.loading import source_files
from flopscape.records.plan_row import PlanRow

CONFIG, BIAS = Path("config/config.yaml"), Path("config/bias.yaml")
"""The user's own files, in the working directory."""
RESULTS = Path("results")
TABLES_OF_FIGURES = ("sensitivity.csv", "backtest.csv")
"""Tables of a study besides its runs, each drawn by the figure of its name."""
PLANS = ("plan.csv", "forecast.json")
"""What is planned and expected of a study that trains its runs."""
PAGES = ("prediction.md", "checklist.md", "report.html", "report.md")
"""What a study has to read, besides its figures."""
NOTHING = "(?!)"
"""A regular expression that nothing matches."""
ANY_NAME = "(?!(?:atlas|bias|compare)/)[A-Za-z0-9][A-Za-z0-9_.-]*"
ANY_ID = "[0-9a-f]{12}"
ANY_RUNG = "[0-9]+|refine"


def written_config(config: Mapping[str, Any], files: Iterable[Path], words: Iterable[str]) -> dict[str, Any]:
    """The config that Snakemake made of config.yaml, `--configfile` and `--config`, with names as they were written."""
    from snakemake.utils import update_config

    read: dict[str, Any] = {}
    for path in (CONFIG, *files):
        if path.exists():
            update_config(read, load_yaml(path, TEXTS))
    return config_as_written(config, read, words)


class Selection:
    """The selected studies with their plans.

    Parameters
    ----------
    config : mapping
        What config.yaml says, with `--config` on top.
    results : path
        Where files are read whose names in the rules begin with `results`: elsewhere if they are kept in storage.

    Attributes
    ----------
    settings : Config
        The same, checked.
    studies : dict
        Each selected study with its plan, by name.
    bias : BiasSettings
        Settings of the bias experiments.
    growing : dict
        The rungs of each study that is planned rung by rung, by its name.
    when_grown : callable
        Called with such a study when a rung of it has been written and its plan is another.

    Raises
    ------
    FlopscapeError
        One sentence for each wrong key, a study that cannot be planned, or data whose source is not there.
    """

    def __init__(self, config: Mapping[str, Any], results: Path = RESULTS) -> None:
        self.results = results
        self.settings = validate(Config, dict(config), f"{CONFIG} or --config")
        self.bias = validate(BiasSettings, load_yaml(BIAS) if BIAS.exists() else {}, str(BIAS))
        paths = study_paths(self.settings.studies)
        # Before the rungs are read: one that is written meanwhile is then read again.
        self._seen = {name: self._rungs_written(name) for name in paths}
        self.studies = {name: plan_any(name, path, self.settings, results) for name, path in paths.items()}
        self.imported = {name: study for name, study in self.studies.items() if isinstance(study, PlannedImport)}
        self.trained = {name: study for name, study in self.studies.items() if isinstance(study, PlannedStudy)}
        self.growing = {name: rungs for name, study in self.trained.items() if (rungs := names_of(study.study))}
        self.when_grown: Callable[[PlannedStudy], None] = lambda _: None
        # By id, for rules know a run by nothing else.
        self.rows = {name: {row.run_id: row for row in study.rows} for name, study in self.studies.items()}
        self.searches = {name: {row.run_id: row for row in study.search} for name, study in self.trained.items()}
        self.branches = {name: branches_by_trunk(rows.values()) for name, rows in self.rows.items()}
        self.checks: dict[str, str] = {}
        specs = [spec for study in self.trained.values() for spec in _datasets(study.study)]
        self.datasets = {dataset_id(spec): spec for spec in specs}
        self.sources = {name: source_files(spec["plugin"], spec.get("kwargs")) for name, spec in self.datasets.items()}

    def chosen(self, name: str) -> Planned:
        """A study of this invocation; a job that outlived a change of the config is told so."""
        if name not in self.studies:
            selected = ", ".join(self.studies)
            raise FlopscapeError(
                f"study {name} is not among the selected ones ({selected}); select it or config changed"
            )
        if name in self.growing:
            self._look_for_rungs(name)
        return self.studies[name]

    def _look_for_rungs(self, name: str) -> None:
        """Plan a growing study anew where a rung was written: by a job of this invocation, while it goes on."""
        # The time of the folder alone, which changes with every file that is renamed into it: this is asked for each
        # run, again and again.
        if (written := self._rungs_written(name)) == self._seen[name]:
            return
        # The study as it was read when the invocation began, whatever its file says by now.
        planned = plan_training(name, self.trained[name].path, self.trained[name].study, self.results)
        self._seen[name] = written
        self.studies[name] = self.trained[name] = planned
        self.rows[name] = {row.run_id: row for row in planned.rows}
        self.checks.pop(name, None)
        self.when_grown(planned)

    def _rungs_written(self, name: str) -> int:
        """When a rung of a study was last written; 0 before the first one."""
        folder = f"{self.results}/{name}/rungs"
        return os.stat(folder).st_mtime_ns if os.path.exists(folder) else 0

    def trained_study(self, name: str) -> PlannedStudy:
        """A study that trains its runs."""
        study = self.chosen(name)
        if isinstance(study, PlannedImport):
            raise FlopscapeError(f"study {name} trains nothing: its runs are imported from {study.source}")
        return study

    def row(self, name: str, run_id: str) -> PlanRow:
        """A run of a study's sweep or of its search."""
        self.chosen(name)
        for rows in (self.rows[name], self.searches.get(name, {})):
            if run_id in rows:
                return rows[run_id]
        raise FlopscapeError(f"study {name} plans no run {run_id}: its config was edited; run snakemake again")

    def fit(self, name: str, fit: str) -> Fit:
        """A fit by its name."""
        return self.files(name).fit_named(fit)

    def recommended_fit(self, name: str) -> Fit:
        """The fit whose choices the table of sensitivity changes one at a time."""
        return self.fit(name, self.chosen(name).study.recommended_fit)

    def files(self, name: str) -> Files:
        """The files of a study, and what each is made from."""
        return Files(self.chosen(name), self.results / name)

    def record(self, name: str, run_id: str) -> Path:
        """Where the record of a run is read."""
        return self.results / name / "runs" / f"{run_id}.json"

    # Regular expressions of Snakemake's wildcards.

    @cached_property
    def imported_name(self) -> str:
        """The names of imported studies."""
        return "|".join(map(re.escape, self.imported)) or NOTHING

    @cached_property
    def trained_name(self) -> str:
        """Every name but those of imported studies: of a study that is not selected a job says so itself."""
        return f"(?!(?:{self.imported_name})/){ANY_NAME}"

    @cached_property
    def trunk_id(self) -> str:
        """The runs that others branch off."""
        return "|".join(sorted(self.trunks)) or NOTHING

    @cached_property
    def trunks(self) -> frozenset[str]:
        """The ids of the runs that others branch off, whichever study they are planned in."""
        return frozenset(run_id for trunks in self.branches.values() for run_id in trunks)

    def is_trunk(self, run_id: str) -> bool:
        """Whether other runs branch off a run."""
        return run_id in self.trunks

    def check_file(self, name: str) -> str:
        """The check of a study that really trains: named by what it checks, so that an old pass counts for nothing."""
        planned = self.trained_study(name)
        if name not in self.checks:
            self.checks[name] = _check_id(planned)
        return f"{RESULTS}/{name}/checks/{self.checks[name]}.txt"

    # Files under results/.

    def targets(self) -> list[str]:
        """Every file of every study, as far as it is known: rungs that are still open add runs."""
        return [path for name in self.studies for path in self.files_of(name)]

    def files_of(self, name: str) -> list[str]:
        """Every file of a study: listed one by one, or a deleted one would not be made again."""
        folder, figures = f"{RESULTS}/{name}", self.figure_files(name)
        return [
            *self.run_files(name),
            *self.rung_files(name),
            *(f"{folder}/{file}" for file in (PLANS if name in self.trained else ("manifest.json",))),
            *(f"{folder}/{file}" for file in ("runs.csv", "runs.parquet", "curves.parquet")),
            *self.fit_files(name),
            *self.draw_files(name),
            *(f"{folder}/{file}" for file in (*TABLES_OF_FIGURES, *PAGES)),
            *self.validation_files(name),
            *tasks_of(folder, self.chosen(name).study.downstream),
            *figures,
            *(path.removesuffix(".svg") + ".png" for path in figures),
            *self.twin_files(name),
        ]

    def run_files(self, name: str) -> list[str]:
        """The records of all planned runs of a study."""
        return [run_file(name, run_id) for run_id in self.rows[self.chosen(name).name]]

    def rung_files(self, name: str) -> list[str]:
        """The files of all rungs of a study, planned and open ones."""
        return [rung_file(name, rung) for rung in self.growing.get(name, [])]

    def search_files(self, name: str) -> list[str]:
        """Records of a study's search for the learning rate."""
        if not self.searches[name]:
            raise FlopscapeError(f"study {name} has no key transfer: name rates, sizes and n_tokens of a search")
        return [run_file(name, run_id) for run_id in self.searches[name]]

    def fit_files(self, name: str) -> list[str]:
        """The files of all fits of a study."""
        return [f"{RESULTS}/{name}/fits/{fit.name}.json" for fit in self.chosen(name).study.fits]

    def draw_files(self, name: str) -> list[str]:
        """The draws of each fit, in a file beside it."""
        return [path.removesuffix(".json") + ".draws.parquet" for path in self.fit_files(name)]

    def figure_files(self, name: str) -> list[str]:
        """The SVG files of all figures of a study."""
        return [f"{RESULTS}/{name}/figures/{figure}.svg" for figure in drawable(self.chosen(name).study.has_curves)]

    def validation_files(self, name: str) -> list[str]:
        """The scores of hidden runs, and all that was ever said of them; none of a study that plans no such runs."""
        has_some = may_have_hidden_runs(self.chosen(name).study)
        return [f"{RESULTS}/{name}/validation.{kind}" for kind in ("csv", "jsonl") if has_some]

    def twin_files(self, name: str) -> list[str]:
        """The files of the twin of a study."""
        return [f"{RESULTS}/{name}/twin/{file}" for file in ("twin.csv", "verdict.json", "figure.svg", "figure.png")]

    def transfer_files(self) -> list[str]:
        """The verdicts on the searches of all selected studies that have one."""
        if searched := [name for name, rows in self.searches.items() if rows]:
            return [f"{RESULTS}/{name}/transfer/verdict.json" for name in searched]
        selected = ", ".join(self.studies)
        raise FlopscapeError(f"no selected study ({selected}) has a key transfer: there is nothing to search")

    def uses_gpus(self) -> bool:
        """Whether any study trains on GPUs."""
        return any(study.study.resources.device == "gpu" for study in self.trained.values())


def run_file(name: str, run_id: str) -> str:
    """The record of a run."""
    return f"{RESULTS}/{name}/runs/{run_id}.json"


def rung_file(name: str, rung: str) -> str:
    """The plan of a rung."""
    return f"{RESULTS}/{name}/rungs/{rung}.json"


def _datasets(study: Study) -> list[Spec]:
    """The dataset of a study, and those of its further held-out sets."""
    plugins = [study.dataset, *(one.dataset for one in study.heldout.values())]
    return [plugin.spec() for plugin in plugins if plugin]


def _check_id(planned: PlannedStudy) -> str:
    """Changes with the plug-ins of a study, their code, the sizes, those to be expected too, and the batch."""
    study = planned.study
    metrics = [plugin for one in study.heldout.values() for plugin in one.metrics.values()]
    plugins = [study.model.spec(), *_datasets(study), study.loss.spec(), *(plugin.spec() for plugin in metrics)]
    code = fingerprint(*(plugin["plugin"].partition(":")[0] for plugin in plugins))
    sizes = sorted({canonical(row.size) for row in planned.all_rows})
    return short_hash([plugins, code, sizes, study.training.batch_units])
