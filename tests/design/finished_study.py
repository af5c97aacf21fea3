"""A finished study in a folder: simulated runs, their table and the fit of the answer, as the workflow leaves them."""

from pathlib import Path
from typing import Any

from flopscape.config.yaml12 import dump_yaml
from flopscape.fitting.fit import run as fit
from flopscape.plan.studies import plan_study
from flopscape.plugins.surface import Surface
from flopscape.runs.collect import run as collect

SURFACE = {"E": 1.0, "A": 30.0, "B": 400.0, "alpha": 0.4, "beta": 0.5, "noise": 0.005}
WIDTHS = (16, 24, 32, 48, 64, 96, 128)


def config(**changes: Any) -> dict[str, Any]:
    """The study `quick` at three budgets, without its twin."""
    sizes = [{"width": width, "depth": 2} for width in WIDTHS]
    return {
        "title": "Simulated sweep",
        "model": {"plugin": "flopscape.plugins.gpt:GPT"},
        "trainer": {"plugin": "flopscape.plugins.surface:Surface", "kwargs": SURFACE},
        "sweep": {"isoflop": {"budgets": [1e11, 1e12, 1e13], "sizes": sizes}},
        "fits": ["answer"],
        "recommend": {"flops": [1e14]},
    } | changes


def finish(folder: Path, study: dict[str, Any]) -> Path:
    """Write the study and all that follows from it into a folder; returns the study's file."""
    path, results = folder / "study.yaml", folder / "results"
    path.write_text(dump_yaml(study))
    planned = plan_study("study", path, results)
    runs = results / "study/runs"
    runs.mkdir(parents=True)
    for row in planned.rows:
        Surface(**SURFACE).train(row.spec).write(runs / f"{row.run_id}.json")
    collect(planned.rows, runs, results / "study/runs.csv")
    (results / "study/fits").mkdir()
    fit(results / "study/runs.csv", results / "study/fits/answer.json", "answer", flops=[1e14], bootstrap=256)
    return path
