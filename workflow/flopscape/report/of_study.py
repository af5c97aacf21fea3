"""The report of one study from its config and its folder: finds the files, grades the plan, calls report/write.py."""

from dataclasses import asdict
from pathlib import Path

from flopscape.config import Study
from flopscape.figures.names import FIGURES
from flopscape.plan.overview import plan_study
from flopscape.records import dataset_id
from flopscape.report.write import run


def write_report(study_file: Path, results: Path, out: Path) -> None:
    """Write `out` with the suffixes .html and .md from the files under `results`.

    Raises
    ------
    FlopscapeError
        The config is wrong, or a file of the study is missing or broken.
    """
    planned = plan_study(study_file.stem, study_file, results.parent)
    run(
        planned.name,
        planned.study.title,
        results / "runs.csv",
        [results / "fits" / f"{fit.name}.json" for fit in planned.study.fits],
        planned.study.recommended_fit,
        [results / "figures" / f"{figure}.svg" for figure in FIGURES],
        out,
        sensitivity=results / "sensitivity.csv",
        manifest=_manifest(planned.study, results.parent),
        coverage=asdict(planned.coverage),
    )


def _manifest(study: Study, results: Path) -> Path | None:
    if study.simulated or study.dataset is None:
        return None
    return results / "data" / dataset_id(study.dataset.spec()) / "manifest.json"
