"""The page over all studies: every study that has runs is on it, as far as its files can be read."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from flopscape.errors import FlopscapeError
from flopscape.fitting import fit
from flopscape.report.studies_page import HEAD, open_studies, studies_page
from flopscape.text import numbers
from tests.fitting.fit_tables import isoflop_frame

STUDY = """
title: mine
runs: {table: runs.csv}
fits: [vpnls]
recommend: {flops: [1.0e+22], fit: vpnls}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Results of three studies: one that is fitted, one whose config does not read, and one that is not fitted."""
    configs = tmp_path / "config" / "studies"
    configs.mkdir(parents=True)
    for name in ("mine", "broken", "waiting"):
        results = tmp_path / "results" / name
        results.mkdir(parents=True)
        isoflop_frame().assign(cpu_hours=0.5).to_csv(results / "runs.csv", index=False)
        (configs / f"{name}.yaml").write_text("nonsense: [" if name == "broken" else STUDY)
    mine = tmp_path / "results" / "mine"
    fit.run(mine / "runs.csv", mine / "fits" / "vpnls.json", "vpnls", flops=[1e22], bootstrap=20)
    (mine / "report.html").write_text("<title>a report</title>")
    (tmp_path / "results" / "compare" / "two").mkdir(parents=True)
    (tmp_path / "results" / "compare" / "two" / "report.html").touch()
    return tmp_path


class Table(HTMLParser):
    """Rows of cells, and all addresses."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.addresses: list[str] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name == "href"]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def test_each_study_is_a_row_with_its_answer_or_why_it_has_none(folder: Path) -> None:
    page = Table(studies_page(folder / "results", folder / "config" / "studies"))
    head, broken, mine, waiting = page.rows
    assert head == HEAD
    prediction = json.loads((folder / "results/mine/fits/vpnls.json").read_text())["predictions"][0]
    assert mine[2] == numbers.flops(1e22)
    assert mine[3].startswith(numbers.count(prediction["n_params"]["estimate"]))
    assert mine[6] == f"{len(isoflop_frame())} of {len(isoflop_frame())}"
    assert mine[9] == f"{0.5 * len(isoflop_frame()):g}"
    assert broken[:3] == ["broken", "its config does not read", "–"]
    assert waiting[:3] == ["waiting", "not fitted", "–"]
    assert page.addresses == ["mine/report.html", "compare/two/report.html"]


def test_results_of_a_file_that_has_become_several_studies_are_listed_without_an_answer(folder: Path) -> None:
    several = "\nmatrix: {seed: {a: {title: a}, b: {title: b}}}\n"
    (folder / "config/studies/waiting.yaml").write_text(STUDY + several)
    rows = Table(studies_page(folder / "results", folder / "config" / "studies")).rows
    assert rows[3][:2] == ["waiting", "its config does not read"]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FlopscapeError, match=r"no folder .*absent; run snakemake first"):
        open_studies(tmp_path / "absent")
