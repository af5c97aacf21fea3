"""`flopscape open`: the page that is meant, in the browser that the machine has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flopscape.errors import FlopscapeError
from flopscape.report.open_page import open_page, pages


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two studies with a page and one without, and two comparisons, one of them with a study's name."""
    for name in ("quick/report.html", "kjv-gpt/report.html", "compare/mlp/report.html", "compare/quick/report.html"):
        page = tmp_path / "results" / name
        page.parent.mkdir(parents=True)
        page.write_text("<title>a page</title>")
    (tmp_path / "results" / "unfinished").mkdir()
    return tmp_path / "results"


def test_studies_and_comparisons_have_a_name_each(results: Path) -> None:
    found = {name: path.relative_to(results).as_posix() for name, path in pages(results).items()}
    assert found == {
        "kjv-gpt": "kjv-gpt/report.html",
        "quick": "quick/report.html",
        "mlp": "compare/mlp/report.html",
        "compare/quick": "compare/quick/report.html",
    }


def test_a_name_without_a_page_is_refused_with_those_that_have_one(results: Path) -> None:
    with pytest.raises(FlopscapeError, match=r"no page of unfinished in .*; valid here: kjv-gpt, quick, mlp"):
        open_page("unfinished", results)
    with pytest.raises(FlopscapeError, match=r"no page of quick in .*; run snakemake first"):
        open_page("quick", results / "unfinished")


@pytest.mark.parametrize("has_browser", [True, False])
def test_the_browser_gets_the_page_and_without_one_its_path_is_printed(results: Path, has_browser: bool) -> None:
    browser, heard = results / "browser", results / "heard"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{heard}"\n')
    browser.chmod(0o755)
    environment = os.environ | {"BROWSER": str(browser) if has_browser else "absent-browser", "PATH": "/nowhere:/bin"}
    environment.pop("DISPLAY", None)
    words = [sys.executable, "-m", "flopscape", "open", "quick", "--results", str(results)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    page = results / "quick" / "report.html"
    if has_browser:
        assert heard.read_text() == page.as_uri()
        assert done.stdout.strip() == str(page)
    else:
        assert done.stdout.strip() == f"no browser on this machine; the page is {page}"
