"""`snakemake --report` of a finished study: what is in it, and what a browser shows of it without a network."""

import base64
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest

from flopscape.figures.names import FIGURES
from flopscape.report.read import caption
from tests.workflow.chromium import CHROMIUM, WHY_NO_CHROMIUM, visit
from tests.workflow.conftest import Checkout

SHOWN = [
    "runs.csv",
    "sensitivity.csv",
    "backtest.csv",
    "prediction.md",
    "checklist.md",
    "report.html",
    "twin/twin.csv",
    "twin/figure.svg",
]
SHOWN += [f"figures/{name}.svg" for name in FIGURES]
FIND_A_FIGURE_AND_A_TABLE = """
const studies = [...document.querySelectorAll("nav ul a")].map(e => e.textContent);
await click(named("nav a", "tiny"));
await click(named("nav a", "figures"));
const figures = [...document.querySelectorAll("nav tbody tr")].map(e => e.textContent);
const [eye, about] = named("nav tbody tr", "isoflop").querySelectorAll("a");
await click(eye);
const picture = [...document.querySelectorAll("img")].pop();
await picture.decode();
const width = picture.naturalWidth;
await click(about);
const words = document.body.innerText;
await click(named("nav a", "tiny"));
await click(named("nav a", "tables"));
const table = named("nav tbody tr", "runs").querySelector("a[download]").href;
await click(named("nav a", "tiny"));
await click(named("nav a", "report"));
await click(document.querySelector("nav tbody a"));
const inside = document.querySelector("iframe").src.split(",")[0];
return {studies, figures, width, words, table, inside};
"""


@pytest.fixture(scope="module")
def reports(finished_once, tmp_path_factory) -> Path:
    """A folder with report.zip of one finished study, and report.html of two: Snakemake names no category if it is the
    only one."""
    folder = tmp_path_factory.mktemp("reports") / "study"
    shutil.copytree(finished_once, folder, symlinks=True)
    shutil.copy(folder / "config/studies/tiny.yaml", folder / "config/studies/other.yaml")
    shutil.copytree(folder / "results/tiny", folder / "results/other")
    Checkout(folder).snakemake("--report", "report.zip")
    Checkout(folder).snakemake("--report", "report.html", studies="tiny,other")
    return folder


def test_a_zipped_report_holds_every_figure_table_and_report_of_the_study(reports):
    with ZipFile(reports / "report.zip") as archive:
        held = sorted(archive.read(name) for name in archive.namelist() if "/data/" in name)
    assert held == sorted((reports / "results/tiny" / path).read_bytes() for path in SHOWN)


@pytest.mark.skipif(CHROMIUM is None, reason=WHY_NO_CHROMIUM)
def test_a_browser_without_network_shows_the_study_a_figure_with_its_caption_and_a_table(reports, tmp_path):
    seen = visit(reports / "report.html", FIND_A_FIGURE_AND_A_TABLE, tmp_path)
    assert "failed" not in seen
    assert seen["studies"][-2:] == ["other", "tiny"]
    assert seen["figures"] == sorted(FIGURES)
    assert seen["width"] > 300
    assert caption("isoflop") in " ".join(seen["words"].split())
    table = base64.b64decode(seen["table"].partition(",")[2])
    assert table == (reports / "results/tiny/runs.csv").read_bytes()
    assert seen["inside"].startswith("data:text/html")
    assert set(seen["loaded_from"]) <= {"data", "blob", "file"}


def test_a_report_of_an_unfinished_study_is_refused_by_the_file_that_is_missing(reports, tmp_path):
    shutil.copytree(reports, tmp_path / "study", symlinks=True)
    unfinished = Checkout(tmp_path / "study")
    (unfinished.folder / "results/tiny/figures/loss.svg").unlink()
    done = unfinished.run("snakemake", "--report", "again.html", "--config", "studies=tiny")
    assert done.returncode == 1
    assert "results/tiny/figures/loss.svg marked for report but does not exist" in done.stderr
