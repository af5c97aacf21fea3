"""The report of one study from its config and its folder: finds the files, names the stale ones, grades the plan.

The report of a study: reads its files, writes report.html and report.md beside each other.
"""

import platform
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jinja2 import Environment

from flopscape.config.read import read_study
from flopscape.config.study import ImportedStudy
from flopscape.dag.commands import recompute
from flopscape.dag.stale import Files, Planned
from flopscape.errors import FlopscapeError
from flopscape.figures.names import drawable
from flopscape.figures.tables import VARIED, complete, read_csv, with_budgets
from flopscape.files.json_text import read_json
from flopscape.fitting.common.draws_file import read_fits
from flopscape.plan.imported import PlannedImport, words_of_study
from flopscape.plan.studies import plan_study
from flopscape.records.fit_result import FitResult
from flopscape.records.stamps import text_of
from flopscape.report import twin as twins
from flopscape.report.build import build
from flopscape.report.evidence import Evidence
from flopscape.report.files import refuse_report, write_report

MADE_AGAIN = "run snakemake again"


def report_study(study_file: Path, results: Path, out: Path) -> None:
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
        raise FlopscapeError(f"{files.runs}: the table was made {other}; {MADE_AGAIN}")
    stale = _stale(files, drawable(study.has_curves))
    if why := stale.get(f"fit {study.recommended_fit}"):
        raise FlopscapeError(f"{files.fits[study.recommended_fit]}: the fit {why}; {MADE_AGAIN}")
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
        not_shown=[f"The {what} {why} and is not shown: {MADE_AGAIN}." for what, why in stale.items()],
        made_from="" if stale else text_of(files.report_stamp()),
    )


def _planned(study_file: Path, results: Path) -> Planned:
    study = read_study(study_file)
    if isinstance(study, ImportedStudy):
        return PlannedImport(study_file.stem, study_file, study, Path(study.runs.table), words_of_study(study))
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


CAPTIONS = Path(__file__).with_name("captions.rst")
"""The captions of all figures, shared with `snakemake --report`."""
AGAIN = "delete its folder and run snakemake again"
PACKAGES = ("flopscape", "numpy", "scipy", "pandas", "matplotlib", "torch", "accelerate", "snakemake")


def run(
    study: str,
    title: str,
    runs: str | Path,
    fits: Iterable[str | Path],
    recommended: str,
    figures: Iterable[str | Path],
    out: str | Path,
    *,
    sensitivity: str | Path | None = None,
    twin: str | Path | None = None,
    manifest: str | Path | None = None,
    coverage: Mapping[str, Any] | None = None,
    commands: Sequence[str] = (),
    inputs: Iterable[str | Path] = (),
    not_shown: Sequence[str] = (),
    made_from: str = "",
) -> list[Path]:
    """Write the report as HTML and as Markdown beside it; the same inputs give the same bytes.

    Parameters
    ----------
    study, title : str
        The study's name, as in `results/{study}`, and its title.
    runs, fits, figures : path, paths, paths
        `runs.csv`; FitResults and SVG files, which go by their files' names and in this order.
    recommended : str
        Name of the fit that the recommendation rests on.
    sensitivity, manifest : path, optional
        The table of `flopscape sensitivity`; the dataset's `manifest.json`, which simulated runs have not, and which
        is gone with the data.
    twin : path, optional
        The folder that `flopscape twin` wrote.
    coverage : mapping, optional
        `grade`, and `reasons`, a list of sentences.
    commands : sequence of str
        What makes the fits again, each as a line of a shell.
    inputs : paths
        What else was read, such as the study's own file.
    not_shown : sequence of str
        Sentences on what belongs to another table, other options or other code, and is left out.
    made_from : str
        The stamp of the report: see records/stamps.py.

    Raises
    ------
    FlopscapeError
        A file cannot be read or must not be written, or the recommended fit is not among the fits.
    """
    fits, figures = list(fits), list(figures)
    parts = [Path(twin) / name for name in ("twin.csv", "verdict.json", "figure.svg")] if twin else []
    refuse_report(out, [*inputs, runs, *fits, *figures, sensitivity, *parts, manifest])
    results = _results(fits, recommended)
    shown = {Path(path).stem: Path(path) for path in figures}
    evidence = Evidence(
        study, title, with_budgets(complete(read_csv(runs)), results.values()), results, recommended, shown,
        sensitivity=None if sensitivity is None else read_csv(sensitivity, VARIED),
        captions={name: caption(name) for name in shown},
        twin=twins.read(Path(twin)) if twin else None,
        manifest=read_json(manifest, AGAIN) if manifest and Path(manifest).exists() else {},
        coverage=coverage or {}, environment=versions(), commands=commands,
        not_shown=not_shown, made_from=made_from,
    )  # fmt: skip
    return write_report(build(evidence), out)


def _results(fits: Iterable[str | Path], recommended: str) -> dict[str, FitResult]:
    """Fits by name; the recommended one must be there."""
    results = read_fits(fits)
    if recommended not in results:
        known = ", ".join(results) or "the fits, for there are none"
        raise FlopscapeError(f"report: fit {recommended} is not among {known}")
    return results


def caption(figure: str) -> str:
    """The caption of a figure on one line; empty where there is none.

    >>> caption("loss").split(",")[0]
    'The final loss of the compute-optimal run against compute'
    """
    template = Environment(trim_blocks=True).from_string(CAPTIONS.read_text(encoding="utf-8"))
    return " ".join(template.render(snakemake={"wildcards": {"figure": figure}}).split())


def versions() -> dict[str, str]:
    """Versions in this environment."""
    known = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            known[name] = version(name)
    return known
