"""`flopscape plan-rung`: a rung's file from the files of the study, once what it costs is within the limits."""

from pathlib import Path

from flopscape.config.machine import Prices
from flopscape.config.read import load_study
from flopscape.config.study import Study
from flopscape.design.rung import plan_rung, rungs_below
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec
from flopscape.plan.capacity import Capacity
from flopscape.plan.finished import look_at_runs
from flopscape.plan.price import price_study, refuse_over_limits
from flopscape.plan.rows import plan_rows, runs_below
from flopscape.plan.rungs import Rung, read_rungs
from flopscape.plan.studies import data_hashes
from flopscape.records.checks import read_record
from flopscape.records.run_record import RunRecord


def run(study_file: Path, name: str, results: Path, prices: Prices, out: Path) -> Rung:
    """Plan one rung from the records in `results`, the folder of the study's results, and write it to `out`.

    Raises
    ------
    FlopscapeError
        As `plan_rung`; a record that is broken; a cost beyond the limits. Nothing is written then.
    """
    study = load_study(study_file)
    try:
        below, rung = _planned(study, name, results)
        _refuse_dear(study, [*below, rung], results, prices)
    except FlopscapeError as error:
        raise FlopscapeError(f"{study_file}: {error}") from error
    rung.write(out)
    return rung


def answer(question: Spec) -> Spec:
    """What plan/ask.py asks for: why a rung cannot be planned from the records that are there; its price apart."""
    try:
        _planned(load_study(Path(question["study"])), question["rung"], Path(question["results"]))
    except FlopscapeError as error:
        return {"why": str(error)}
    return {"why": ""}


def _planned(study: Study, name: str, results: Path) -> tuple[list[Rung], Rung]:
    """The rungs below one, and this one by the files in `results`."""
    below = rungs_below(study, name, read_rungs(study, results / "rungs"))
    return below, plan_rung(study, name, below, _records(study, name, below, results / "runs"))


def _records(study: Study, name: str, below: list[Rung], runs: Path) -> dict[str, RunRecord]:
    """The records that are there, of the runs that the rung is planned from."""
    rows = [(row, runs / f"{row.run_id}.json") for row in runs_below(study, name, below)]
    return {row.run_id: read_record(row, path) for row, path in rows if path.exists()}


def _refuse_dear(study: Study, rungs: list[Rung], results: Path, prices: Prices) -> None:
    """Refuse a rung with which the study would cost more than its limits, finished runs counted."""
    rows = plan_rows(study, rungs)
    finished = look_at_runs(rows, results.name, results.parent, data_hashes(study, results.parent))
    price = price_study(results.name, study, rows, finished, finished.reasons, prices, Capacity(1))
    refuse_over_limits(study, price)
