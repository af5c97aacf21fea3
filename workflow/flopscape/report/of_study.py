"""The report of one study from its config and its folder: finds the files, names the stale ones, grades the plan."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from flopscape.config.read import read_study
from flopscape.config.study import ImportedStudy
from flopscape.errors import FlopscapeError
from flopscape.figures.names import drawable
from flopscape.fit_command import recompute
from flopscape.plan.imported import PlannedImport, import_words
from flopscape.plan.overview import plan_study
from flopscape.records import FitResult
from flopscape.report.files import refuse_report
from flopscape.report.write import run
from flopscape.stale import Files, Planned
from flopscape.stamps import text_of

AGAIN = "run snakemake again"


def write_report(study_file: Path, results: Path, out: Path) -> None:
    """Write the report, as HTML and as Markdown beside it, from the files under `results`.

    A fit, figure or table of another table of runs, of other options or by other code is named and not shown.

    Raises
    ------
    FlopscapeError
        The config is wrong, a file of the study is missing or broken, the table of runs or the recommended fit is
        stale, or a file must not be written.
    """
    refuse_report(out, [study_file])
    planned = _planned(study_file, results)
    study, files = planned.study, Files(planned, results)
    if other := files.why_table():
        raise FlopscapeError(f"{files.runs}: the table was made {other}; {AGAIN}")
    stale = _stale(files, drawable(study.has_curves))
    if why := stale.get(f"fit {study.recommended_fit}"):
        raise FlopscapeError(f"{files.fits[study.recommended_fit]}: the fit {why}; {AGAIN}")
    fits = {name: path for name, path in files.fits.items() if f"fit {name}" not in stale}
    figures = [name for name in drawable(study.has_curves) if f"figure {name}" not in stale]
    run(
        study_file.stem,
        study.title,
        files.runs,
        fits.values(),
        study.recommended_fit,
        [results / "figures" / f"{figure}.svg" for figure in figures],
        out,
        sensitivity=None if "table of sensitivity" in stale else results / "sensitivity.csv",
        twin=None if "twin" in stale else results / "twin",
        manifest=files.manifest(),
        coverage=None if isinstance(planned, PlannedImport) else asdict(planned.coverage),
        commands=_commands(files, fits),
        inputs=[study_file],
        not_shown=[f"The {what} {why} and is not shown: {AGAIN}." for what, why in stale.items()],
        made_from="" if stale else text_of(files.report_stamp()),
    )


def _planned(study_file: Path, results: Path) -> Planned:
    study = read_study(study_file)
    if isinstance(study, ImportedStudy):
        return PlannedImport(study_file.stem, study_file, study, Path(study.runs.table), import_words(study))
    return plan_study(study_file.stem, study_file, results.parent)


def _stale(files: Files, figures: list[str]) -> Mapping[str, str]:
    """What is not to be shown, and why."""
    folder = files.folder
    judged = {f"fit {name}": (files.fits[name], files.why_fit(name)) for name in files.fits}
    judged |= {
        "table of sensitivity": (folder / "sensitivity.csv", files.why_sensitivity()),
        "twin": (folder / "twin" / "verdict.json", files.why_twin()),
    }
    judged |= {f"figure {name}": (folder / "figures" / f"{name}.svg", files.why_figure(name)) for name in figures}
    found = {what: f"was made {why}" if why else "" for what, (_, why) in judged.items()}
    found |= {what: "is missing" for what, (path, _) in judged.items() if not path.exists()}
    return {what: why for what, why in found.items() if why}


def _commands(files: Files, fits: Mapping[str, Path]) -> list[str]:
    """What makes the fits again, as they say themselves, and the table of sensitivity."""
    study = files.planned.study
    varied = recompute(study.fits, study.recommended_fit, study.recommend.flops, str(files.folder))[-1]
    return [*(FitResult.read(path).made_from["command"] for path in fits.values()), varied]
