"""What is selected, and what the rules ask of it: `ask.…`, `rungs.…` and `tasks.…` stand in them as input and other functions.

All of it is computed by flopscape/dag/: selection.py reads and plans, rule_inputs.py and rungs.py answer the rules,
start.py prices what is due and refuses what must not start. Here is only what needs the names that Snakemake gives to its files.

Rules with `localrule: True` take seconds, or need the network, which machines of a cluster often lack: they run beside
Snakemake itself, wherever the other jobs go.
"""

from snakemake.exceptions import WorkflowError
from snakemake.io import local

from flopscape.atlas.tables import METHODS, TABLES, file_of
from flopscape.config.bias import EXPERIMENTS
from flopscape.dag import snakemake_inside as inside
from flopscape.dag.comparisons import ComparisonInputs
from flopscape.dag.own_package import use_own_package
from flopscape.dag.rerun import Forced, Judged, JudgedBeside, Kind
from flopscape.dag.rule_inputs import RuleInputs
from flopscape.dag.rungs import RungInputs
from flopscape.dag.selection import ANY_ID, ANY_NAME, ANY_RUNG, RESULTS, Selection, written_config
from flopscape.dag.stale import TEMPLATE, Files
from flopscape.dag.start import watch
from flopscape.dag.tasks import TaskInputs
from flopscape.errors import FlopscapeError
from flopscape.fingerprint import fingerprint
from flopscape.fitting.methods import modules_of_backtest
from flopscape.records.stamps import hash_of
from flopscape.report.after_run import print_answers, print_verdict


def read_comparisons(selection):
    """What `compare` of the config asks for, of the studies that are selected."""
    try:
        return ComparisonInputs(selection)
    except FlopscapeError as error:
        raise WorkflowError(str(error)) from None


def read_selection():
    """The studies of config.yaml, or of the config that another workflow hands over."""
    results = inside.where_stored(workflow, RESULTS)
    try:
        if inside.has_config_handed_over(workflow):
            return Selection(config, results)
        return Selection(written_config(config, *inside.configs_given(workflow)), results)
    except FlopscapeError as error:
        raise WorkflowError(str(error)) from None


# In this order: rules are read after this file and name `ask`, `rungs`, `tasks` and `compared`; `watch` hands Snakemake
# what it asks before the first job.
selected = read_selection()
forced = Forced(workflow)
compared = read_comparisons(selected)
ask = RuleInputs(selected, forced.is_forced)
rungs = RungInputs(selected, forced.is_forced)
tasks = TaskInputs(selected)
use_own_package()
watch(workflow, compared, print_answers, print_verdict)


wildcard_constraints:
    study=ANY_NAME,
    run_id=ANY_ID,
    rung=ANY_RUNG,
    check=ANY_ID,
    fit="[A-Za-z0-9][A-Za-z0-9_.-]*",
    task="[A-Za-z0-9][A-Za-z0-9_.-]*",
    figure="[a-z]+",
    dataset="[a-z0-9_]+-[0-9a-f]{8}",
    experiment="exp[0-9]{2}",
    published="|".join(TABLES),


@inside.inspected_once
def run_after_trunk(wildcards):
    """What a run waits for, and the trunk of an untrained branch."""
    if trunk := ask.trunk(wildcards):
        # `get` raises until the trunk has been trained: Snakemake then asks again, and so the branch waits.
        first = checkpoints.train_trunk.get(study=wildcards.study, run_id=trunk).output
        return [*ask.run_inputs(wildcards), *first]
    return ask.run_inputs(wildcards)


def runs_of_growing(_):
    """The records of all studies that grow, as far as they are known; `rule all` waits for their rungs as well."""
    return [path for name in selected.growing for path in selected.run_files(name)]


def published_file(wildcards):
    """The file of a published table, where the mirror has it: its refits are made again when it comes or changes."""
    file = file_of(wildcards.published, selected.settings.data_mirror)
    return local(str(file)) if file else []


def code_of_refits(_):
    """Fingerprint of the code that fits published tables again; methods are imported by name."""
    return fingerprint("flopscape.atlas.refits", *modules_of_backtest(METHODS))
