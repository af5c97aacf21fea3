"""Everything known about a study before it runs: rows, coverage, finished runs, price.

`plan_study` is pure but for the study's file and the manifest of its data: the workflow is built from it.
`price_planned` also looks at the records on disk, as hints: what it says is printed and never an input of anything.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from flopscape.config.machine import Prices
from flopscape.config.read import load_config, load_study, read_study
from flopscape.config.study import Config, ImportedStudy, Study
from flopscape.config.yaml12 import dump_yaml
from flopscape.downstream.kept import FEWEST
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import canonical, read_json
from flopscape.plan.capacity import Capacity
from flopscape.plan.coverage import Coverage, grade_coverage
from flopscape.plan.finished import Finished, look_at_runs
from flopscape.plan.imported import PlannedImport, plan_import, words_of_study
from flopscape.plan.plugin_kwargs import refuse_wrong_arguments
from flopscape.plan.price import Price, price_study
from flopscape.plan.rows import plan_rows
from flopscape.plan.rungs import Rung, names_of, open_rungs, read_rungs
from flopscape.plan.search import search_rows
from flopscape.plugins.loading import load_plugin
from flopscape.plugins.prepare import MANIFEST, data_folder
from flopscape.records.metrics import OWN
from flopscape.records.plan_row import PlanRow
from flopscape.text.numbers import plural


@dataclass(frozen=True)
class PlannedStudy:
    """A study with its plan and its search for the learning rate; what the DAG is built from.

    `rungs` are those of its ladder or its refinement that are planned, and `rows` has their runs. `open_runs` are the
    runs to be expected of the rungs that are still open, by rung: they are priced and graded, and never trained.
    """

    name: str
    path: Path
    study: Study
    rows: list[PlanRow]
    search: list[PlanRow]
    coverage: Coverage
    rungs: list[Rung] = field(default_factory=list)
    open_runs: dict[str, list[PlanRow]] = field(default_factory=dict)

    @property
    def all_rows(self) -> list[PlanRow]:
        """The runs that are planned and those to be expected."""
        return [*self.rows, *chain.from_iterable(self.open_runs.values())]


@dataclass(frozen=True, kw_only=True)
class Overview(PlannedStudy):
    """A planned study with what is on disk and what is left to pay."""

    finished: Finished
    price: Price


def plan_any(name: str, path: Path, config: Config, results: Path = Path("results")) -> PlannedStudy | PlannedImport:
    """Read and plan one study, whichever of the two kinds it is."""
    study = read_study(path)
    if isinstance(study, ImportedStudy):
        return plan_import(name, path, study, config.data_mirror)
    return plan_training(name, path, study, results)


def plan_finished(path: Path, results: Path = Path("results")) -> PlannedStudy | PlannedImport:
    """Read and plan a study whose files are looked at: the table that it imported need not be there any more."""
    study = read_study(path)
    if isinstance(study, ImportedStudy):
        return PlannedImport(path.stem, path, study, Path(study.runs.table), words_of_study(study))
    return plan_training(path.stem, path, study, results)


def plan_study(name: str, path: Path, results: Path = Path("results")) -> PlannedStudy:
    """Read and plan a study that trains its runs."""
    return plan_training(name, path, load_study(path), results)


def plan_training(name: str, path: Path, study: Study, results: Path = Path("results")) -> PlannedStudy:
    """Plan a study that was read; a poor sweep under `strict: true` raises FlopscapeError with the reasons.

    Every error names the study's file.
    """
    refuse_wrong_arguments(study, str(path))
    try:
        _construct_trainer(study)
        rungs = read_rungs(study, results / name / "rungs")
        rows, search = plan_rows(study, rungs), search_rows(study)
        open_runs = _open_runs(study, rows, rungs)
        all_rows = [*rows, *chain.from_iterable(open_runs.values())]
        _refuse_few_for_tasks(study, all_rows)
        coverage = grade_coverage(all_rows, train_units(study, results), data_unit(study))
    except FlopscapeError as error:
        raise FlopscapeError(f"{path}: {error}") from error
    if study.strict and coverage.grade == "poor":
        raise FlopscapeError(f"{path}: coverage is poor and strict is true: {'; '.join(coverage.reasons)}")
    return PlannedStudy(name, path, study, rows, search, coverage, rungs, open_runs)


def _refuse_few_for_tasks(study: Study, rows: Sequence[PlanRow]) -> None:
    """Raise FlopscapeError where the planned runs are too few for the curve of a task."""
    fitted = sum(row.role == "fit" for row in rows)
    if study.downstream and fitted < FEWEST:
        raise FlopscapeError(
            f"downstream: {plural(fitted, 'run')} planned, and the curve of a task, from floor to ceiling, needs "
            f"{FEWEST}; plan more, or leave the key out"
        )


def _open_runs(study: Study, rows: Sequence[PlanRow], rungs: Sequence[Rung]) -> dict[str, list[PlanRow]]:
    """The runs to be expected of the rungs that are still open, by rung."""
    if len(rungs) == len(names_of(study)):
        return {}
    to_come, known = open_rungs(study, rungs), {row.run_id for row in rows}
    rung_of = {
        (one.flops, canonical(size)): rung.name for rung in to_come for one in rung.budgets for size in one.sizes
    }
    expected: dict[str, list[PlanRow]] = {rung.name: [] for rung in to_come}
    for row in plan_rows(study, [*rungs, *to_come]):
        if row.run_id not in known and row.budget is not None:
            expected[rung_of[row.budget, canonical(row.size)]].append(row)
    return expected


def _construct_trainer(study: Study) -> None:
    """A trainer of the package's own says itself which numbers it cannot take; models and datasets are asked anyway."""
    if study.trainer.plugin.startswith("flopscape."):
        load_plugin(study.trainer.plugin, study.trainer.kwargs)


