"""What `flopscape predict` prints, and what it refuses."""

from pathlib import Path
from typing import Any

import pytest

from flopscape.answers.asked import ask
from flopscape.answers.predict import read_with_draws
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import run
from flopscape.records.fit_file import read_fit
from flopscape.report import terminal
from flopscape.report.terminal import served_head
from tests.figures import studies


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fits of one simulated study by several methods."""
    folder = tmp_path_factory.mktemp("fits")
    studies.text_runs(seeds=1).to_csv(folder / "runs.csv", index=False)
    for name, method, options in (
        ("vpnls", "vpnls", {}),
        ("answer", "answer", {}),
        ("approach2", "approach2", {}),
        ("power-n", "law", {"law": "power-n"}),
        ("power-c", "law", {"law": "power-c"}),
        ("constrained", "law", {"law": "constrained", "unique_tokens": 1e7}),
    ):
        run(folder / "runs.csv", folder / f"{name}.json", method, flops=[1e13], bootstrap=100, **options)
    return folder


def predictions(path: Path, flops: list[float], **asked: Any) -> str:
    """What the command prints of a file."""
    result, draws = read_with_draws(path)
    return terminal.predictions(result, ask(result, draws, flops, **asked))


def cells(text: str) -> list[list[str]]:
    """The cells of each row: columns are two spaces apart or more."""
    rows = [line for line in text.splitlines()[2:] if not line.startswith("warning: ")]
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in rows]


@pytest.mark.parametrize("name", ["vpnls", "answer"])
def test_serving_makes_the_model_smaller_and_its_training_longer(name: str, fits: Path) -> None:
    text = predictions(fits / f"{name}.json", [], loss=1.4, inference_tokens=1e7)
    served, alone = cells(text)[0], cells(predictions(fits / f"{name}.json", [], loss=1.4))[0]
    assert all(name in text.splitlines()[0] for name in served_head("token"))
    assert float(served[1].split()[0]) < float(alone[1].split()[0])
    assert float(served[2].split()[0]) > float(alone[2].split()[0])
    assert (served[3], alone[0], alone[6]) == ("1.400", "0", "0.0 %")


def test_one_row_an_asked_compute(fits: Path) -> None:
    assert len(cells(predictions(fits / "vpnls.json", [1e13, 1e14], inference_tokens=1e7))) == 2
    assert [row[0] for row in cells(predictions(fits / "approach2.json", [1e13, 1e14]))] == ["10¹³", "10¹⁴"]


def test_a_given_size_has_no_star_and_no_interval(fits: Path) -> None:
    text = predictions(fits / "vpnls.json", [1e13], n_params=[2e5])
    assert "*" not in text.splitlines()[0]
    assert cells(text)[0][1] == "200 k"


def test_why_an_end_is_open_is_said_below_the_table(fits: Path) -> None:
    text = predictions(fits / "answer.json", [], loss=1.0, inference_tokens=1e7)
    assert "∞]" in cells(text)[0][1]
    assert "of the draws no model reaches a loss of 1, so that N, D and their compute have no upper end." in text


def test_a_size_alone_asks_for_its_data(fits: Path) -> None:
    for name in ("vpnls", "approach2", "constrained", "answer"):
        text = predictions(fits / f"{name}.json", [], n_params=[2e5, 1e6])
        rows = cells(text)
        assert [row[0] for row in rows] == ["200 k", "1.00 M"]
        assert all("[" in cell for row in rows for cell in row[1:])
        assert "1.00 M parameters are a factor" in text


def test_the_loss_of_given_runs_is_printed_a_row_each(fits: Path) -> None:
    text = predictions(fits / "vpnls.json", [], n_params=[2e5], n_tokens=[1e7, 1e8])
    rows = cells(text)
    assert "*" not in text.splitlines()[0]
    assert [row[1:3] for row in rows] == [["200 k", "10.0 M"], ["200 k", "100 M"]]
    assert float(rows[0][4].split()[0]) > float(rows[1][4].split()[0])


def test_a_law_of_compute_predicts_a_loss_and_nothing_else(fits: Path) -> None:
    row = cells(predictions(fits / "power-c.json", [1e13]))[0]
    assert row[1:4] == ["–", "–", "–"]
    assert "[" in row[4]


def test_fewer_distinct_tokens_cost_loss(fits: Path) -> None:
    few, many = (
        float(cells(predictions(fits / "constrained.json", [1e13], unique_tokens=u))[0][4].split()[0])
        for u in (1e5, 1e9)
    )
    assert few > many


@pytest.mark.parametrize(
    ("name", "flops", "options", "sentence"),
    [
        ("vpnls", [], {}, "give one of --flops C, --loss L and --n-params N"),
        ("vpnls", [1e13], {"loss": 1.4}, "give one of --flops C, --loss L and --n-params N"),
        ("vpnls", [1e13], {"n_params": [1e5], "inference_tokens": 1e7}, "leave out --loss and --inference-tokens"),
        ("vpnls", [1e13], {"unique_tokens": 1e7}, "unique_tokens: vpnls does not depend on it"),
        ("vpnls", [1e13], {"inference_tokens": -1.0}, "inference_tokens: -1.0 is not a number of tokens"),
        ("vpnls", [-1.0], {}, "flops: -1.0 is not a positive number"),
        ("vpnls", [], {"loss": 0.1}, "loss: no model reaches 0.1"),
        ("vpnls", [1.0], {}, r"flops 1: N = 0\.\d+ there, less than one parameter; ask for more compute"),
        ("approach2", [1.0], {}, "less than one parameter"),
        ("vpnls", [1e13], {"n_params": [1e15]}, r"flops 1e\+13: D = 0.\d+ there, less than one token"),
        ("vpnls", [1e13], {"n_params": [0.5]}, "less than one parameter"),
        ("vpnls", [1.0], {"inference_tokens": 1e7}, "less than one"),
        ("approach2", [], {"loss": 1.4}, "approach2 fits no surface"),
        ("constrained", [], {"loss": 1.4}, "the law constrained fits no surface, which a loss or inference asks for"),
        ("answer", [1e13], {"unique_tokens": 1e7}, "the law drifting does not depend on it"),
        ("answer", [], {"loss": 0.1}, "no model reaches 0.1 in 100% of the fit's draws"),
        ("power-n", [1e13], {}, "has no optimum at a compute; give n_params"),
        ("power-n", [1e13], {"n_params": [1e5], "unique_tokens": 1e7}, "power-n does not depend on it"),
        ("vpnls", [1e13], {"n_params": [1e5], "n_tokens": [1e7]}, "give one of --flops C"),
        ("vpnls", [], {"n_tokens": [1e7]}, "give one of --flops C"),
        ("power-n", [], {"n_params": [1e5]}, "has no optimal N at a compute"),
        ("approach2", [], {"n_params": [1e5], "n_tokens": [1e7]}, "approach2 has no loss surface"),
        ("gone", [1e13], {}, r"gone\.json: cannot be read"),
    ],
)
def test_what_a_fit_cannot_answer_is_refused_by_option(
    name: str, flops: list[float], options: dict[str, float], sentence: str, fits: Path
) -> None:
    with pytest.raises(FlopscapeError, match=sentence):
        predictions(fits / f"{name}.json", flops, **options)


@pytest.mark.parametrize("options", [{}, {"inference_tokens": 1e7}])
def test_an_answer_far_from_the_runs_is_called_an_extrapolation(options: dict[str, float], fits: Path) -> None:
    text = predictions(fits / "vpnls.json", [1e25], **options)
    assert "beyond the largest budget that was run: an extrapolation, whose interval assumes" in text
    assert "lies outside the trained sizes" in text


def test_an_answer_among_the_runs_has_no_warning(fits: Path) -> None:
    spent = read_fit(fits / "vpnls.json").diagnostics["sampled"]["flops"]
    assert "warning" not in predictions(fits / "vpnls.json", [sum(spent) / 2])


@pytest.mark.parametrize("text", ["n_params,loss\n1,3\n", '{"run_id": "0123456789ab"}', '{"surface": {"E": 1.0}}'])
def test_a_file_that_is_no_fit_is_asked_to_be_deleted_by_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "paid.json").write_text(text)
    with pytest.raises(FlopscapeError, match=r"paid\.json: not .*; name the file of a fit, or make this one again$"):
        predictions(tmp_path / "paid.json", [1e13])
