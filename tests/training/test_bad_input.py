"""What a run refuses: one sentence, status 2, nothing written."""

import json
import shutil
import subprocess
import sys

import pytest

from flopscape.errors import FlopscapeError
from flopscape.plugins.prepare import prepare_dataset
from flopscape.training.command import main, train


@pytest.fixture
def refusal(text, tmp_path):
    """The sentence with which a spec is refused."""

    def refuse(spec, data=None):
        out = tmp_path / "out" / "run.json"
        with pytest.raises(FlopscapeError) as error:
            train(spec, out, data or text[0])
        assert not list(out.parent.iterdir())
        return str(error.value)

    return refuse


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_tokens": 5000}, "n_tokens must be a multiple of batch_units = 128"),
        ({"n_tokens": 0}, "n_tokens must be a positive integer"),
        ({"seed": -1}, "seed must be an integer from 0 up"),
        ({"size": {"width": 9, "depth": 1}}, "refuses the size"),
        ({"size": {"depth": 1}, "training": {"learning_rate_scaling": "width"}}, "a mapping with width"),
        ({"training": {"learning_rat": 1}}, "unexpected keyword argument 'learning_rat'"),
        ({"training": {"learning_rate": True}}, "learning_rate must be a number"),
        ({"training": {"learning_rate": "0.1"}}, "learning_rate must be a number"),
        ({"training": {"beta1": None}}, "beta1 must be a number"),
        ({"training": {"batch_units": 128.0}}, "batch_units must be a whole number"),
        ({"training": {"compile": "no"}}, "compile must be true or false"),
        ({"training": {"mixed_precision": False}}, "mixed_precision must be text"),
        ({"training": {"mixed_precision": "fp8"}}, "mixed_precision must be one of no, bf16, fp16"),
        ({"training": {"batch_scaling": "linear"}}, "batch_scaling must be one of fixed, power_law"),
        ({"training": {"beta2": 2}}, r"beta2 must be in [0, 1)"),
        ({"training": {"schedule": "linear"}}, "schedule must be one of wsd, cosine, constant"),
        ({"training": {"gradient_clip": 0}}, "gradient_clip must be positive, or null"),
        ({"training": {"mixed_precision": "fp16"}}, "fp16 needs a GPU and there is none"),
        ({"traning": {}}, "unknown traning"),
        ({"model": "gpt"}, "model must be a mapping with plugin"),
        ({"model": {"plugin": "gpt"}}, "write it as module:Class"),
        ({"model": {"plugin": "no.such:GPT"}}, "cannot be imported"),
        ({"model": {"plugin": "flopscape.plugins.gpt:Gtp"}}, "has no class Gtp"),
        ({"model": {"plugin": "flopscape.plugins.losses:NextToken"}}, "no method counts, build, optimizer"),
        ({"model": {"plugin": "flopscape.plugins.gpt:GPT", "kwargs": {"context": 64}}}, "context is 64"),
        ({"model": {"plugin": "flopscape.plugins.gpt:GPT", "kwargs": {"vocab_size": 100, "context": 32}}}, "token 119"),
    ],
    ids=str,
)
def test_a_wrong_spec_is_refused_by_name(make_spec, refusal, changes, sentence):
    training = changes.pop("training", None)
    assert sentence in refusal(make_spec(training, **changes))


