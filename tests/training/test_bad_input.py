"""What a run refuses: one sentence, status 2, nothing written."""

import json
import shutil

import pytest

from flopscape.errors import FlopscapeError
from flopscape.plugins.prepare import prepare_dataset
from flopscape.training.run import main, train


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


def test_fewer_processes_than_asked_for_are_refused(make_spec, text, tmp_path, capsys):
    arguments = [json.dumps(make_spec()), "--out", str(tmp_path / "r.json"), "--data", str(text[0]), "--processes", "2"]
    assert main(arguments) == 2
    assert "2 processes were asked for and 1 started" in capsys.readouterr().err
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
    with pytest.raises(FlopscapeError, match="cannot be made"):
        train(make_spec(), tmp_path / "file" / "run.json", text[0])


def test_a_full_disk_is_one_line_with_the_path(make_spec, text, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flopscape.records.os.replace", full)
    with pytest.raises(FlopscapeError, match=r"run\.json: cannot be written \(No space left on device\)"):
        train(make_spec(), tmp_path / "run.json", text[0])
    assert not list(tmp_path.iterdir())


def test_a_run_record_is_a_spec_too(make_spec, text, tmp_path):
    arguments = ["--out", str(tmp_path / "a.json"), "--data", str(text[0])]
    assert main([json.dumps(make_spec()), *arguments]) == 0
    assert main([str(tmp_path / "a.json"), "--out", str(tmp_path / "b.json"), "--data", str(text[0])]) == 0
    first, second = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    assert first["loss"] == second["loss"]
