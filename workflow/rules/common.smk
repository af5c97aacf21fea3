"""All parse-time Python: the plans as dicts, fingerprints, targets, and what is printed at the end.

It imports neither torch nor pandas, so that a dry run of thousands of runs stays instant.
"""

import atexit
import os
import re
import shlex
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

from flopscape.dag import commands
from flopscape.config.bias import EXPERIMENTS, BiasSettings, experiment_module
from flopscape.config.study import Config
from flopscape.dag.kept_records import keep_finished_runs
from flopscape.dag.rerun import is_finished, judge_by_content
from flopscape.dag.speed import hurry_dry_run, inspected_once
from flopscape.dag.start import print_prices, refuse_to_start, uses_gpus
from flopscape.errors import FlopscapeError
from flopscape.figures.names import drawable
from flopscape.fingerprint import fingerprint
from flopscape.fitting.common import made_from
from flopscape.fitting.methods import modules_of_sensitivity
from flopscape.plan.branches import branches_by_trunk
from flopscape.plan.imported import PlannedImport
from flopscape.dag.commands import launch_command
from flopscape.plan.studies import dataset_manifest, plan_any
from flopscape.plan.capacity import machine_limits
from flopscape.plan.search import search_options
from flopscape.plugins.loading import load_plugin
from flopscape.config.read import TEXTS, config_as_written, study_paths, validate
from flopscape.config.yaml12 import load_yaml
from flopscape.files.json_text import canonical, dataset_id, short_hash
from flopscape.dag.stale import Files
from flopscape.records.stamps import plan_hash
from flopscape.report.after_run import print_answers
from flopscape.training.stopping import outlive_the_terminal

RESULTS = Path("results")


def read_settings():
    """config.yaml with `--config` on top, checked, and the plan of every selected study."""
    try:
        settings = validate(Config, written_config(), "config/config.yaml or --config")
        paths = study_paths(settings.studies)
        return settings, {name: plan_any(name, path, settings) for name, path in paths.items()}
    except FlopscapeError as error:
        raise WorkflowError(str(error)) from None


def written_config():
    """The config with its names as they were written; another workflow that uses this one hands its own over."""
    if workflow.modifier.skip_configfile:
        return dict(config)
    read = {}
    for path in (Path("config/config.yaml"), *workflow.overwrite_configfiles):
        if path.exists():
            update_config(read, load_yaml(path, TEXTS))
    return config_as_written(config, read, workflow.config_settings.config_args or [])


def source_files(dataset):
    """Files of the user's that a dataset is made from."""
    if not dataset["plugin"].startswith("flopscape."):
        return []
    files = getattr(load_plugin(dataset["plugin"], dataset.get("kwargs")), "source_files", list)()
    if absent := [path for path in files if not os.path.isfile(path)]:
        raise WorkflowError(f"dataset {dataset['plugin']}: {', '.join(absent)}: no such file; correct its kwargs")
    return files


def read_bias():
    """Settings of the bias experiments."""
    path = "config/bias.yaml"
    try:
        return validate(BiasSettings, load_yaml(path) if Path(path).exists() else {}, path)
    except FlopscapeError as error:
        raise WorkflowError(str(error)) from None


SETTINGS, STUDIES = read_settings()
BIAS = read_bias()
IMPORTED = {name: planned for name, planned in STUDIES.items() if isinstance(planned, PlannedImport)}
TRAINED = {name: planned for name, planned in STUDIES.items() if name not in IMPORTED}
ROWS = {name: {row.run_id: row for row in planned.rows} for name, planned in STUDIES.items()}
DATASETS = {dataset_id(p.study.dataset.spec()): p.study.dataset.spec() for p in TRAINED.values() if p.study.dataset}
SEARCHES = {name: {row.run_id: row for row in planned.search} for name, planned in TRAINED.items()}
SOURCES = {name: source_files(dataset) for name, dataset in DATASETS.items()}
FITS = {name: {fit.name: fit for fit in planned.study.fits} for name, planned in STUDIES.items()}