def train_units(study: Study, results: Path) -> int | None:
    """Units of training data, as the dataset's manifest or its plug-in says; None when neither knows yet."""
    if study.simulated or study.dataset is None:
        return None
    # Counted data before a plug-in's own constant: they may have been prepared by another version of it.
    if manifest := _prepared(study, results):
        return int(manifest["n_units"]["train"])
    if study.dataset.plugin.startswith("flopscape."):
        count = getattr(load_plugin(study.dataset.plugin, study.dataset.kwargs), "train_units", None)
        return count() if count else None
    return None


def data_unit(study: Study) -> str:
    """What D counts: token, image. A user's dataset is not imported just to ask it."""
    if study.dataset is None:
        return "token"
    if not study.dataset.plugin.startswith("flopscape."):
        return "unit"
    return str(load_plugin(study.dataset.plugin, study.dataset.kwargs).unit)


def data_folders(study: Study, results: Path) -> dict[str, Path]:
    """Where a study's data are or will be, under `own`, and those of its further held-out sets; none if simulated."""
    if study.simulated or study.dataset is None:
        return {}
    sets = {name: one.dataset for name, one in study.heldout.items() if one.dataset}
    return {name: data_folder(plugin.spec(), results) for name, plugin in ({OWN: study.dataset} | sets).items()}


def data_hashes(study: Study, results: Path) -> dict[str, str]:
    """Hashes of a study's data as they are now, by held-out set, of those that are prepared."""
    manifests = {name: _manifest(folder) for name, folder in data_folders(study, results).items()}
    return {name: manifest["data_hash"] for name, manifest in manifests.items() if manifest}


def _prepared(study: Study, results: Path) -> dict[str, Any] | None:
    folder = data_folders(study, results).get(OWN)
    return _manifest(folder) if folder else None


def _manifest(folder: Path) -> dict[str, Any] | None:
    path = folder / MANIFEST
    return read_json(path, "delete its folder") if path.exists() else None


def dataset_manifest(study: Study, results: Path) -> Path | None:
    """Where the manifest of a study's data is or will be; simulated runs need no data."""
    folder = data_folders(study, results).get(OWN)
    return folder / MANIFEST if folder else None


def look_at_study(planned: PlannedStudy, results: Path) -> Finished:
    """What is on disk of a planned study and of its search for the learning rate."""
    rows = [*planned.all_rows, *planned.search]
    return look_at_runs(rows, planned.name, results, data_hashes(planned.study, results))


def price_planned(
    planned: PlannedStudy, prices: Prices, capacity: Capacity, results: Path, todo: dict[str, str] | None = None
) -> Overview:
    """Price a planned study; `todo` (run id → why) defaults to the runs without a record."""
    finished = look_at_study(planned, results)
    # Snakemake names the runs and only says that they are due; why, the records tell, where they know.
    due = finished.reasons if todo is None else {run_id: finished.reasons.get(run_id, todo[run_id]) for run_id in todo}
    price = price_of(planned, finished, due, prices, capacity)
    return Overview(**vars(planned), finished=finished, price=price)


def price_of(
    planned: PlannedStudy, finished: Finished, due: dict[str, str], prices: Prices, capacity: Capacity
) -> Price:
    """The price of a planned study, its search and the rungs still open among it; `due` are run ids → why."""
    rows, open_runs = planned.rows, planned.open_runs
    return price_study(
        planned.name, planned.study, rows, finished, due, prices, capacity, planned.search, open_runs=open_runs
    )


def settings(config: Path) -> Config:
    """The project's config.yaml, or the defaults where there is none."""
    return load_config(config) if config.exists() else Config(studies=[])


def resolved_yaml(path: Path) -> str:
    """A study with every default filled in, as YAML."""
    study = read_study(path)
    plain = study.model_dump(by_alias=True)
    if isinstance(study, Study) and is_dataclass(study.training):
        plain["training"] = asdict(study.training)
    return dump_yaml(plain)