def test_a_wrong_spec_is_refused_before_torch_is_imported(make_spec, tmp_path):
    """Importing it takes seconds, in every process of a launch."""
    code = "import sys; from flopscape.training.command import main; print(main(sys.argv[1:]), 'torch' in sys.modules)"
    words = [json.dumps(make_spec(n_tokens=0)), "--out", str(tmp_path / "run.json")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stdout == "2 False\n"


def test_a_spec_without_a_key_is_refused(make_spec, refusal):
    spec = make_spec()
    del spec["loss"]
    assert "lacks loss" in refusal(spec)


def test_a_module_with_other_parameters_than_counted_is_refused(make_spec, refusal, users_module):
    users_module(
        "my_liar",
        "from flopscape.plugins.gpt import GPT\nclass Liar(GPT):\n"
        "    def build(self, size, seed):\n        return super().build({'width': 16, 'depth': 1}, seed)\n",
    )
    spec = make_spec(model={"plugin": "my_liar:Liar", "kwargs": {"context": 32}})
    assert "and build makes" in refusal(spec)


def test_data_that_changed_under_a_run_are_refused(make_spec, refusal, text, tmp_path):
    changed = shutil.copytree(text[0], tmp_path / "changed")
    (changed / "heldout.bin").write_bytes(b"other text")
    assert "not those the manifest was written for" in refusal(make_spec(), changed)


def test_data_not_prepared_are_refused(make_spec, refusal, tmp_path):
    assert "not prepared" in refusal(make_spec(), tmp_path / "nothing")


def test_data_beyond_ascii_need_a_larger_vocabulary(make_spec, refusal, tmp_path):
    (tmp_path / "mine.txt").write_text("".join(f"Bär und Käfer {i**3}\n\n" for i in range(40_000)))
    kwargs = {"path": str(tmp_path / "mine.txt"), "context": 32}
    dataset = {"plugin": "flopscape.plugins.text:TextFile", "kwargs": kwargs}
    prepare_dataset(dataset, tmp_path / "data")
    assert "set the model's vocab_size to at least 196" in refusal(make_spec(dataset=dataset), tmp_path / "data")


ODD = """
import torch
from flopscape.plugins.base import Manifest

class Odd:
    unit = "token"

    def __init__(self, train="", heldout=""):
        self.kind = {"train": train, "heldout": heldout}

    def prepare(self, folder):
        (folder / "data").write_text(str(self.kind))
        return Manifest("", "token", {"train": 4096, "heldout": 1024}, "none", "a test", "none")

    def batches(self, folder, split, batch_units, seed, rank, world_size, start):
        kind = self.kind[split]
        n_rows = batch_units // 32 // (2 if kind == "half" else 1) * (kind != "no rows")
        for step in range(start, {"empty": 0, "short": 3}.get(kind, 8 if split == "heldout" else 40)):
            tokens = torch.randint(0, 128, (n_rows, 33), generator=torch.Generator().manual_seed(step))
            if kind.isdecimal() or kind[1:].isdecimal():
                tokens[0, 5] = int(kind)
            yield tokens if kind == "no dict" else {"inputs": tokens[:, :-1].clamp(0, 127), "targets": tokens[:, 1:]}
"""


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"train": "130"}, "targets from 0 to 130 and the model's vocab_size is 128"),
        ({"train": "-100"}, "targets from -100 to 127"),
        ({"heldout": "128"}, "Target 128 is out of bounds"),
        ({"train": "empty"}, "its training batches end after step 0; its batches must repeat the data without end"),
        ({"train": "short"}, "its training batches end after step 3"),
        ({"train": "half"}, "counted 256 units in 4 steps where batch_units = 128 plans 512"),
        (
            {"train": "no rows"},
            "its training batch 1 is {inputs: [0, 32], targets: [0, 32]}, not a dict of tensors with",
        ),
        ({"train": "no dict"}, "its training batch 1 is a Tensor"),
        ({"heldout": "empty"}, "the held-out split is empty"),
    ],
    ids=str,
)
def test_data_that_cannot_be_trained_on_are_named(make_spec, refusal, users_module, tmp_path, kwargs, sentence):
    users_module("my_odd", ODD)
    dataset = {"plugin": "my_odd:Odd", "kwargs": kwargs}
    prepare_dataset(dataset, tmp_path / "data")
    assert sentence in refusal(make_spec(dataset=dataset), tmp_path / "data")