ANY_NAME = "(?!bias/)[A-Za-z0-9][A-Za-z0-9_.-]*"
IMPORTED_NAME = "|".join(map(re.escape, IMPORTED)) or "(?!)"
ANY_ID = "[0-9a-f]{12}"
BRANCHES = {name: branches_by_trunk(rows.values()) for name, rows in ROWS.items()}
TRUNK_ID = "|".join(sorted({run_id for trunks in BRANCHES.values() for run_id in trunks})) or "(?!)"
TRAINED_NAME = f"(?!(?:{IMPORTED_NAME})/){ANY_NAME}"


wildcard_constraints:
    study=ANY_NAME,
    run_id=ANY_ID,
    check=ANY_ID,
    fit="[A-Za-z0-9][A-Za-z0-9_.-]*",
    figure="[a-z]+",
    dataset="[a-z0-9_]+-[0-9a-f]{8}",
    experiment="exp[0-9]{2}",


def targets(name):
    """Every file of a study: listed one by one, or a deleted one would not be rebuilt."""
    made = [
        "plan.csv" if name in TRAINED else "manifest.json",
        *("runs.csv", "runs.parquet", "curves.parquet"),
        *(f"fits/{fit}{ending}" for fit in FITS[name] for ending in (".json", ".draws.parquet")),
        "sensitivity.csv",
        *("report.html", "report.md"),
    ]
    pictures = [str(Path(path).with_suffix(".png")) for path in figure_files(name)]
    return [
        *run_files(name),
        *(f"results/{name}/{path}" for path in made),
        *figure_files(name),
        *pictures,
        *twin_files(name),
    ]


def figure_files(name):
    figures = drawable(STUDIES[name].study.has_curves)
    return [f"results/{name}/figures/{figure}.svg" for figure in figures]


def twin_files(name):
    return [f"results/{name}/twin/{file}" for file in ("twin.csv", "verdict.json", "figure.svg", "figure.png")]


def run_files(name):
    return [run_file(name, run_id) for run_id in ROWS[name]]


def run_file(name, run_id):
    return f"results/{name}/runs/{run_id}.json"


ALL_TARGETS = [target for name in STUDIES for target in targets(name)]


def chosen(name):
    """A study of this invocation; a job that outlived a change of the config is told so."""
    if name not in STUDIES:
        raise WorkflowError(
            f"study {name} is not among the selected ones ({', '.join(STUDIES)}); select it or config changed"
        )
    return STUDIES[name]


def study_file(wildcards):
    return str(chosen(wildcards.study).path)


def study_plan(wildcards):
    return plan_hash(ROWS[chosen(wildcards.study).name].values())


def plan_parents(wildcards):
    """Changes when runs start from others than before."""
    return short_hash([row.parent for row in ROWS[chosen(wildcards.study).name].values()])


def dataset_spec(wildcards):
    return canonical(DATASETS[wildcards.dataset])


def dataset_sources(wildcards):
    return SOURCES[wildcards.dataset]


def data_manifest(wildcards):
    """The manifest of a study's data, which its runs wait for; simulated runs have none."""
    return str(dataset_manifest(chosen(wildcards.study).study, RESULTS) or "") or []


def reported_manifest(wildcards):
    """What the report waits for: the data that runs are still to be trained on. For the report alone, which says from
    the records what data they saw, nothing is prepared again."""
    if wildcards.study in IMPORTED:
        return f"results/{wildcards.study}/manifest.json"
    missing = not all(Path(path).exists() for path in run_files(wildcards.study))
    return data_manifest(wildcards) if missing else []


@inspected_once
def trunk_inputs(wildcards):
    """What a missing run waits for: its data, and the check of its plug-ins. A finished one waits for nothing, and so
    nothing that becomes newer, is made again or is deleted can have it trained once more."""
    planned = chosen(wildcards.study)
    if planned.study.simulated or is_finished(workflow.dag_settings, run_file(wildcards.study, wildcards.run_id)):
        return []
    return [data_manifest(wildcards), f"results/{wildcards.study}/checks/{CHECKS[wildcards.study]}.txt"]


