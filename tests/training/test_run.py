"""One run: its record, that it repeats, that it diverges honestly, and plug-ins of the user's own."""

import json
import math
import subprocess
import sys

import pytest
import torch

from flopscape.files.json_text import short_hash
from flopscape.machine.measured import Options
from flopscape.plugins.gpt import GPT
from flopscape.records.run_record import RunRecord
from flopscape.training.command import train
from tests.training.conftest import BIGRAM

LAUNCH = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch", "-q", "--cpu", "--num_processes", "1"]
LAUNCH += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]


@pytest.fixture
def run(text, tmp_path):
    """Carry out a spec and read its record back from disk."""

    def carry_out(spec, options=None):
        train(spec, tmp_path / "run.json", text[0], options)
        return RunRecord.read(tmp_path / "run.json")

    return carry_out


def test_a_launched_run_leaves_a_record_and_repeats_to_the_last_digit(text, make_spec, run, tmp_path):
    spec, out = make_spec(), tmp_path / "launched.json"
    command = [*LAUNCH, "-m", "flopscape.training", json.dumps(spec), "--out", str(out), "--data", str(text[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "held-out loss" in done.stdout
    launched, repeated = RunRecord.read(out), run(spec)
    assert launched.loss == repeated.loss
    assert launched.curve == repeated.curve
    assert run(make_spec(seed=1)).loss != launched.loss


def test_a_record_says_what_was_done(make_spec, run, text):
    spec = make_spec()
    record = run(spec, Options(usd_per_hour=3.6, peak_flops=1e9))
    counts = GPT(context=32).counts(spec["size"])
    assert (record.status, record.reason, record.run_id) == ("completed", "", short_hash(spec))
    assert record.n_tokens_seen == record.n_tokens_planned == 40 * 128
    assert record.flops_counted == counts.flops_per_unit * 40 * 128
    assert record.loss < math.log(128) - 1
    assert 0 < record.loss_se < 0.1
    assert record.n_heldout_units == 4096
    assert record.data_hash == json.loads((text[0] / "manifest.json").read_text())["data_hash"]
    assert record.timings["seconds_total"] > record.timings["seconds_training"] > 0
    assert record.timings["mfu"] == pytest.approx(record.timings["flops_per_second"] / 1e9)
    assert record.cost["usd"] == pytest.approx(record.timings["seconds_total"] / 1000, rel=0.1)
    assert record.hardware["processes"] == 1
    assert 50 < record.hardware["peak_memory_mb"] < 5000
    assert record.versions["torch"]


def test_the_curve_ends_in_the_runs_own_loss(make_spec, run):
    record = run(make_spec())
    curve = record.curve
    assert curve.step == [4, 8, 12, 16, 20, 24, 28, 32, 36, 40]
    assert curve.n_tokens == [128 * step for step in curve.step]
    assert curve.flops[-1] == record.flops_counted
    assert curve.heldout_loss[-1] == record.loss
    assert len([loss for loss in curve.heldout_loss if loss is not None]) > 3
    assert curve.train_loss[0] > curve.train_loss[-1] > 0
    assert curve.learning_rate[5] == 0.012


def test_a_loss_that_is_not_finite_is_recorded_as_diverged_where_it_happens(make_spec, run, users_module):
    users_module("my_blast", BLAST)
    record = run(make_spec(loss={"plugin": "my_blast:Blast"}))
    assert record.status == "diverged"
    assert record.reason == "the training loss is not finite, between steps 9 and 12"
    assert record.loss is record.loss_se is None
    assert record.n_tokens_seen == 12 * 128
    assert record.curve.train_loss[1] is not None
    assert record.curve.train_loss[2:] == [None]


@pytest.mark.parametrize(
    ("scale", "reason"),
    [(1e9, "the gradient exploded: it has a norm of "), (1e38, "the gradient exploded: it is not ")],
)
def test_an_exploding_gradient_is_recorded_as_diverged_where_it_happens(scale, reason, make_spec, run, users_module):
    """The loss itself, and by clipping the update, stay as they were."""
    users_module("my_slope", SLOPE)
    record = run(make_spec(model={"plugin": "my_slope:Slope", "kwargs": {"context": 32, "scale": scale}}))
    assert record.status == "diverged"
    assert record.reason.startswith(reason)
    assert record.reason.endswith("between steps 9 and 12")
    assert record.curve.train_loss[2] is not None
    assert record.loss is None


def test_a_gradient_that_nothing_clips_is_that_of_a_clip_beyond_its_norm(make_spec, run):
    free, wide, narrow = (run(make_spec(training={"gradient_clip": clip})) for clip in (None, 1e9, 0.05))
    assert free.loss == wide.loss != narrow.loss


def test_schedules_end_at_their_own_rates(make_spec, run):
    last = [run(make_spec(training={"schedule": name})).curve.learning_rate[-1] for name in ("cosine", "constant")]
    assert last == pytest.approx([0.0012, 0.012])


def test_deterministic_algorithms_are_used_in_the_run_only_and_give_the_same_on_a_cpu(make_spec, run, users_module):
    users_module("my_asking", ASKING)
    loss = {"plugin": "my_asking:Asking"}
    assert run(make_spec(training={"deterministic": True}, loss=loss)).loss == run(make_spec()).loss
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_run_that_ends_above_the_untrained_model_has_diverged(make_spec, run):
    record = run(make_spec(training={"learning_rate": 30.0}))
    assert record.status == "diverged"
    assert "above the untrained model's 4.85" in record.reason


def test_a_held_out_loss_does_not_depend_on_the_size_of_the_batch(make_spec, run):
    """At a vanishing learning rate both models are untrained, and both are scored on the same windows."""
    losses = [run(make_spec(training={"learning_rate": 1e-12, "batch_units": n})).loss for n in (128, 512)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_width_scaling_divides_the_rate_by_the_width(make_spec, run):
    settings = {"learning_rate_scaling": "width", "base_width": 16}
    curves = [run(make_spec(training=settings, size={"width": w, "depth": 1})).curve for w in (16, 32)]
    assert [max(curve.learning_rate) for curve in curves] == [0.012, 0.006]


BLAST = """
from flopscape.plugins.losses import NextToken

class Blast(NextToken):
    steps = 0
    def __call__(self, module, batch):
        loss, count = super().__call__(module, batch)
        self.steps += module.training
        return loss * (float("inf") if self.steps == 10 else 1.0), count
"""

SLOPE = """
import torch
from flopscape.plugins.gpt import GPT

class Slope(GPT):
    def __init__(self, context, scale):
        super().__init__(context=context)
        self.scale = scale
    def build(self, size, seed):
        module = super().build(size, seed)
        module.steps = 0
        def count(module, inputs):
            module.steps += module.training
        def steepen(gradient):
            return gradient * (self.scale if module.steps == 10 else 1.0)
        module.register_forward_pre_hook(count)
        module.head.weight.register_hook(steepen)
        return module
"""

ASKING = """
import torch
from flopscape.plugins.losses import NextToken

class Asking(NextToken):
    def __call__(self, module, batch):
        assert torch.are_deterministic_algorithms_enabled()
        return super().__call__(module, batch)
"""


def test_a_class_in_the_working_directory_is_a_model_with_its_own_optimiser(make_spec, run, users_module):
    users_module("my_bigram", BIGRAM)
    spec = make_spec(model={"plugin": "my_bigram:Bigram"}, size={}, training={"learning_rate": 50.0})
    record = run(spec)
    assert record.status == "completed"
    assert record.n_params_head == 128 * 128
    assert max(record.curve.learning_rate) == 50
    assert record.loss < math.log(128) - 0.5


def test_a_simulated_run_imports_no_torch(tmp_path):
    spec = {
        "model": {"plugin": "flopscape.plugins.parameters:Parameters"},
        "trainer": {"plugin": "flopscape.plugins.surface:Surface"},
        "loss": {"plugin": "flopscape.plugins.losses:NextToken"},
        "size": {"n_params": 1000},
        "n_tokens": 256,
        "seed": 0,
        "recipe": 1,
    }
    code = (
        "import sys; from flopscape.training.command import main; main(sys.argv[1:]); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, json.dumps(spec), "--out", str(tmp_path / "run.json")], check=True)
    assert RunRecord.read(tmp_path / "run.json").simulated
