"""Before the first job: what the runs that are due cost, and what must stop them.

Asked for while the Snakefile is parsed, and held in every way of running: the root Snakefile, workflow/Snakefile from
anywhere, a workflow that uses this one as a module under any names, and `--no-hooks`.
"""

import atexit
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from snakemake.exceptions import WorkflowError

from flopscape.dag import snakemake_inside as inside
from flopscape.dag.comparisons import ComparisonInputs
from flopscape.dag.kept_records import keep_finished_runs
from flopscape.dag.own_package import COMMAND, refuse_without_command, refuse_without_image
from flopscape.dag.rerun import Kind, is_training, judge_by_content
from flopscape.dag.selection import RESULTS, Selection
from flopscape.dag.shared import taken_from
from flopscape.dag.stale_fits import Planned
from flopscape.design.of_plan import kept_sentences, stopped_sentences
from flopscape.errors import FlopscapeError
from flopscape.plan.capacity import Capacity, machine_limits
from flopscape.plan.finished import Finished, refuse_other_data
from flopscape.plan.imported import free_text
from flopscape.plan.price import refuse_over_limits
from flopscape.plan.price_table import price_text
from flopscape.plan.rung_words import warnings_of
from flopscape.plan.studies import PlannedStudy, data_folders, data_hashes, look_at_study, price_of, price_planned
from flopscape.text.numbers import plural
from flopscape.text.terminal import say
from flopscape.training.stopping import outlive_the_terminal

Answers = Callable[[Mapping[str, Planned], Path], None]
Verdict = Callable[[str, ComparisonInputs], None]
SELECTED: dict[str, Selection] = {}
"""Who selected each study of this invocation: this workflow, or a module that is this workflow."""
COMPARED: dict[str, ComparisonInputs] = {}
"""Who asked for each comparison of this invocation."""


def watch(
    workflow: inside.Workflow, compared: ComparisonInputs, print_answers: Answers, print_verdict: Verdict
) -> None:
    """Keep what is paid for, judge what is stale, price what is due, and refuse what must not start.

    Parameters
    ----------
    workflow : Workflow
        Snakemake's own.
    compared : ComparisonInputs
        The comparisons of this workflow, with the studies that it selects.
    print_answers : callable
        Called after a run with all studies of the invocation, and the folder of results.
    print_verdict : callable
        Called after them with the name of each comparison, and who asked for it.

    Raises
    ------
    WorkflowError
        A workflow that uses this one gives its paths a prefix.
    """
    if inside.moves_results(workflow):
        raise WorkflowError(
            f"the module {COMMAND} keeps its files in {RESULTS}/{{study}}/ and takes no prefix: of its paths; "
            "leave that line out, and name its rules apart with `use rule * from … as scaling_*`"
        )
    if not inside.is_first_process(workflow):
        return
    # Read before the line below fills it: the first workflow or module of an invocation begins it, later ones join in.
    is_new, selection = not SELECTED, compared.selection
    COMPARED.update(dict.fromkeys(compared.asked, compared))
    SELECTED.update(dict.fromkeys(selection.studies, selection))
    judge_by_content(selection.studies, selection.files)
    selection.when_grown = go_on
    if not inside.is_on_cluster(workflow):
        inside.share_machine(workflow, machine_limits(selection.uses_gpus()))
    if is_new:
        _begin(workflow, print_answers, print_verdict)


def _begin(workflow: inside.Workflow, print_answers: Answers, print_verdict: Verdict) -> None:
    """Once an invocation, however often the Snakefile is read in it: `use rule … from` reads it anew each time."""
    outlive_the_terminal()
    keep_finished_runs()
    if inside.is_dry_run(workflow):
        # At the end of the process, after Snakemake's own list of jobs, under which a price would be out of sight.
        atexit.register(print_prices, workflow)
        inside.hurry_dry_run(workflow)
    else:
        inside.before_first_job(lambda: refuse_to_start(workflow))
        inside.after_success(workflow, lambda: print_all_answers(print_answers, print_verdict))


def print_all_answers(print_answers: Answers, print_verdict: Verdict) -> None:
    """Print the answers of each study from where its results are read, and the verdict of each comparison."""
    for name, selection in SELECTED.items():
        print_answers({name: selection.chosen(name)}, selection.results)
    for name, compared in COMPARED.items():
        print_verdict(name, compared)


