"""Further held-out sets and metrics of a run: what they are, what they leave alone, and what is refused."""

import copy
import json
import math
import shutil

import numpy as np
import pytest
import torch

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import dataset_id
from flopscape.records.run_record import RunRecord
from flopscape.training.command import train
from tests.training.heldout_sets import ACCURACY, both, other_text

KEPT = {}
KEEPING = """
from tests.training import test_metrics
from flopscape.plugins.losses import Accuracy

class Keeping(Accuracy):
    def __call__(self, module, batch):
        test_metrics.KEPT["module"] = module
        return super().__call__(module, batch)

class Plain:
    def __call__(self, module, batch):
        return batch["tokens"].sum(), 1

class Sum(Plain):
    unit = "share of something"

class Infinite(Plain):
    unit = "nats"
    def __call__(self, module, batch):
        return batch["tokens"].sum() / 0.0, 3

class Later(Plain):
    unit = "nats"
    calls = 0
    def __call__(self, module, batch):
        Later.calls += 1
        return batch["tokens"].sum() / (1.0 if Later.calls == 1 else 0.0), 3
"""


@pytest.fixture
def run(text, tmp_path):
    def carry_out(spec):
        train(spec, tmp_path / "run.json", text[0])
        return RunRecord.read(tmp_path / "run.json")

    return carry_out


def by_hand(module, folder):
    """Loss and accuracy of all windows of a held-out file of bytes, from softmax and argmax in float64."""
    data = np.fromfile(folder / "heldout.bin", np.uint8).astype(np.int64)
    n_windows = len(data) // 32 - 1
    losses, right = [], []
    for start in range(0, n_windows * 32, 32):
        inputs, targets = data[start : start + 32], data[start + 1 : start + 33]
        with torch.no_grad():
            logits = module(torch.from_numpy(inputs)[None])[0].double().numpy()
        shifted = logits - logits.max(1, keepdims=True)
        losses.append(np.log(np.exp(shifted).sum(1)) - shifted[np.arange(32), targets])
        right.append(logits.argmax(1) == targets)
    return np.mean(losses), np.mean(right), n_windows * 32


def test_every_score_is_that_of_an_evaluation_by_hand(text, other, make_spec, run, users_module):
    users_module("my_keeping", KEEPING)
    sets = copy.deepcopy(both(other))
    sets["code"]["metrics"]["accuracy"] = {"plugin": "my_keeping:Keeping"}
    record = run(make_spec({"heldout_units": 0}, heldout=sets))
    module = KEPT["module"].eval()
    own = by_hand(module, text[0])
    code = by_hand(module, text[0].parent / dataset_id(other))
    assert set(record.metrics) == {"bits_per_byte", "accuracy@own", "loss@code", "accuracy@code", "bits_per_byte@code"}
    assert record.loss == pytest.approx(own[0], rel=1e-5)
    assert record.metrics["loss@code"]["value"] == pytest.approx(code[0], rel=1e-5)
    assert record.metrics["accuracy@own"]["value"] == pytest.approx(own[1], abs=1e-9)
    assert record.metrics["accuracy@code"]["value"] == pytest.approx(code[1], abs=1e-9)
    assert record.metrics["loss@code"]["n_units"] == code[2]
    assert record.metrics["loss@code"]["unit"] == "nats per token"
    assert record.metrics["accuracy@own"]["unit"] == "share correct"
    assert 0 < record.metrics["loss@code"]["standard_error"] < 0.05
    assert code[0] > own[0] + 0.5


def test_a_byte_of_text_is_a_token_and_its_bits_are_nats_over_the_logarithm_of_two(other, make_spec, run):
    record = run(make_spec(heldout=both(other)))
    bits = record.metrics["bits_per_byte"]
    assert bits["value"] == pytest.approx(record.loss / math.log(2), rel=1e-12)
    assert bits["standard_error"] == pytest.approx(record.loss_se / math.log(2), rel=1e-12)
    assert bits["unit"] == "bits per byte"
    on_code = record.metrics["bits_per_byte@code"]["value"]
    assert on_code == pytest.approx(record.metrics["loss@code"]["value"] / math.log(2), rel=1e-12)