@inspected_once
def run_inputs(wildcards):
    """The same, and the trunk of an untrained branch."""
    return [*trunk_inputs(wildcards), *trunk_of_branch(wildcards)]


def check_id(study, rows):
    """Changes with what is checked: plug-ins, their code, the sizes, the batch."""
    plugins = [plugin.spec() for plugin in (study.model, study.dataset, study.loss)]
    code = fingerprint(*(plugin["plugin"].partition(":")[0] for plugin in plugins))
    sizes = sorted({canonical(row.size) for row in rows})
    return short_hash([plugins, code, sizes, study.training.batch_units])


CHECKS = {name: check_id(p.study, p.rows) for name, p in TRAINED.items() if not p.study.simulated}


def run_row(wildcards):
    name = chosen(wildcards.study).name
    for rows in (ROWS[name], SEARCHES.get(name, {})):
        if wildcards.run_id in rows:
            return rows[wildcards.run_id]
    raise WorkflowError(
        f"study {wildcards.study} plans no run {wildcards.run_id}: its config was edited; run snakemake again"
    )


def trunk_of_branch(wildcards):
    """The record that an untrained branch waits for, if it is still to come."""
    row = run_row(wildcards)
    needed = [run_file(wildcards.study, run_id) for run_id in (row.run_id, row.parent)]
    if not row.parent or any(Path(path).exists() for path in needed):
        return []
    return checkpoints.train_trunk.get(study=wildcards.study, run_id=row.parent).output


@inspected_once
def run_spec(wildcards):
    """Canonical JSON: exactly what the run id hashes."""
    return canonical(run_row(wildcards).spec)


@inspected_once
def run_launcher(wildcards):
    """The command up to the spec; it names the branches still to be trained."""
    study = chosen(wildcards.study)
    branches = BRANCHES[study.name].get(wildcards.run_id, [])
    branches = [row for row in branches if not Path(run_file(study.name, row.run_id)).exists()]
    return launch_command(study.study, SETTINGS.prices, branches)


@inspected_once
def run_threads(wildcards):
    """CPUs of a run on each of its machines."""
    resources = chosen(wildcards.study).study.resources
    return resources.processes // resources.machines * resources.threads


@inspected_once
def run_memory(wildcards, attempt):
    """A job that failed is submitted again with more memory, for that may be what it lacked."""
    return chosen(wildcards.study).study.resources.memory_mb * attempt


@inspected_once
def run_minutes(wildcards, attempt):
    """As `run_memory`; a run that hit its limit goes on from its checkpoint."""
    return chosen(wildcards.study).study.resources.minutes * attempt


@inspected_once
def run_gpus(wildcards):
    resources = chosen(wildcards.study).study.resources
    return resources.processes if resources.device == "gpu" else 0


def study_runs(wildcards):
    return run_files(chosen(wildcards.study).name)


def search_runs(wildcards):
    """Records of a study's search for the learning rate."""
    name = chosen(wildcards.study).name
    if not SEARCHES[name]:
        raise WorkflowError(f"study {name} has no key transfer: name rates, sizes and n_tokens of a search")
    return [run_file(name, run_id) for run_id in SEARCHES[name]]


def search_hash(wildcards):
    """Changes when the search does, or the rates that the study assumes."""
    return short_hash(search_options(chosen(wildcards.study).study))


def transfer_targets(wildcards):
    """The searches of all selected studies that have one."""
    if searched := [name for name in TRAINED if SEARCHES[name]]:
        return [f"results/{name}/transfer/verdict.json" for name in searched]
    raise WorkflowError(f"no selected study ({', '.join(STUDIES)}) has a key transfer: there is nothing to search")


def fit_options(wildcards):
    """Command-line options of one fit; the words of `flopscape fit --help`."""
    study, folder = chosen(wildcards.study).study, f"results/{wildcards.study}"
    return commands.fit_options(FITS[wildcards.study][wildcards.fit], study.recommend.flops, folder)


