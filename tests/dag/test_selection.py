"""What an invocation selects: plans, names and files, read from a folder's config alone."""

import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from flopscape.dag.rule_inputs import RuleInputs
from flopscape.dag.selection import Selection
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import short_hash
from tests.conftest import ROOT


@pytest.fixture
def selected(tmp_path, monkeypatch) -> Selection:
    """The study `quick` of a folder that holds a config and nothing else."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    return Selection({"studies": ["quick"]})


def test_every_run_and_every_report_of_the_study_is_a_target_once(selected):
    targets = selected.targets()
    runs = [path for path in targets if re.fullmatch(r"results/quick/runs/[0-9a-f]{12}\.json", path)]
    assert len(runs) == len(set(runs)) == 35
    assert len(targets) == len(set(targets))
    assert {
        "results/quick/plan.csv",
        "results/quick/forecast.json",
        "results/quick/report.html",
        "results/quick/twin/verdict.json",
    } <= set(targets)


def test_names_of_studies_and_trunks_that_are_not_there_match_nothing(selected):
    assert not re.fullmatch(selected.imported_name, "quick")
    assert not re.fullmatch(selected.trunk_id, "0123456789ab")
    assert re.match(selected.trained_name, "quick/")


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda selected: selected.chosen("other"), "study other is not among the selected ones (quick); select it"),
        (
            lambda selected: selected.row("quick", "0" * 12),
            "study quick plans no run 000000000000: its config",
        ),
        (lambda selected: selected.search_files("quick"), "study quick has no key transfer"),
        (lambda selected: selected.transfer_files(), "no selected study (quick) has a key transfer"),
        (lambda selected: Selection({"studies": ["quick"], "price": 1}), "config/config.yaml or --config"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_sentence(selected, ask, said):
    with pytest.raises(FlopscapeError, match=re.escape(said)):
        ask(selected)


def test_planning_imports_neither_torch_nor_pandas_nor_numpy_which_only_snakemakes_own_plugins_do():
    code = (
        "import sys; import flopscape.dag.selection, flopscape.report.after_run; "
        "print({'torch', 'pandas', 'numpy'} & set(sys.modules)); "
        "import flopscape.dag.rule_inputs, flopscape.dag.start; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set()", "False"]


SCORED = """
title: t
model: {plugin: "flopscape.plugins.gpt:GPT", kwargs: {context: 32}}
dataset: {plugin: "flopscape.plugins.text:BibleText", kwargs: {context: 32}}
heldout:
  own: {metrics: {accuracy: {plugin: "flopscape.plugins.losses:Accuracy"}}}
  code: {dataset: {plugin: "flopscape.plugins.text:StdlibText", kwargs: {context: 32}}}
sweep: {rows: [{size: {width: 16, depth: 2}, n_tokens: 25600}]}
fits: [approach2]
recommend: {flops: [1e12]}
"""


def test_a_run_waits_for_the_data_of_every_held_out_set_which_are_prepared_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scored.yaml").write_text(SCORED)
    selection = Selection({"studies": ["scored.yaml"]})
    assert [name.partition("-")[0] for name in selection.datasets] == ["bibletext", "stdlibtext"]
    manifests = [f"results/data/{name}/manifest.json" for name in selection.datasets]
    study = SimpleNamespace(study="scored", run_id=next(iter(selection.rows["scored"])))
    ask = RuleInputs(selection, lambda *_: False)
    assert ask.data_manifests(study) == manifests
    assert ask.run_inputs(study) == [*manifests, selection.check_file("scored")]
    plain = SCORED.replace("heldout:", "matrix: {}\n#").replace("\n  own", "\n#").replace("\n  code", "\n#")
    (tmp_path / "scored.yaml").write_text(plain)
    without = Selection({"studies": ["scored.yaml"]})
    assert without.check_file("scored") != selection.check_file("scored")
    assert study.run_id not in without.rows["scored"]
    assert without.rows["scored"].keys() == {run_id_without(selection.rows["scored"][study.run_id].spec)}


def run_id_without(spec):
    """The id of a run whose spec has no held-out sets."""
    return short_hash({key: value for key, value in spec.items() if key != "heldout"})