@pytest.mark.parametrize("note", [{"n_tokens": 900, "n_bytes": 2700}, None], ids=["three bytes a token", "not counted"])
def test_bits_are_those_of_the_bytes_that_the_manifest_counts(note, text, make_spec, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(text[0], folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["notes"] |= {"heldout_text": note}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    record = train(make_spec(), tmp_path / "run.json", folder)
    bits = {name: metric["value"] for name, metric in record.metrics.items()}
    assert bits == ({"bits_per_byte": pytest.approx(record.loss / math.log(2) / 3, rel=1e-12)} if note else {})


def test_further_sets_change_the_id_and_neither_the_loss_nor_the_curve(other, make_spec, run, text):
    plain, scored = run(make_spec()), run(make_spec(heldout=both(other)))
    assert (scored.loss, scored.loss_se, scored.curve) == (plain.loss, plain.loss_se, plain.curve)
    assert scored.run_id != plain.run_id
    assert set(plain.metrics) == {"bits_per_byte"}
    assert plain.heldout_hashes == {}
    assert scored.heldout_hashes.keys() == {"code"}
    assert scored.data_seen == {"own": plain.data_hash, "code": scored.heldout_hashes["code"]}


def test_a_run_that_diverged_has_no_metrics_but_says_which_data_it_had(other, make_spec, run):
    record = run(make_spec({"learning_rate": 30.0}, heldout=both(other)))
    assert (record.status, record.metrics) == ("diverged", {})
    assert record.heldout_hashes.keys() == {"code"}


@pytest.mark.parametrize(
    ("metric", "sentence"),
    [
        ("Plain", "plugin my_keeping:Plain: a metric needs an attribute unit, in words"),
        ("Sum", r"heldout: odd@own returned \d.* for 1 units, and a share lies between 0 and 1: return the sum over"),
        ("Infinite", "heldout: odd@own returned inf, which is no number; return a finite sum"),
    ],
)
def test_a_metric_that_is_no_sum_costs_no_training(metric, sentence, make_spec, run, users_module, tmp_path):
    users_module("my_keeping", KEEPING)
    with pytest.raises(FlopscapeError, match=sentence):
        run(make_spec(heldout={"own": {"metrics": {"odd": {"plugin": f"my_keeping:{metric}"}}}}))
    assert not (tmp_path / "run.json").exists()


def test_a_metric_that_fails_at_the_end_loses_no_run(make_spec, run, users_module):
    users_module("my_keeping", KEEPING)
    record = run(make_spec(heldout={"own": {"metrics": {"odd": {"plugin": "my_keeping:Later"}}}}))
    assert record.status == "completed"
    assert record.metrics["odd@own"]["value"] is record.metrics["odd@own"]["standard_error"] is None


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"context": 64}, "the model's context is 32 and the dataset's 64; make them equal"),
        ({"letters": "aé"}, "the data hold token 195, beyond the model's vocabulary of 128"),
    ],
)
def test_a_set_that_the_model_cannot_read_is_refused(kwargs, sentence, make_spec, text, run, tmp_path):
    other = other_text(tmp_path, **kwargs)
    (text[0].parent / dataset_id(other)).symlink_to(tmp_path / dataset_id(other))
    with pytest.raises(FlopscapeError, match=sentence):
        run(make_spec(heldout={"odd": {"dataset": other}}))


def test_a_set_that_is_not_prepared_is_refused(make_spec, run):
    digits = {"plugin": "flopscape.plugins.digits:Digits"}
    with pytest.raises(FlopscapeError, match=r"digits-.*manifest\.json: the dataset is not prepared"):
        run(make_spec(heldout={"odd": {"dataset": digits}}))


@pytest.mark.parametrize(
    "sets",
    [
        [],
        {"code": {}},
        {"code": {"metrics": {"accuracy": ACCURACY}}},
        {"own": {"dataset": ACCURACY}},
        {"own": {"metrics": {"accuracy": "Accuracy"}}},
        {"own": {"metric": {"accuracy": ACCURACY}}},
    ],
    ids=str,
)
def test_a_spec_that_names_sets_in_another_form_is_refused(sets, make_spec, run):
    with pytest.raises(FlopscapeError, match="spec: heldout must be a mapping of sets, each with dataset, metrics or"):
        run(make_spec(heldout=sets))


def test_the_accuracy_is_that_of_the_highest_logit():
    """Of four logits the second is highest where the token is 1, and the first elsewhere."""
    from flopscape.plugins.losses import Accuracy

    choose = lambda inputs: torch.nn.functional.one_hot((inputs == 1).long(), 4).float()  # noqa: E731
    total, count = Accuracy()(choose, {"tokens": torch.tensor([[1, 1, 0, 0, 2]])})
    assert (int(total), count) == (2, 4)
    images = {"images": torch.tensor([1, 0, 0]), "labels": torch.tensor([1, 0, 3])}
    total, count = Accuracy()(choose, images)
    assert (int(total), count) == (2, 3)
