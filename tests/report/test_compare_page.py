"""The files of a comparison: one folder with a page, its numbers, its figure, and what a paper takes."""

import json
import re

import pandas as pd
import pytest

from flopscape.comparison.kept import FILES
from flopscape.comparison.results import Comparison
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import run as run_fit
from flopscape.records.stamps import read
from flopscape.report.after_run import verdicts
from flopscape.report.publication import escaped
from flopscape.report.write_comparison import Asked, write_comparison
from tests.comparison.recipe_tables import TOP, frame_of


def tables(folder, **gains):
    """A table for each recipe in the folder of its name, as studies have theirs."""
    paths = []
    for seed, (name, gain) in enumerate(gains.items()):
        path = folder / "results" / name / "runs.csv"
        path.parent.mkdir(parents=True)
        frame_of(name, seed, mu_d=gain).to_csv(path, index=False)
        paths.append(path)
    return paths


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Two recipes, the second better by half in data, answered for at ten times the sweeps."""
    base = tmp_path_factory.mktemp("compared")
    folder = base / "results/compare/mlp"
    said = write_comparison(Asked("mlp", tables(base, relu_2=0.0, swiglu=0.4), flops=[10 * TOP]), folder)
    return folder, said


def test_all_files_carry_what_they_were_made_from(written):
    folder, _ = written
    stamps = [read(folder / name) for name in FILES]
    assert stamps[0].keys() == {"code", "python", "options", "runs", "fits", "texts"}
    assert all(stamp == stamps[0] for stamp in stamps)


def test_the_terminal_says_the_verdict_of_the_page_and_the_multiplier_with_its_interval(written):
    folder, said = written
    # B sees e^0.4 times the data: its compute counts for about as much more.
    (line,) = verdicts(folder / "comparison.json")
    needs, multiplier = (
        line.removeprefix(said.splitlines()[0]),
        r" The compute multiplier is 1\.\d+ \[1\.\d+, \d\.\d+\]\.",
    )
    assert re.fullmatch(multiplier, needs)


def test_the_page_begins_with_the_verdict_and_says_what_it_rests_on(written):
    folder, said = written
    page = (folder / "report.md").read_text()
    verdict = said.splitlines()[0]
    assert verdict.startswith("swiglu is better: it needs ")
    assert page.partition("## ")[0].strip().endswith(f"**{verdict}**")
    titles = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert titles == [
        "Compute for equal loss",
        "What to distrust",
        "How it changes with compute",
        "What each budget alone says",
        "What it rests on",
        "How to make it again",
        "For a paper",
    ]
    assert "holds as far as the shape of the curves does" in page
    assert "--flops 1e+21" in page
    # The verdict and the table tell one number from two sides.
    needs = re.search(r"it needs (\S+ \[.*?\]) of", verdict)[1]
    assert f"is one over the {needs} of the verdict" in page


def test_the_table_for_a_paper_has_the_numbers_of_the_page(written):
    folder, _ = written
    found = Comparison.from_json(json.loads((folder / "comparison.json").read_text()))
    at = found.pairs[0].target
    table = (folder / "table.tex").read_text()
    multiplier = (at.multiplier.estimate, at.multiplier.low, at.multiplier.high)
    assert "{:.2f} [{:.2f}, {:.2f}]".format(*multiplier) in table
    assert r"relu\_2 & swiglu & $1\cdot 10^{21}$* & " in table
    assert table.count(r"\\") == 1 + len(found.pairs[0].points)
    rows = [line for line in table.splitlines() if line.startswith(r"relu\_2")]
    assert {line.count("&") for line in rows} == {6}


def test_a_doubt_that_begins_with_a_recipe_keeps_its_name(tmp_path):
    paths = tables(tmp_path, a=0.0, b=0.2)
    frame = pd.read_csv(paths[1])
    frame.assign(unique_tokens=frame["n_tokens"] / 2).to_csv(paths[1], index=False)
    write_comparison(Asked("x", paths), tmp_path / "out")
    assert (
        "\n- b: some runs repeat their data, which the surface counts as new.\n"
        in (tmp_path / "out/report.md").read_text()
    )


def test_pages_of_three_recipes_name_each_pair(tmp_path):
    folder = tmp_path / "out"
    write_comparison(Asked("three", tables(tmp_path, a=0.0, b=0.2, c=0.4)), folder)
    page = (folder / "report.md").read_text()
    # In each section but that of the studies, and warnings too: no column tells their data.
    assert all(page.count(f"{b} beside {a}:") == 5 for a, b in (("a", "b"), ("a", "c"), ("b", "c")))
    assert "all 3 pairs together" in page
    assert "all 3 pairs together" in (folder / "table.tex").read_text()


def test_a_page_takes_the_place_of_its_own_kind_alone(written, tmp_path):
    theirs = tmp_path / "theirs/report.html"
    theirs.parent.mkdir()
    theirs.write_text("mine")
    with pytest.raises(FlopscapeError, match=r"report\.html: would be written along with"):
        write_comparison(Asked("x", tables(tmp_path, a=0.0, b=0.2)), theirs.parent)
    assert [path.name for path in theirs.parent.iterdir()] == ["report.html"]


def test_every_letter_that_means_something_to_latex_is_escaped():
    assert escaped("50 % of $1 & #2_{x}~^\\∞") == (
        r"50 \% of \$1 \& \#2\_\{x\}\textasciitilde{}\textasciicircum{}\textbackslash{}$\infty$"
    )
    assert escaped("10⁻⁶ β×Δ <é>\n|") == r"10$^{-6}$ $\beta$$\times$$\Delta$ \textless{}é\textgreater{} \textbar{}"


def test_a_name_that_would_be_an_argument_or_has_other_letters_is_set_all_the_same(tmp_path):
    paths = tables(tmp_path, **{"[0.1]": 0.0, "ж": 0.2})
    write_comparison(Asked("x", paths), tmp_path / "out")
    table = (tmp_path / "out/table.tex").read_text()
    assert "XeLaTeX or LuaLaTeX" in table.splitlines()[1]
    assert "\n{}[0.1] & ж & " in table


def test_a_fit_of_another_table_and_an_empty_name_are_refused(tmp_path):
    paths = tables(tmp_path, a=0.0, b=0.2)
    for path in paths:
        run_fit(path, path.with_name("fit.json"), method="approach2", bootstrap=100)
    fits = [path.with_name("fit.json") for path in reversed(paths)]
    with pytest.raises(FlopscapeError, match=r"b/fit\.json: not a fit of .*a/runs\.csv"):
        write_comparison(Asked("x", paths, fits), tmp_path / "out")
    with pytest.raises(FlopscapeError, match="--name is empty"):
        write_comparison(Asked(" ", paths), tmp_path / "out")
    assert not (tmp_path / "out").exists()
