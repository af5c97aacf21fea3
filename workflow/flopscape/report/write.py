"""The report of one study from its config and its folder: which of its files are fresh, and all of them on one page."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from flopscape.checklist.filled import filled
from flopscape.checklist.known import known_of_study
from flopscape.dag.commands import backtest_again, recompute, tasks_again
from flopscape.dag.stale import Files
from flopscape.errors import FlopscapeError
from flopscape.figures.names import drawable
from flopscape.files.outputs import lasting_name
from flopscape.guide.sources import guide_of_study
from flopscape.plan.studies import PlannedStudy, plan_finished
from flopscape.records.fit_file import read_fit
from flopscape.records.stamps import text_of
from flopscape.report.addresses import addresses
from flopscape.report.build import build
from flopscape.report.files import refuse_report, write_report
from flopscape.report.read import Sources, read_evidence

MADE_AGAIN = "run snakemake again"
SCORES = "table of prediction against outcome"


def report_study(study_file: Path, results: Path, out: Path) -> None:
    """Write the report, as HTML and as Markdown beside it, from the files under `results`.

    A fit, figure or table of another table of runs, of other options or by other code is named and not shown. From a
    shell: `flopscape report config/studies/quick.yaml --results results/quick --out results/quick/report.html`.

    Parameters
    ----------
    study_file : Path
        The study's config.
    results : Path
        Its folder, `results/{study}`.
    out : Path
        The page; the Markdown lands beside it with the ending .md.

    Raises
    ------
    FlopscapeError
        The config is wrong, a file of the study is missing or broken, the table of runs or the recommended fit is
        stale, or a file must not be written.
    """
    refuse_report(out, [study_file])
    planned = plan_finished(study_file, results.parent)
    files, names = Files(planned, results), drawable(planned.study.has_curves)
    if other := files.why_table():
        raise FlopscapeError(f"{files.runs}: the table was made {other}; {MADE_AGAIN}")
    stale, recommended = _stale(files, names), planned.study.recommended_fit
    if why := stale.get(f"fit {recommended}"):
        raise FlopscapeError(f"{files.fits[recommended]}: the fit {why}; {MADE_AGAIN}")
    sources = replace(_sources(study_file.stem, files, names, stale), addresses=addresses(results, study_file, out))
    refuse_report(out, [study_file, *sources.files])
    write_report(build(read_evidence(sources)), out)


def _sources(name: str, files: Files, figures: list[str], stale: Mapping[str, str]) -> Sources:
    """All that a report reads, without what is stale."""
    planned, results = files.planned, files.folder
    study, is_planned = planned.study, isinstance(planned, PlannedStudy)
    return Sources(
        study=name,
        title=study.title,
        runs=files.runs,
        fits=[path for fit, path in files.fits.items() if f"fit {fit}" not in stale],
        recommended=study.recommended_fit,
        figures=[results / "figures" / f"{figure}.svg" for figure in figures if f"figure {figure}" not in stale],
        sensitivity=None if "table of sensitivity" in stale else results / "sensitivity.csv",
        backtest=None if "backtest" in stale else results / "backtest.csv",
        validation=None if SCORES in stale else files.validation,
        archive=files.archive if files.archive.exists() else None,
        tasks={task: files.tasks([task])[0] for task in study.downstream if f"task {task}" not in stale},
        twin=None if "twin" in stale else results / "twin",
        guide=guide_of_study(planned, results),
        checklist=filled(known_of_study(planned, results)),
        forecast=files.forecast if is_planned and "forecast" not in stale else None,
        rungs=planned.rungs if isinstance(planned, PlannedStudy) else (),
        manifest=files.manifest(),
        coverage=planned.coverage if isinstance(planned, PlannedStudy) else None,
        commands=_commands(files, stale),
        not_shown=[f"The {output} {why} and is not shown: {MADE_AGAIN}." for output, why in stale.items()],
        made_from="" if stale else text_of(files.report_stamp()),
    )


def _stale(files: Files, figures: list[str]) -> Mapping[str, str]:
    """What is not to be shown, and why."""
    folder = files.folder
    judged = {f"fit {name}": (files.fits[name], files.why_fit(name)) for name in files.fits}
    judged |= {
        "table of sensitivity": (folder / "sensitivity.csv", files.why_sensitivity()),
        "backtest": (folder / "backtest.csv", files.why_backtest()),
        "twin": (folder / "twin" / "verdict.json", files.why_twin()),
    }
    if isinstance(files.planned, PlannedStudy):
        judged["forecast"] = files.forecast, files.why_forecast()
    judged |= {SCORES: (files.validation, files.why_validation())} if files.validation else {}
    judged |= {f"figure {name}": (folder / "figures" / f"{name}.svg", files.why_figure(name)) for name in figures}
    tasks = files.planned.study.downstream
    judged |= {f"task {name}": (path, files.why_task(name)) for name in tasks for path in files.tasks([name])[:2]}
    reasons = {output: f"was made {why}" if why else "" for output, (_, why) in judged.items()}
    # Second, for what is missing is stale in no other way.
    reasons |= {output: "is missing" for output, (path, _) in judged.items() if not path.exists()}
    return {output: why for output, why in reasons.items() if why}


def _commands(files: Files, stale: Mapping[str, str]) -> list[str]:
    """What makes the fresh fits again, as they say themselves, and what is made of all fits."""
    study, folder = files.planned.study, lasting_name(files.folder)
    varied = recompute(study.fits, study.recommended_fit, study.recommend.flops, folder)[-1]
    fresh = [path for name, path in files.fits.items() if f"fit {name}" not in stale]
    again = [varied, backtest_again(study.fits, folder), *tasks_again(study, folder)]
    return [*(read_fit(path).made_from["command"] for path in fresh), *again]
