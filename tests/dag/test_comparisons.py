"""Comparisons of an invocation: which are made, of which files, and which are left out."""

import re
import shutil
from types import SimpleNamespace

import pytest

from flopscape.dag.comparisons import ComparisonInputs
from flopscape.dag.selection import Selection
from flopscape.errors import FlopscapeError
from flopscape.report.after_run import print_verdict
from tests.conftest import ROOT

COMPARE = {"kinds": ["mlp-kinds"], "q": ["quick", "mlp-kinds.relu2"]}


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
    studies = ["mlp-kinds.relu2", "mlp-kinds.swiglu"]
    assert compared.tables(of) == [f"results/{study}/runs.csv" for study in studies]
    assert compared.fits(of) == [f"results/{study}/fits/answer.json" for study in studies]
    words, *differ = compared.options(of, SimpleNamespace(fits=["a.json"])).split(" --difference ")
    assert words == "--name kinds --fits a.json"
    assert differ[0] == "'model.kwargs.mlp: relu2 (mlp-kinds.relu2), swiglu (mlp-kinds.swiglu)'"
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
