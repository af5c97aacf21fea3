"""`flopscape backtest` from file to file."""

import json
from pathlib import Path

import numpy as np
import pytest

from flopscape.answers.backtest.methods import methods_given
from flopscape.answers.backtest.run import run
from flopscape.errors import FlopscapeError
from flopscape.figures.tables import read_backtest
from flopscape.fitting import fit
from flopscape.records.stamps import read as read_stamp
from tests.fitting.fit_tables import isoflop_frame


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    isoflop_frame().to_csv(tmp_path / "runs.csv", index=False)
    return tmp_path / "runs.csv"


def given(runs: Path, method: str | None = "vpnls", fits=(), seed: int = 0, columns=None, **options):
    return methods_given(runs, method, list(fits), seed, columns or {}, options)


def test_the_file_has_the_lines_that_are_returned_and_says_what_it_was_made_from(runs: Path) -> None:
    out = runs.with_name("backtest.csv")
    lines = run(runs, out, given(runs), bootstrap=100)
    assert read_backtest(out) == lines
    assert {"code", "runs", "options"} <= read_stamp(out).keys()
    assert [line.what for line in lines if line.cut == "the largest budget"] == ["optimum", *["run"] * 7]


def test_the_same_inputs_give_the_same_bytes_and_another_option_another_stamp(runs: Path) -> None:
    outs = [runs.with_name(f"{name}.csv") for name in ("a", "b", "c")]
    for out, seed in zip(outs, (0, 0, 1), strict=True):
        run(runs, out, given(runs, seed=seed), bootstrap=100)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert read_stamp(outs[0])["options"] != read_stamp(outs[2])["options"]


def test_finished_fits_are_refitted_with_their_own_options(runs: Path) -> None:
    made = runs.with_name("mine.json")
    fit.run(runs, made, "approach3", flops=[1e22], bootstrap=100, seed=5, objective="lad", min_flops=1e18)
    method = given(runs, None, [made])[0]
    assert (method.name, method.method, method.own, method.seed) == ("mine", "approach3", {"objective": "lad"}, 5)
    assert method.min_flops == 1e18
    lines = run(runs, runs.with_name("b.csv"), [method], bootstrap=100)
    assert {line.n_runs for line in lines} == {21}


def test_a_fit_of_another_table_is_refused(runs: Path) -> None:
    made = runs.with_name("mine.json")
    fit.run(runs, made, "approach2", bootstrap=100)
    isoflop_frame(seed=1).to_csv(runs, index=False)
    with pytest.raises(FlopscapeError, match=r"mine\.json: not a fit of .*runs\.csv as it is now"):
        given(runs, None, [made])


def test_a_fit_that_hides_its_options_is_refused(runs: Path) -> None:
    made = runs.with_name("mine.json")
    fit.run(runs, made, "approach2", bootstrap=100)
    written = json.loads(made.read_text())
    del written["made_from"]["options"]
    made.write_text(json.dumps(written))
    with pytest.raises(FlopscapeError, match="does not say by which options it was made"):
        given(runs, None, [made])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"method": "vpnls", "fits": ["f.json"]}, "give --method, or --fits"),
        ({"method": None, "fits": ["f.json"], "exclude": "loss > 3"}, "exclude is for --method"),
        ({"method": None, "objective": "lad"}, "objective: "),
        ({"method": "vpnls", "objective": "lad"}, "objective: vpnls has none; approach3 has"),
        ({"method": "nonsense"}, "nonsense"),
        ({"method": None, "fits": ["gone.json"]}, "gone.json"),
    ],
)
def test_what_cannot_be_refitted_is_named(runs: Path, arguments: dict, said: str) -> None:
    with pytest.raises(FlopscapeError, match=said):
        run(runs, runs.with_name("b.csv"), given(runs, **arguments), bootstrap=100)
    assert not runs.with_name("b.csv").exists()


def test_unless_told_otherwise_every_method_without_curves_is_refitted(runs: Path) -> None:
    names = [method.name for method in given(runs, None)]
    assert {"approach2", "approach2-exact", "approach3", "law", "vpnls"} <= {*names}
    assert "approach1" not in names


def test_a_table_too_small_says_so_and_its_file_is_fresh_for_ever(runs: Path) -> None:
    isoflop_frame(budgets=3).to_csv(runs, index=False)
    out = runs.with_name("b.csv")
    lines = run(runs, out, given(runs), bootstrap=100)
    assert [(line.what, line.left_out) for line in lines] == [
        ("nothing", "the runs have 3 budgets, and a refit needs 3 after the largest is hidden")
    ]
    assert [line.left_out for line in read_backtest(out)] == [lines[0].left_out]
    assert "runs" in read_stamp(out)


def test_a_table_whose_rows_are_all_left_out_says_so(runs: Path) -> None:
    lines = run(runs, runs.with_name("b.csv"), given(runs, exclude="loss > 0"), bootstrap=100)
    assert [line.left_out for line in lines] == ["no rows are left to fit"]


@pytest.mark.parametrize("column", [{"status": "validate"}, {"validate": True}, {"validate": "yes"}])
def test_runs_that_stay_hidden_reach_neither_fits_nor_their_backtest(tmp_path: Path, column: dict) -> None:
    frame = isoflop_frame()
    name, word = next(iter(column.items()))
    marked = frame.assign(**{name: np.where(frame.budget == 1e21, word, "completed" if name == "status" else "false")})
    paths = [tmp_path / "all.csv", tmp_path / "rest.csv"]
    marked.to_csv(paths[0], index=False)
    frame[frame.budget < 1e21].to_csv(paths[1], index=False)
    seen, rest = (fit.fit(fit.read_runs(path), "vpnls", flops=[1e21], bootstrap=100)[0] for path in paths)
    assert seen.predictions == rest.predictions
    assert [out.reason for out in seen.excluded] == ["validate: planned to stay hidden"]
    lines = run(paths[0], tmp_path / "b.csv", given(paths[0]), bootstrap=100)
    assert lines == run(paths[1], tmp_path / "c.csv", given(paths[1]), bootstrap=100)


def test_a_column_named_validate_that_holds_losses_marks_nothing(tmp_path: Path) -> None:
    frame = isoflop_frame().assign(validate=lambda x: x.loss.round(1))
    frame.to_csv(tmp_path / "runs.csv", index=False)
    assert fit.read_runs(tmp_path / "runs.csv").excluded == []


def test_the_progress_counts_all_refits(runs: Path) -> None:
    heard: list[tuple[int, int, str]] = []
    run(runs, runs.with_name("b.csv"), given(runs, "approach2"), bootstrap=100, report=lambda *said: heard.append(said))
    assert heard == [
        (1, 2, "approach2 without the largest budget"), (2, 2, "approach2 without the largest 2 budgets"),
    ]  # fmt: skip
