"""Comparisons of an invocation: which are made, of which files, and which are left out."""

import re
import shlex
import shutil
from types import SimpleNamespace

import pytest

from flopscape.cli.app import app
from flopscape.dag.comparisons import ComparisonInputs
from flopscape.dag.selection import Selection
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import run as run_fit
from flopscape.report.after_run import print_verdict
from tests.comparison.recipe_tables import frame_of
from tests.conftest import ROOT

STUDIES = ["mlp-kinds.swiglu", "mlp-kinds.relu2"]
COMPARE = {"kinds": STUDIES, "q": ["quick", "mlp-kinds.relu2"]}


@pytest.fixture
def compared(tmp_path, monkeypatch) -> ComparisonInputs:
    """A folder with all studies, of which those of one file are selected."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    return ComparisonInputs(Selection({"studies": ["mlp-kinds"], "compare": COMPARE}))


def test_a_comparison_is_made_of_selected_studies_alone_and_the_others_are_left_out_in_a_sentence(compared, capsys):
    assert {path.split("/")[2] for path in compared.targets()} == {"kinds"}
    assert compared.left_out == {"q": "comparison q is left out, for quick is not selected"}
    for name in COMPARE:
        print_verdict(name, compared)
    assert capsys.readouterr().out == "\ncomparison q is left out, for quick is not selected\n"


def test_the_baseline_is_first_and_each_study_brings_the_fit_that_it_recommends_by(compared):
    of = SimpleNamespace(comparison="kinds")
    assert compared.tables(of) == [f"results/{study}/runs.csv" for study in STUDIES]
    assert compared.fits(of) == [f"results/{study}/fits/answer.json" for study in STUDIES]
    words, *differ = compared.options(of, SimpleNamespace(fits=["a.json"])).split(" --difference ")
    assert words == "--name kinds --fits a.json"
    assert differ[0] == "'model.kwargs.mlp: swiglu (mlp-kinds.swiglu), relu2 (mlp-kinds.relu2)'"
    assert len(differ) == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("q", "comparison q is left out, for quick is not selected; select it in config/config.yaml or --config"),
        ("old", "config/config.yaml: compare has no old; it or --config changed"),
    ],
)
def test_a_page_that_is_not_made_is_told_so_where_it_is_asked_for(compared, name, said):
    with pytest.raises(FlopscapeError, match=re.escape(said)):
        compared.tables(SimpleNamespace(comparison=name))


def test_what_the_command_of_a_rule_makes_is_fresh_until_another_table_or_other_options_stand_there(compared, capsys):
    of = SimpleNamespace(comparison="kinds")
    for seed, study in enumerate(STUDIES):
        folder = compared.selection.results / study
        (folder / "fits").mkdir(parents=True)
        frame_of(study, seed, mu_d=0.4 * seed).to_csv(folder / "runs.csv", index=False)
        run_fit(folder / "runs.csv", folder / "fits/answer.json", "vpnls", bootstrap=100)
    words = compared.options(of, SimpleNamespace(fits=compared.fits(of)))
    place = str(compared.folder("kinds"))
    app(["compare-report", *compared.tables(of), *shlex.split(words), "--out", place], standalone_mode=False)
    capsys.readouterr()
    assert compared.why_stale(of) == ""
    print_verdict("kinds", compared)
    said = capsys.readouterr().out
    assert said.startswith("\nComparison kinds\nmlp-kinds.relu2 is better: it needs ")
    assert said.endswith("\npage: results/compare/kinds/report.html\n")

    more = {"kinds": {"studies": STUDIES, "flops": [1e21]}}
    others = ComparisonInputs(Selection({"studies": ["mlp-kinds"], "compare": more}))
    assert others.why_stale(of) == "with other options"
    print_verdict("kinds", others)
    assert capsys.readouterr().out == "\ncomparison kinds was made with other options; run snakemake again\n"
    frame_of("new", 5).to_csv(compared.tables(of)[0], index=False)
    assert compared.why_stale(of) == "from another table"
