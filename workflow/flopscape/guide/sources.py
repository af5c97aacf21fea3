"""Where the facts of a guide come from: a study with whatever of its results is fresh, or a table of runs alone."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from flopscape.answers.backtest.scores import scores
from flopscape.answers.backtest.words import sentences
from flopscape.config.study import ImportedStudy, Study
from flopscape.dag.stale import Files
from flopscape.dag.stale_fits import Planned
from flopscape.errors import FlopscapeError
from flopscape.figures.tables import read_backtest
from flopscape.files.json_text import read_json
from flopscape.fitting import vpnls
from flopscape.guide.facts import Facts, Training, facts_of
from flopscape.guide.measured import measured, told
from flopscape.guide.walk import Walk, walk
from flopscape.plan.studies import PlannedStudy, plan_finished, train_units
from flopscape.records.backtest import Forecast
from flopscape.records.fit_file import read_fit
from flopscape.records.fit_result import Estimate
from flopscape.records.metrics import LOSS
from flopscape.runs.read import read_runs, table_of
from flopscape.text import numbers

AGAIN = "delete it and run snakemake again"


def guide_of(subject: Path, flops: Sequence[float], results: Path) -> Walk:
    """The guide of a study file with what lies under `results`, or of a table of runs.

    Raises
    ------
    FlopscapeError
        As the two below; or compute asked of a study, which names its own.
    """
    if subject.suffix.lower() not in (".yaml", ".yml"):
        return guide_of_table(subject, flops)
    if flops:
        raise FlopscapeError("guide: --flops is for a table of runs; a study names its compute under recommend.flops")
    return guide_of_study(plan_finished(subject, results), results / subject.stem)


def guide_of_table(runs: Path, flops: Sequence[float]) -> Walk:
    """The guide of anyone's table of runs; a law is fitted to it to see its floor, nothing else is known.

    Raises
    ------
    FlopscapeError
        As `read_runs`, or a table without a completed run.
    """
    table = read_runs(runs)
    if not len(table):
        raise FlopscapeError(f"{runs}: no completed run is left to look at")
    facts = facts_of(table, str(runs), True, flops, Training())
    # Only the interval of E counts here: the fewest resamples that tell it from zero.
    fit, _ = vpnls.estimate(table, bootstrap=100)
    asked = "".join(f" --flops {c:g}" for c in flops) or " --flops 1e24"
    commands = {
        "backtest": f"flopscape backtest {runs} --out backtest.csv",
        "twin": f"flopscape twin {runs}{asked} --out twin",
    }
    return walk(replace(facts, floor=(fit.surface or {}).get("E")), measured([], None, commands))


def guide_of_study(planned: Planned, folder: Path) -> Walk:
    """The guide of a study: of its runs where its table is fresh, else of its plan; `folder` is `results/{study}`.

    Raises
    ------
    FlopscapeError
        Neither runs nor a plan: a study that imports its runs and has not.
    """
    files = Files(planned, folder)
    facts = _facts(files)
    forecasts = _forecasts(files)
    tested = scores(forecasts)
    answering = planned.study.recommended_fit
    facts = replace(
        facts,
        answering=answering,
        floor=_floor(files),
        tested=next((one for one in tested if one.fit == answering), None),
        untested="" if told(tested) or not forecasts else sentences(forecasts)[0],
    )
    commands = _commands(files, facts.measured)
    twin = folder / "twin" / "verdict.json"
    verdict = read_json(twin, AGAIN) if _is_fresh(twin, files.why_twin()) else None
    return walk(facts, measured(tested, verdict, commands, facts.untested))


def _facts(files: Files) -> Facts:
    """Of the runs where there is a fresh table of them, else of the plan."""
    planned = files.planned
    asked, training = planned.study.recommend.flops, _training(files)
    if _is_fresh(files.runs, files.why_table()):
        table = read_runs(files.runs)
        if len(table):
            return facts_of(table, planned.name, True, asked, training)
    # Hidden runs and scouts are no part of the design that a fit sees.
    fitted = [row for row in planned.rows if row.role == "fit"] or planned.rows
    if not fitted:
        raise FlopscapeError(f"{files.runs}: the runs are not imported yet; run snakemake first")
    columns = ("n_params", "n_tokens", "flops", "budget", "run_id", "seed")
    rows = pd.DataFrame([{name: getattr(row, name) for name in columns} for row in fitted])
    simulated = isinstance(planned.study, Study) and planned.study.simulated
    # A loss that stands for none: nothing of it is looked at.
    table = table_of(rows.assign(loss=1.0, simulated=simulated), planned.name, measured=False)
    return facts_of(table, planned.name, False, asked, training)


def _is_fresh(path: Path, why: str) -> bool:
    return path.exists() and not why


def _training(files: Files) -> Training:
    """What the study says of how its runs are trained; nothing for runs that were trained elsewhere."""
    planned = files.planned
    if not isinstance(planned, PlannedStudy) or isinstance(planned.study, ImportedStudy):
        return Training()
    settings = planned.study.training
    schedules = {
        "wsd": f"wsd: each run decays over the last {numbers.percent(settings.decay_fraction)} of its own steps.",
        "cosine": "cosine: each run's rate falls to a tenth over its own length.",
        "constant": "constant: no run decays its rate at all, and every loss is the higher for it.",
    }
    ends = settings.schedule != "constant" and not (settings.schedule == "wsd" and not settings.decay_fraction)
    words = {"rates": "none", "rates_words": f"{_rule(settings)} No search across sizes is planned."}
    if planned.study.transfer is not None:
        words = {"rates": "planned", "rates_words": f"{_rule(settings)} A search is planned and not carried out."}
        verdict = files.folder / "transfer" / "verdict.json"
        if _is_fresh(verdict, files.why_transfer()):
            found = read_json(verdict, AGAIN)
            words = {"rates": found["status"], "rates_words": found["reason"]}
    units = train_units(planned.study, files.folder.parent)
    return Training(ends, schedules[settings.schedule], train_units=units, **words)  # type: ignore[arg-type]


def _rule(settings: Any) -> str:
    """The rule of the learning rate in a sentence."""
    return f"The rule of the rate is {settings.learning_rate_scaling} ({settings.learning_rate:g} at its base)."


def _floor(files: Files) -> Estimate | None:
    """E of the first fresh fit of the loss by a law with a floor."""
    fresh = (read_fit(path) for name, path in files.fits.items() if _is_fresh(path, files.why_fit(name)))
    for fit in fresh:
        if fit.metric == LOSS and "E" in fit.law_parameters:
            return fit.law_parameters["E"]
    return None


def _forecasts(files: Files) -> list[Forecast]:
    """The lines of the study's backtest."""
    path = files.folder / "backtest.csv"
    return read_backtest(path) if _is_fresh(path, files.why_backtest()) else []


def _commands(files: Files, has_runs: bool) -> dict[str, str]:
    """What measures the errors of the methods: rules of the workflow, and before there are runs a twin of the plan."""
    name = files.planned.name
    made = f"snakemake --config studies={name}"
    plan = f"flopscape plan {files.planned.path} --csv plan.csv && flopscape twin plan.csv --out twin"
    return {"backtest": made, "twin": made if has_runs else plan}