def print_prices(workflow: inside.Workflow) -> None:
    """At the end of a dry run: what the runs still to do would cost, by study; nothing where there is no DAG."""
    if not inside.has_dag(workflow):
        return
    due, taken = runs_due(workflow), taken_sentences(workflow)
    for name, selection in SELECTED.items():
        if name in selection.imported:
            print(f"\n{free_text(selection.imported[name])}", flush=True)
            continue
        planned, prices, room = selection.trained_study(name), selection.settings.prices, inside.room(workflow)
        seen = price_planned(planned, prices, room, selection.results, due[name])
        expected = stopped_sentences(planned, selection.results) + kept_sentences(planned, is_due=bool(due[name]))
        expected += taken[name]
        text = price_text(seen.study, seen.price, seen.coverage, seen.finished, expected)
        print(f"\n{text}", flush=True)
        try:
            _refuse(workflow, seen, seen.finished, due[name])
        except FlopscapeError as error:
            print(f"REFUSED: {error}", flush=True)
    for name, compared in COMPARED.items():
        if name in compared.left_out:
            print(f"\n{compared.left_out[name]}", flush=True)


def refuse_to_start(workflow: inside.Workflow) -> None:
    """A study over its limits, with a broken record, or with runs due on other data than before stops everything.

    Raises
    ------
    WorkflowError
        With a sentence for each record, or the first of the others.
    """
    for name, due in runs_due(workflow).items():
        selection = SELECTED[name]
        planned = selection.trained_study(name)
        finished = look_at_study(planned, selection.results)
        if finished.broken:
            raise WorkflowError("\n".join(finished.broken))
        try:
            _refuse(workflow, planned, finished, due)
        except FlopscapeError as error:
            raise WorkflowError(str(error)) from None
    # Last, for it needs no plan; environments and images bring the command along.
    methods = inside.deployed_by(workflow)
    if "APPTAINER" in methods:
        for selection in SELECTED.values():
            refuse_without_image(selection.settings.container)
    elif "CONDA" not in methods:
        refuse_without_command()


def go_on(planned: PlannedStudy) -> None:
    """When a rung is planned: say what to doubt of it; raise WorkflowError where its study now costs too much."""
    for warning in warnings_of(planned.rungs[-1:]):
        say(f"warning: study {planned.name}: {warning}", sys.stderr)
    try:
        _refuse_dear(planned, look_at_study(planned, SELECTED[planned.name].results), {})
    except FlopscapeError as error:
        raise WorkflowError(str(error)) from None


def runs_due(workflow: inside.Workflow) -> dict[str, dict[str, str]]:
    """The runs to be trained, less those whose record is taken from another study: by study, run id → why."""
    due: dict[str, dict[str, str]] = {name: {} for name, of in SELECTED.items() if name in of.trained}
    for job in inside.jobs_due(workflow):
        if is_training(job) and not taken_from(job.input, job.wildcards.run_id):
            due[job.wildcards.study][job.wildcards.run_id] = "forced"
    return due


def taken_sentences(workflow: inside.Workflow) -> dict[str, list[str]]:
    """How many runs each study takes from which other one, which trains or has trained them, as sentences."""
    jobs = [job for job in inside.jobs_due(workflow) if is_training(job)]
    taken = Counter((job.wildcards.study, taken_from(job.input, job.wildcards.run_id)) for job in jobs)
    sentences: dict[str, list[str]] = defaultdict(list)
    for (name, owner), count in taken.items():
        if owner:
            runs = plural(count, "run")
            sentences[name].append(f"{runs} that {owner} plans too: their records are taken from there")
    return sentences


def _refuse(workflow: inside.Workflow, planned: PlannedStudy, finished: Finished, due: dict[str, str]) -> None:
    _refuse_dear(planned, finished, due)
    _refuse_changed_data(workflow, planned, finished, due)


def _refuse_dear(planned: PlannedStudy, finished: Finished, due: dict[str, str]) -> None:
    """Limits are those of the whole study: runs that only a later start trains count, and so do forced ones."""
    # The later wins: what records say of a run that is due is more than that it is.
    prices, todo = SELECTED[planned.name].settings.prices, due | finished.reasons
    refuse_over_limits(planned.study, price_of(planned, finished, todo, prices, Capacity(1)))


def _refuse_changed_data(
    workflow: inside.Workflow, planned: PlannedStudy, finished: Finished, due: Mapping[str, str]
) -> None:
    """Compare the data as they are; those that are to be made first, `check_plugins` compares afterwards."""
    results = SELECTED[planned.name].results
    folders, now = data_folders(planned.study, results), data_hashes(planned.study, results)
    prepared = {job.wildcards.dataset for job in inside.jobs_due(workflow) if inside.kind_of(job) is Kind.PREPARING}
    kept = {name: data_hash for name, data_hash in now.items() if folders[name].name not in prepared}
    if due:
        refuse_other_data(planned.name, finished, folders, kept)
