"""A branch of a longer run equals the same run trained alone, to the last digit."""

import pytest

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import short_hash
from flopscape.machine.measured import Options
from flopscape.records.run_record import RunRecord
from flopscape.training.command import main, train
from flopscape.training.spec import check_spec
from tests.training.test_resume import TROUBLE

BATCH = 128
TRUNK, MIDDLE, SHORT = 100 * BATCH, 60 * BATCH, 30 * BATCH
OWN = {"hardware", "timings", "cost", "parent", "n_tokens_inherited"}
"""What a branch tells of itself and not of its result."""


@pytest.fixture
def spec(make_spec, users_module, monkeypatch):
    """The spec of the trunk: 100 steps, of which 8 warm up; its loss has noise from every generator while it trains."""
    users_module("trouble", TROUBLE.replace("return value * (1", "return value * (1 if not module.training else 1"))
    monkeypatch.setenv("TROUBLE", "")
    return make_spec({"warmup_units": 8 * BATCH}, loss={"plugin": "trouble:Noisy"}, n_tokens=TRUNK)


@pytest.fixture
def carry_out(text, tmp_path, monkeypatch):
    """Train a run of some tokens into a folder of its own records; the record, or what was raised."""

    def run(spec, folder="together", branches=(), trouble=""):
        monkeypatch.setenv("TROUBLE", trouble)
        out = tmp_path / folder / "runs" / f"{short_hash(spec)}.json"
        try:
            train(spec, out, text[0], Options(branches=branches))
        except Exception as error:
            return error
        return RunRecord.read(out)

    return run


def result(record):
    return {name: value for name, value in vars(record).items() if name not in OWN}


def short(spec, n_tokens):
    return spec | {"n_tokens": n_tokens}


def test_trunk_and_branches_are_the_runs_trained_alone(spec, carry_out, tmp_path, capsys):
    records = [carry_out(spec, branches=(SHORT, MIDDLE)), *(carry_out(short(spec, n)) for n in (SHORT, MIDDLE))]
    alone = [carry_out(short(spec, n), "alone") for n in (TRUNK, SHORT, MIDDLE)]
    assert [result(record) for record in records] == [result(record) for record in alone]
    assert len({record.loss for record in records}) == 3
    trunk = records[0].run_id
    assert [(r.parent, r.n_tokens_inherited) for r in records] == [("", 0), (trunk, 24 * BATCH), (trunk, 48 * BATCH)]
    assert [r.flops_spent / r.flops_counted for r in records] == pytest.approx([1, 0.2, 0.2])
    assert records[1].hardware["resumed_at_steps"] == []
    assert f"branched off run {trunk} after step 24 of 30" in capsys.readouterr().out
    assert not (tmp_path / "together/checkpoints").exists()


def test_trunk_and_branch_that_were_killed_are_still_the_same(spec, carry_out, monkeypatch):
    monkeypatch.setenv("FLOPSCAPE_CHECKPOINT_STEPS", "7")
    assert type(carry_out(spec, branches=(SHORT, MIDDLE), trouble="crash@40")).__name__ == "Crash"
    assert carry_out(spec, branches=(SHORT, MIDDLE)).hardware["resumed_at_steps"] == [35]
    assert type(carry_out(short(spec, MIDDLE), trouble="crash@11")).__name__ == "Crash"
    branch = carry_out(short(spec, MIDDLE))
    assert branch.hardware["resumed_at_steps"] == [56]
    assert branch.n_tokens_inherited == 48 * BATCH
    assert result(branch) == result(carry_out(short(spec, MIDDLE), "alone"))


def test_a_trunk_trained_again_leaves_its_branch_the_same_again(spec, carry_out, tmp_path):
    carry_out(spec, branches=(SHORT,))
    carry_out(spec, branches=(SHORT,))
    branch = carry_out(short(spec, SHORT))
    assert branch.n_tokens_inherited == 24 * BATCH
    assert result(branch) == result(carry_out(short(spec, SHORT), "alone"))


def test_a_branch_that_was_left_nothing_is_trained_alone(spec, carry_out, tmp_path, capsys):
    (tmp_path / "together").mkdir()
    (tmp_path / "together/checkpoints").mkdir()
    (tmp_path / "together/checkpoints" / short_hash(short(spec, SHORT))).write_text("in the way")
    carry_out(spec, branches=(SHORT,))
    assert "no checkpoint for the branch" in capsys.readouterr().err
    (tmp_path / "together/checkpoints" / short_hash(short(spec, SHORT))).unlink()
    assert carry_out(short(spec, SHORT)).parent == ""


@pytest.mark.parametrize(
    ("changes", "n_tokens"),
    [
        ({}, TRUNK),
        ({}, 2 * TRUNK),
        ({"warmup_units": 0}, SHORT),
        ({"warmup_units": 0, "warmup_fraction": 0, "decay_fraction": 1}, SHORT),
    ],
)
def test_what_cannot_branch_is_refused(changes, n_tokens, make_spec):
    task = check_spec(make_spec({"warmup_units": BATCH} | changes, n_tokens=TRUNK))
    with pytest.raises(FlopscapeError, match="no branch of one of 12800"):
        task.branch(n_tokens)


def test_a_run_too_short_for_its_warm_up_is_refused(make_spec):
    with pytest.raises(FlopscapeError, match="n_tokens must be enough for warmup_units and decay_fraction"):
        check_spec(make_spec({"warmup_units": 9 * BATCH}, n_tokens=10 * BATCH))


def test_tokens_of_branches_that_are_no_numbers_are_refused(capsys):
    with pytest.raises(SystemExit):
        main(["{}", "--out", "run.json", "--branches", "many"])
    assert "--branches" in capsys.readouterr().err
