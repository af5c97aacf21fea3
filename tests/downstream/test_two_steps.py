"""Accuracy in two steps: a known task recovered, over-trained runs told apart, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flopscape.answers.sizes import predict_runs
from flopscape.downstream.results import Downstream, Refused, read_numbers
from flopscape.downstream.run import run
from flopscape.downstream.scored_runs import read_scored
from flopscape.downstream.sigmoid import accuracy
from flopscape.downstream.two_steps import two_steps
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.fitting.fit import run as run_fit
from flopscape.laws.surface import closed_form_optimum, loss
from flopscape.runs.read import table_of
from tests.downstream.quiz_runs import CHANCE, QUIZ, TOP, frame_of
from tests.laws.examples import CHINCHILLA

FAR = 10 * TOP


@pytest.fixture(scope="module")
def fitted():
    return fit(table_of(frame_of(), "quiz.csv", {"loss": "loss@quiz"}), method="vpnls", flops=[FAR], bootstrap=200)


def scored(tmp_path: Path, frame, **how):
    path = tmp_path / "quiz.csv"
    frame.to_csv(path, index=False)
    return read_scored(path, "accuracy@quiz", "loss@quiz", **{"chance": CHANCE, "items": 200, **how})


def test_the_accuracy_of_a_known_task_is_held_at_ten_times_the_compute(tmp_path: Path, fitted) -> None:
    found = two_steps(scored(tmp_path, frame_of()), *fitted, [FAR])
    (target,) = found.targets
    true = float(accuracy(QUIZ, closed_form_optimum(CHINCHILLA, FAR).loss))
    assert target.accuracy.low <= true <= target.accuracy.high
    assert target.accuracy.estimate == pytest.approx(true, abs=0.08)
    assert found.middle.low <= 2.8 <= found.middle.high
    assert found.floor.estimate == found.floor.low == found.floor.high == CHANCE
    # The luck of 200 items is all the scatter there is.
    assert found.sigma == pytest.approx(found.items_sigma, rel=0.3)


def test_an_interval_has_the_errors_of_both_steps(tmp_path: Path, fitted) -> None:
    result, draws = fitted
    exact = scored(tmp_path, frame_of(items=None, sigma=1e-9))
    (by_law,) = two_steps(exact, result, draws, [TOP]).targets
    (by_curve,) = two_steps(scored(tmp_path, frame_of()), result, draws.iloc[[0] * 2], [TOP]).targets
    (by_both,) = two_steps(scored(tmp_path, frame_of()), result, draws, [TOP]).targets
    one, other, both = (t.accuracy.high - t.accuracy.low for t in (by_law, by_curve, by_both))
    assert both == pytest.approx(np.hypot(one, other), rel=0.25)
    assert both > max(one, other)


def test_runs_of_one_compute_and_other_sizes_are_predicted_apart(tmp_path: Path, fitted) -> None:
    best = closed_form_optimum(CHINCHILLA, TOP)
    small = best.n_params / 8, best.n_tokens * 8
    runs = scored(tmp_path, frame_of())
    (optimal,) = two_steps(runs, *fitted, [TOP]).targets
    (overtrained,) = two_steps(runs, *fitted, [], [small[0]], [small[1]]).targets
    assert overtrained.flops == pytest.approx(optimal.flops, rel=1e-6)
    (by_law,) = predict_runs(*fitted, [small[0]], [small[1]])
    assert overtrained.loss.estimate == pytest.approx(by_law.loss.estimate, rel=1e-12)
    assert overtrained.accuracy.estimate == pytest.approx(float(accuracy(QUIZ, loss(CHINCHILLA, *small))), abs=0.05)
    assert overtrained.accuracy.high < optimal.accuracy.low


def test_shares_in_per_cent_and_runs_without_accuracy_are_told(tmp_path: Path) -> None:
    frame = frame_of()
    frame["accuracy@quiz"] *= 100
    frame.loc[3, "accuracy@quiz"] = np.nan
    runs = scored(tmp_path, frame)
    assert len(runs) == 34
    assert runs.accuracy.max() < 1
    assert [note.split()[0] for note in runs.notes] == ["accuracy@quiz", "1"]


def test_items_are_read_off_the_standard_errors(tmp_path: Path) -> None:
    frame = frame_of()
    share = frame["accuracy@quiz"]
    runs = scored(tmp_path, frame.assign(**{"accuracy@quiz_se": np.sqrt(share * (1 - share) / 150)}), items=None)
    assert runs.items == pytest.approx(150)


@pytest.mark.parametrize(
    ("change", "how", "words"),
    [
        ({"accuracy@quiz": 0.25}, {}, "0.25 to 0.25 in 35 runs, chance being 0.25; it does not rise"),
        ({}, {"chance": 0.5}, "is below the chance level 0.5 by more than noise"),
        ({}, {"chance": 25.0}, "--chance 25: must be a share"),
        ({}, {"items": 0.5}, "--items 0.5: must be how many"),
        ({"accuracy@quiz": np.inf}, {}, "column accuracy@quiz: inf is not a finite number"),
        ({"accuracy@quiz": [0.3, 0.4, 0.5, 0.6] + [None] * 31}, {}, "4 distinct losses with accuracy@quiz"),
        ({"loss@quiz": 3.0}, {}, "1 distinct loss with accuracy@quiz"),
    ],
)
def test_what_cannot_be_told_is_refused_in_a_sentence(change, how, words: str, tmp_path: Path, fitted) -> None:
    with pytest.raises(FlopscapeError) as error:
        two_steps(scored(tmp_path, frame_of().assign(**change), **how), *fitted, [FAR])
    assert words in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_accuracies_that_rise_with_the_loss_are_refused(tmp_path: Path, fitted) -> None:
    frame = frame_of()
    frame["accuracy@quiz"] = frame["accuracy@quiz"].to_numpy()[::-1]
    with pytest.raises(FlopscapeError, match="does not rise clearly where loss@quiz falls"):
        two_steps(scored(tmp_path, frame), *fitted, [FAR])


def test_accuracies_below_chance_are_refused_without_known_items_too(tmp_path: Path, fitted) -> None:
    frame = frame_of()
    frame.loc[0, "accuracy@quiz"] = 0.02
    with pytest.raises(FlopscapeError, match=r"0.02 of run .* is below the chance level"):
        two_steps(scored(tmp_path, frame, items=None), *fitted, [FAR])
    # Many below it do not excuse each other by their own scatter about a curve from chance.
    frame["accuracy@quiz"] = (frame_of()["accuracy@quiz"] - 0.2).clip(0.01)
    with pytest.raises(FlopscapeError, match="is below the chance level"):
        two_steps(scored(tmp_path, frame, items=None), *fitted, [FAR])


def test_questions_that_do_not_fit_the_fit_are_refused(tmp_path: Path, fitted) -> None:
    runs = scored(tmp_path, frame_of())
    with pytest.raises(FlopscapeError, match="--flops C, or --n-params N together with --n-tokens D"):
        two_steps(runs, *fitted, [], [1e9])
    with pytest.raises(FlopscapeError, match="the fit is of loss@quiz, and the accuracy is to follow from loss;"):
        two_steps(replace(runs, loss_column="loss"), *fitted, [FAR])
    with pytest.raises(FlopscapeError, match="--accuracy loss@quiz: no accuracy"):
        read_scored(runs.path, "loss@quiz", "loss@quiz")


def test_no_runs_and_targets_that_no_law_is_believed_at_are_refused(tmp_path: Path, fitted) -> None:
    runs = scored(tmp_path, frame_of())
    with pytest.raises(FlopscapeError, match="no run is left; change exclude 'n_params > 0'"):
        read_scored(runs.path, "accuracy@quiz", "loss@quiz", exclude="n_params > 0")
    with pytest.raises(FlopscapeError, match="not so far beyond the runs"):
        two_steps(runs, *fitted, [1e30])
    with pytest.raises(FlopscapeError, match="less than one token"):
        two_steps(runs, *fitted, [], [1e6], [0.5])
    with pytest.raises(FlopscapeError, match="FLOPs inf: must be positive, and not so far"):
        two_steps(runs, *fitted, [], [1e9], [1e300])
    frame_of()[:0].to_csv(runs.path, index=False)
    with pytest.raises(FlopscapeError, match="no run is left; give a table of finished runs"):
        read_scored(runs.path, "accuracy@quiz", "loss@quiz")


def test_runs_that_all_lie_before_the_bend_are_told_so(tmp_path: Path, fitted) -> None:
    found = two_steps(scored(tmp_path, frame_of(QUIZ._replace(middle=2.3, ceiling=1.0))), *fitted, [FAR])
    assert not found.tells_ceiling
    assert any(sentence.startswith("No run has passed the middle") for sentence in found.warnings)
    assert any("lies below that of all runs" in sentence for sentence in found.warnings)


def test_the_verb_prints_writes_a_figure_and_gives_json(tmp_path: Path) -> None:
    runs, out = tmp_path / "quiz.csv", tmp_path / "fit.json"
    frame_of().to_csv(runs, index=False)
    run_fit(runs, out, method="vpnls", flops=[FAR], bootstrap=100, columns={"loss": "loss@quiz"})
    asked = {"flops": [FAR], "n_params": [1e9], "n_tokens": [1e11], "chance": CHANCE}
    printed = run(runs, out, "accuracy@quiz", **asked, out=tmp_path / "x.svg")
    assert "accuracy@quiz in two steps: loss@quiz by the fit fit" in printed
    assert {"x.svg", "x.png"} <= {path.name for path in tmp_path.iterdir()}
    # What is said to be written is, also where the name has another ending.
    assert run(runs, out, "accuracy@quiz", **asked, out=tmp_path / "y.pdf").endswith("y.pdf.png: written")
    assert (tmp_path / "y.pdf.png").is_file()
    found = json.loads(run(runs, out, "accuracy@quiz", **asked, as_json=True))
    assert found.keys() == Downstream.__dataclass_fields__.keys()
    assert [target["given"] for target in found["targets"]] == [False, True]


def test_the_file_of_numbers_reads_back_as_what_was_printed_and_keeps_a_refusal(tmp_path: Path) -> None:
    runs, out, kept = tmp_path / "quiz.csv", tmp_path / "fit.json", tmp_path / "quiz.json"
    frame = frame_of()
    frame.assign(**{"accuracy@flat": 0.25, "accuracy@low": 0.1}).to_csv(runs, index=False)
    run_fit(runs, out, method="vpnls", flops=[FAR], bootstrap=100, columns={"loss": "loss@quiz"})
    asked = {"flops": [FAR], "chance": CHANCE, "items": 200}
    run(runs, out, "accuracy@quiz", **asked, numbers=kept)
    found = read_numbers(kept)
    assert json.loads(json.dumps(found.to_json())) == json.loads(run(runs, out, "accuracy@quiz", **asked, as_json=True))
    assert "made-from[code=" in kept.read_text()
    for column, words in (("accuracy@flat", "does not rise clearly"), ("accuracy@low", "below the chance level 0.25")):
        with pytest.raises(FlopscapeError, match=words):
            run(runs, out, column, **asked)
        assert words in run(runs, out, column, **asked, out=tmp_path / "flat.svg", numbers=kept)
        refused = read_numbers(kept)
        assert isinstance(refused, Refused)
        assert words in refused.refused
    # A name that the table lacks is no answer: nothing is written.
    kept.unlink()
    with pytest.raises(FlopscapeError, match="no column accuracy@gone"):
        run(runs, out, "accuracy@gone", **asked, numbers=kept)
    assert not kept.exists()
