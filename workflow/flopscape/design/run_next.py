"""`flopscape next`: reads the study or the table, finds the runs, and writes what it was told to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from flopscape.design.next_runs import NextRuns, Spend, Trainer, next_runs
from flopscape.design.next_words import text
from flopscape.design.write_rows import write_rows
from flopscape.errors import FlopscapeError, listed
from flopscape.files.outputs import refuse_output, write_text
from flopscape.plan.studies import PlannedStudy, plan_finished, settings
from flopscape.runs.read import read_runs
from flopscape.runs.table import RunTable
from flopscape.text import numbers


def run(
    subject: Path,
    targets: Sequence[float],
    spend_text: str,
    pool: Path | None,
    write: bool,
    out: Path | None,
    columns: Mapping[str, str],
    config: Path,
    results: Path,
) -> str:
    """What is printed; the file of `out`, and with `write` the study's, are written.

    Raises
    ------
    FlopscapeError
        Whatever is wrong with what is asked; nothing is written then.
    """
    spend = Spend.read(spend_text)
    if out is not None:
        refuse_output(out, [subject, pool])
    asked = read_subject(subject, columns, write, config, results)
    found = next_runs(asked.runs, targets, spend, asked.trainer, pool)
    added = [_added(subject, found, targets, spend_text, results)] if write else []
    return "\n".join([text(found, asked.name), *_written(found, out), *added])


class Subject(NamedTuple):
    """What is asked about: a name, its finished runs, and the study that trains such runs where there is one."""

    name: str
    runs: RunTable
    trainer: Trainer | None = None


def read_subject(subject: Path, columns: Mapping[str, str], write: bool, config: Path, results: Path) -> Subject:
    """The runs of a table, or of a study; with `write` it has to be a study that trains them."""
    if subject.suffix not in (".yaml", ".yml"):
        if write:
            raise FlopscapeError(f"--write: {subject} is a table of runs, and no study to add runs to")
        return Subject(str(subject), read_runs(subject, columns))
    if columns:
        raise FlopscapeError("--column is for a table of runs; a study's own table has its conventions")
    planned = plan_finished(subject, results)
    runs = read_runs(_runs_of(planned.name, results))
    if isinstance(planned, PlannedStudy):
        _refuse_other_plan(runs, planned)
        return Subject(planned.name, runs, Trainer(planned, settings(config).prices, results))
    if write:
        raise FlopscapeError(f"--write: the runs of {subject} are imported; it trains none that could be added")
    return Subject(planned.name, runs)


def _added(subject: Path, found: NextRuns, targets: Sequence[float], spend: str, results: Path) -> str:
    """Add the runs to the study's file, where they are worth anything; in words what was done."""
    if found.is_nothing_worth_it:
        return f"{subject}: nothing was added"
    asked = " ".join(f"--target {target:g}" for target in targets)
    write_rows(subject, found.bought.rows, f"flopscape next {asked} --spend {spend}", results)
    command = f"snakemake --config studies={subject.stem}"
    return f"{subject}: {len(found.bought)} rows added; `{command} -n` prices them, `{command}` trains them"


def _runs_of(name: str, results: Path) -> Path:
    table = results / name / "runs.csv"
    if not table.exists():
        raise FlopscapeError(
            f"{table}: not there; the next runs are chosen after the first: run `snakemake --config studies={name}`"
        )
    return table


def _refuse_other_plan(runs: RunTable, planned: PlannedStudy) -> None:
    """Raise FlopscapeError for a table with runs that the study does not plan; planned ones may be missing from it."""
    planned_runs = {row.run_id for row in planned.rows}
    if strange := sorted({str(run_id) for run_id in runs.run_id} - planned_runs):
        raise FlopscapeError(
            f"{runs.path}: holds {numbers.plural(len(strange), 'run')} that the study does not plan "
            f"({listed(strange, 3)}); run `snakemake --config studies={planned.name}`"
        )


def _written(found: NextRuns, out: Path | None) -> list[str]:
    if out is None:
        return []
    write_text(out, found.frame().to_csv(index=False))
    return [f"{out}: written"]
