"""The report of one study from its config and its folder: finds the files, grades the plan, calls report/write.py."""

from dataclasses import asdict
from pathlib import Path

from flopscape.config.read import read_study
from flopscape.config.study import ImportedStudy
from flopscape.figures.names import drawable
from flopscape.fit_command import recompute
from flopscape.plan.overview import dataset_manifest, plan_study
from flopscape.report.write import run


def write_report(study_file: Path, results: Path, out: Path) -> None:
    """Write the report, as HTML and as Markdown beside it, from the files under `results`.

    Raises
    ------
    FlopscapeError
        The config is wrong, a file of the study is missing or broken, or one must not be written.
    """
    study = read_study(study_file)
    imported = isinstance(study, ImportedStudy)
    run(
        study_file.stem,
        study.title,
        results / "runs.csv",
        [results / "fits" / f"{fit.name}.json" for fit in study.fits],
        study.recommended_fit,
        [results / "figures" / f"{figure}.svg" for figure in drawable(study.has_curves)],
        out,
        sensitivity=results / "sensitivity.csv",
        twin=results / "twin",
        manifest=results / "manifest.json"
        if isinstance(study, ImportedStudy)
        else dataset_manifest(study, results.parent),
        coverage=None if imported else asdict(plan_study(study_file.stem, study_file, results.parent).coverage),
        commands=recompute(study.fits, study.recommended_fit, study.recommend.flops, str(results)),
        inputs=[study_file],
    )
