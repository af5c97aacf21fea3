"""The pages that stand in a folder of results, and one of them in the reader's browser."""

import webbrowser
from pathlib import Path

from flopscape.comparison.kept import PAGES
from flopscape.errors import FlopscapeError
from flopscape.text.written import nearest

PAGE_OF_STUDY = "report.html"


def pages(results: Path) -> dict[str, Path]:
    """Every page under `results`, by the name of its study or comparison, in the order of the alphabet.

    A comparison of the same name as a study is called `compare/NAME`, as its folder is.
    """
    found = {path.parent.name: path for path in sorted(results.glob(f"*/{PAGE_OF_STUDY}"))}
    compared = sorted(results.glob(f"compare/*/{PAGES[0]}"))
    for path in compared:
        name = path.parent.name
        found[f"compare/{name}" if name in found else name] = path
    return found


def open_page(name: str, results: Path) -> str:
    """Show a page in the reader's browser, and say which one.

    Raises
    ------
    FlopscapeError
        There is no page of that name; the names that there are stand in the sentence.

    Examples
    --------
    From a shell: `flopscape open kjv-gpt`.
    """
    there = pages(results)
    if name not in there:
        raise FlopscapeError(f"open: no page of {name} in {results}{nearest(name, there) or '; run snakemake first'}")
    return show(there[name])


def show(page: Path) -> str:
    """Open a page in the browser; what to say of it."""
    # False where a machine has no browser, as a cluster's login node: the path is of use there all the same.
    shown = webbrowser.open(page.resolve().as_uri())
    return str(page) if shown else f"no browser on this machine; the page is {page}"
