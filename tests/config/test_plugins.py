"""Held-out sets and metrics of a study: names that can be columns, and nothing scored twice."""

import pytest

from flopscape.config.plugins import HeldoutSet
from flopscape.config.read import read_study, validate
from flopscape.config.study import Study
from flopscape.config.yaml12 import dump_yaml
from flopscape.dag.commands import twin_settings
from flopscape.errors import FlopscapeError
from flopscape.plan.plugin_kwargs import refuse_wrong_arguments
from flopscape.plan.rows import plan_rows
from flopscape.plan.studies import resolved_yaml

GPT = "flopscape.plugins.gpt:GPT"
CODE = {"plugin": "flopscape.plugins.text:StdlibText", "kwargs": {"context": 32}}
BIBLE = {"plugin": "flopscape.plugins.text:BibleText", "kwargs": {"context": 32}}
ACCURACY = {"plugin": "flopscape.plugins.losses:Accuracy"}
OWN = {"metrics": {"accuracy": ACCURACY}}


def study(heldout, **changes):
    data = {
        "title": "t",
        "model": {"plugin": GPT, "kwargs": {"context": 32}},
        "dataset": BIBLE,
        "heldout": heldout,
        "sweep": {"rows": [{"size": {"width": 16, "depth": 2}, "n_tokens": 25600}]},
        "fits": ["approach2"],
        "recommend": {"flops": [1e12]},
    }
    return validate(Study, data | changes, "a study")


def test_a_set_is_in_a_spec_with_what_it_has_and_no_more():
    sets = study({"code": {"dataset": CODE}, "own": OWN}).heldout
    assert {name: one.spec() for name, one in sets.items()} == {"code": {"dataset": CODE}, "own": OWN}
    assert HeldoutSet().spec() == {}


def test_a_study_with_held_out_sets_is_the_same_with_every_default_filled_in(tmp_path):
    base = study({"code": {"dataset": CODE}, "own": OWN}).model_dump(by_alias=True, exclude_unset=True)
    (tmp_path / "written.yaml").write_text(dump_yaml(base))
    (tmp_path / "resolved.yaml").write_text(resolved_yaml(tmp_path / "written.yaml"))
    written, resolved = (read_study(tmp_path / f"{name}.yaml") for name in ("written", "resolved"))
    assert resolved == written
    assert [row.spec["heldout"] for row in plan_rows(resolved)] == [{"code": {"dataset": CODE}, "own": OWN}]


@pytest.mark.parametrize(
    ("heldout", "sentence"),
    [
        ({"own": {"dataset": CODE, **OWN}}, "heldout: own: is the study's own held-out rows and has no dataset"),
        ({"own": {}}, "heldout: own: names no metrics, and the study's loss on its own rows is every run's loss"),
        ({"code": OWN}, "heldout: code.dataset is missing; only the set `own` has none"),
        ({"code": {"dataset": CODE}, "Code": {"dataset": BIBLE}}, "heldout: the sets code and Code are named alike"),
        (
            {"code": {"dataset": CODE}, "py": {"dataset": CODE}},
            "heldout: py: has the dataset of code; give one set all",
        ),
        ({"bible": {"dataset": BIBLE}}, "heldout: bible: has the dataset of own; give its metrics to the set `own`"),
        ({"a@b": {"dataset": CODE}}, "heldout: set name 'a@b': it becomes part of a column's name"),
        ({"code, two": {"dataset": CODE}}, "it becomes part of a column's name; begin with a letter"),
        ({"code_se": {"dataset": CODE}}, "do not end in _se, which marks standard errors"),
        ({"own": {"metrics": {"1st": ACCURACY}}}, "heldout.own: metric name '1st': it becomes part of a column's name"),
        ({"own": {"metrics": {"loss": ACCURACY}}}, "metrics: loss is scored without being asked for"),
        ({"own": {"metrics": {"bits_per_byte": ACCURACY}}}, "metrics: bits_per_byte is scored without being asked"),
        ({"own": {"metric": ACCURACY}}, "unknown key heldout.own.metric; did you mean metrics?"),
    ],
)
def test_a_set_that_could_be_misread_is_refused(heldout, sentence):
    with pytest.raises(FlopscapeError) as refusal:
        study(heldout)
    assert sentence in str(refusal.value)


def test_a_trainer_of_the_users_own_scores_nothing_by_these_keys():
    surface = {"plugin": "flopscape.plugins.surface:Surface"}
    with pytest.raises(FlopscapeError, match="heldout: only the loop scores further sets"):
        study({"own": OWN}, trainer=surface, model={"plugin": "flopscape.plugins.parameters:Parameters"})


@pytest.mark.parametrize(
    ("heldout", "sentence"),
    [
        (
            {"code": {"dataset": CODE | {"kwargs": {"contxt": 3}}}},
            "heldout.code.dataset.kwargs of .*: unknown key contxt",
        ),
        ({"code": {"dataset": ACCURACY}}, "heldout.code.dataset: .*has no method prepare, batches"),
        ({"own": {"metrics": {"right": CODE}}}, "heldout.own.metrics.right: .*has no method __call__"),
        ({"own": {"metrics": {"right": {"plugin": "flopscape.plugins.losses:Acuracy"}}}}, "has no class Acuracy"),
    ],
)
def test_plugins_of_sets_and_metrics_are_looked_at_before_anything_runs(heldout, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        refuse_wrong_arguments(study(heldout), "a study")


def fits(*listed, **recommend):
    return study({"code": {"dataset": CODE}, "own": OWN}, fits=list(listed), recommend={"flops": [1e12], **recommend})


CODE_FIT = {"name": "code", "method": "vpnls", "columns": {"loss": "loss@code"}}


def test_the_twin_judges_no_fit_of_another_metric():
    judged = twin_settings(fits("vpnls", CODE_FIT))["fits"]
    assert [fit["name"] for fit in judged] == ["vpnls", "answer"]


@pytest.mark.parametrize(
    ("listed", "recommend", "sentence"),
    [
        (
            [CODE_FIT],
            {"fit": "code"},
            "recommend.fit: code is a fit of loss@code, and what is recommended rests on the",
        ),
        (
            [CODE_FIT | {"columns": {"loss": "accuracy@own"}}],
            {},
            "accuracy@own: accuracy is no sum of power laws: it rises with compute",
        ),
        (
            [CODE_FIT | {"method": "approach1"}],
            {},
            "approach1 reads training curves, which are of the study's loss and not of loss@code; use rule horizon",
        ),
    ],
)
def test_a_fit_that_takes_another_metric_for_the_loss_is_refused(listed, recommend, sentence):
    with pytest.raises(FlopscapeError) as refusal:
        fits("vpnls", *listed, **recommend)
    assert sentence in str(refusal.value)
    assert fits(CODE_FIT | {"method": "approach1", "rule": "horizon"}).fits[0].metric == "loss@code"