@pytest.mark.parametrize("n_bytes", [0, 300])
def test_an_empty_or_tiny_text_is_refused_when_it_is_prepared(tmp_path, n_bytes):
    (tmp_path / "mine.txt").write_text("word " * (n_bytes // 5))
    dataset = {"plugin": "flopscape.plugins.text:TextFile", "kwargs": {"path": str(tmp_path / "mine.txt")}}
    with pytest.raises(FlopscapeError, match=r"mine\.txt: too small, .* where 8 windows of 64 are needed"):
        prepare_dataset(dataset, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_batch_larger_than_the_data_repeats_them(make_spec, tmp_path):
    """Every unit is counted as often as it is seen."""
    (tmp_path / "mine.txt").write_text("".join(f"{number**3}\n\n" for number in range(1500)))
    kwargs = {"path": str(tmp_path / "mine.txt"), "context": 32}
    dataset = {"plugin": "flopscape.plugins.text:TextFile", "kwargs": kwargs}
    manifest = prepare_dataset(dataset, tmp_path / "data")
    assert manifest.n_units["train"] < 32768
    spec = make_spec({"batch_units": 32768}, dataset=dataset, n_tokens=3 * 32768)
    assert train(spec, tmp_path / "run.json", tmp_path / "data").n_tokens_seen == 3 * 32768


def test_fewer_processes_than_asked_for_are_refused(make_spec, text, tmp_path, capsys):
    arguments = [json.dumps(make_spec()), "--out", str(tmp_path / "r.json"), "--data", str(text[0]), "--processes", "2"]
    assert main(arguments) == 2
    assert (
        "2 processes were asked for and the environment names none; start them by flopscape launch --processes 2"
        in capsys.readouterr().err
    )
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize("content", ['{"model": ', "", "[1]"])
def test_a_truncated_spec_is_one_line_and_status_2(tmp_path, capsys, content):
    path = tmp_path / "spec.json"
    path.write_text(content)
    assert main([str(path), "--out", str(tmp_path / "r.json")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"flopscape: {path}: ")
    assert error.count("\n") == 1


def test_truncated_json_text_is_one_line_and_status_2(tmp_path, capsys):
    assert main(['{"model": ', "--out", str(tmp_path / "r.json")]) == 2
    assert capsys.readouterr().err.startswith("flopscape: SPEC: not whole JSON")


def test_an_output_that_cannot_be_written_is_refused_before_training(make_spec, text, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FlopscapeError, match="file: a file, where a folder is needed"):
        train(make_spec(), tmp_path / "file" / "run.json", text[0])


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB, and how to fill it up to some bytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small file system needs rights that this user has not")

    def fill(n_left):
        (folder / "rest").write_bytes(b" " * (64 * 1024 - n_left))

    yield folder, fill
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_full_when_the_record_is_written_is_one_line_and_the_run_can_be_repeated(
    make_spec, text, small_disk, capsys
):
    folder, fill = small_disk
    fill(n_left=4096)
    arguments = [json.dumps(make_spec()), "--out", str(folder / "run.json"), "--data", str(text[0])]
    assert main(arguments) == 2
    sentence = f"flopscape: {folder}/run.json: cannot be written (No space left on device); free space"
    assert capsys.readouterr().err.splitlines()[-1] == sentence
    assert sorted(path.name for path in folder.iterdir()) == ["rest", "run.jsonl"]
    (folder / "rest").unlink()
    assert main(arguments) == 0
    assert len((folder / "run.jsonl").read_text().splitlines()) == 10


def test_a_disk_that_is_full_from_the_start_is_one_line_and_keeps_nobody_waiting(make_spec, text, small_disk):
    folder, fill = small_disk
    fill(n_left=0)
    with pytest.raises(FlopscapeError, match=r"lease\.json: cannot be written \(No space left on device\)"):
        train(make_spec(), folder / "run.json", text[0])
    assert not (folder / "checkpoints/run/lease.json").exists()


def test_a_disk_that_is_full_at_a_checkpoint_costs_the_checkpoint_only(make_spec, text, small_disk, monkeypatch):
    """A checkpoint of this run takes 60 kB, its record 8 kB."""
    monkeypatch.setenv("FLOPSCAPE_CHECKPOINT_STEPS", "30")
    folder, fill = small_disk
    fill(n_left=24 * 1024)
    record = train(make_spec(), folder / "run.json", text[0])
    assert record.status == "completed"
    assert "No space left on device" in record.hardware["failed_checkpoints"][0]
    assert sorted(path.name for path in folder.iterdir()) == ["rest", "run.json", "run.jsonl"]


def test_a_run_record_is_a_spec_too(make_spec, text, tmp_path):
    arguments = ["--out", str(tmp_path / "a.json"), "--data", str(text[0])]
    assert main([json.dumps(make_spec()), *arguments]) == 0
    assert main([str(tmp_path / "a.json"), "--out", str(tmp_path / "b.json"), "--data", str(text[0])]) == 0
    first, second = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    assert first["loss"] == second["loss"]