def fit_code(wildcards):
    return made_from.fit_code(FITS[chosen(wildcards.study).name][wildcards.fit].method)


def fit_curves(wildcards):
    fit = FITS[chosen(wildcards.study).name][wildcards.fit]
    return commands.curves_of(fit, f"results/{wildcards.study}")


def varied_fit(wildcards):
    """The recommended fit, whose choices are changed one at a time."""
    planned = chosen(wildcards.study)
    return FITS[planned.name][planned.study.recommended_fit]


def varied_options(wildcards):
    fit, study = varied_fit(wildcards), chosen(wildcards.study).study
    return commands.choices(fit, study.recommend.flops, f"results/{wildcards.study}")


def varied_curves(wildcards):
    return commands.curves_of(varied_fit(wildcards), f"results/{wildcards.study}")


def varied_code(wildcards):
    return fingerprint(*modules_of_sensitivity(varied_fit(wildcards).method))


def study_fits(wildcards):
    return [f"results/{wildcards.study}/fits/{fit}.json" for fit in FITS[chosen(wildcards.study).name]]


def figure_code(wildcards):
    return fingerprint("flopscape.figures.draw", f"flopscape.figures.{wildcards.figure}")


def figure_table(wildcards):
    """The sensitivity table is read by the figure of that name only: the others do not wait for it."""
    return [f"results/{wildcards.study}/sensitivity.csv"] if wildcards.figure == "sensitivity" else []


def figure_options(wildcards):
    return " ".join(f"--sensitivity {path}" for path in figure_table(wildcards))


def figure_title(wildcards):
    return chosen(wildcards.study).study.title


def study_figures(wildcards):
    return figure_files(chosen(wildcards.study).name)


def report_settings(wildcards):
    """What the report takes from the config besides the files it reads."""
    study = chosen(wildcards.study).study
    subject = study.runs.model_dump() if wildcards.study in IMPORTED else study.model.spec()
    return canonical({"title": study.title, "recommend": study.recommend.model_dump(), "study": subject})


def study_twin(wildcards):
    return twin_files(chosen(wildcards.study).name)


def twin_options(wildcards):
    """How much to simulate, and the budgets that the study asks about."""
    study = chosen(wildcards.study).study
    given = [*study.twin.model_dump().items(), *(("flops", repr(flops)) for flops in study.recommend.flops)]
    return " ".join(f"--{name} {value}" for name, value in given)


def imported_files(wildcards):
    return chosen(wildcards.study).files


def import_options(wildcards):
    """The words of `flopscape import`: the table, then its options."""
    return chosen(wildcards.study).options


def experiment_settings(wildcards):
    return canonical(getattr(BIAS, wildcards.experiment).model_dump())


def experiment_mirror(wildcards):
    """The option that names the folder of published tables, for the experiments that read one."""
    mirror = getattr(SETTINGS, "data_mirror", None)
    used = mirror and getattr(BIAS, wildcards.experiment).reads_published
    return f"--mirror {shlex.quote(str(mirror))}" if used else ""


def experiment_code(wildcards):
    return fingerprint("flopscape.bias.run", experiment_module(wildcards.experiment))


def share_this_machine():
    """Runs on this machine share its memory and GPUs, unless `--resources` says otherwise."""
    for name, amount in machine_limits(uses_gpus(planned.study for planned in TRAINED.values())).items():
        workflow.global_resources.setdefault(name, amount)


if workflow.is_main_process:
    outlive_the_terminal()
    keep_finished_runs()
    files = {name: Files(planned, RESULTS / name) for name, planned in STUDIES.items()}
    judge_by_content(files, workflow.modifier.modify_rulename)
    if not workflow.resource_settings.nodes:
        share_this_machine()
    if workflow.output_settings.dryrun:
        atexit.register(print_prices, workflow, TRAINED, IMPORTED.values(), SETTINGS.prices, RESULTS)
        hurry_dry_run(workflow.output_settings.quiet)
