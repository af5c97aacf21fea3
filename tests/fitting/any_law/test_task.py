"""When a law's fit is trusted, and what is refused."""

import numpy as np
import pytest

from flopscape.answers.predict import predict
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.runs.chosen import without
from tests.fitting.fit_tables import as_table, isoflop, isoflop_frame
from tests.fitting.law_tables import law_frame


def test_the_extra_exponent_of_a_surface_is_not_earned(tmp_path):
    result, _ = fit(isoflop(tmp_path), "law", law="coupled", bootstrap=0)
    assert result.diagnostics["f_test"]["against"] == "surface"
    assert any("does not earn its place: F = 0.3, p = 0.59 against surface" in text for text in result.warnings)


@pytest.mark.parametrize("name", ["kaplan", "power-n", "power-c-floor"])
def test_a_law_that_the_surface_beats_is_weak(name, tmp_path):
    result, _ = fit(isoflop(tmp_path), "law", law=name, bootstrap=0)
    assert result.status == "weak"
    assert "the law surface describes these runs better" in result.reason


def test_a_floor_at_zero_is_a_boundary(tmp_path):
    table = as_table(law_frame("power-n", sigma=0.01, seed=3), tmp_path)
    result, _ = fit(table, "law", law="power-n-floor", bootstrap=0)
    assert result.status == "boundary"
    assert result.reason == "E is at its bound, 0"


def test_a_term_that_vanishes_leaves_nothing_to_predict(tmp_path):
    """Runs whose loss rises with size and data."""
    frame = isoflop_frame()
    frame["loss"] = 4 - frame["loss"] / 2
    result, draws = fit(as_table(frame, tmp_path), "law", flops=[1e22], bootstrap=50)
    assert (result.status, result.exponents, result.predictions[0].loss) == ("boundary", None, None)
    with pytest.raises(FlopscapeError, match="A is at its bound"):
        predict(result, draws, [1e22])


def test_too_few_runs_are_refused(tmp_path):
    result, draws = fit(as_table(law_frame("coupled").head(6), tmp_path), "law", flops=[1e21])
    assert (result.status, len(draws)) == ("refused", 0)
    assert result.reason == "6 completed runs for six parameters; at least 7 are needed"


def test_one_size_cannot_show_a_dependence_on_size(tmp_path):
    frame = law_frame("coupled")
    result, _ = fit(as_table(frame[frame["n_params"] == 1e7], tmp_path), "law")
    assert "all runs have the same N = 1e+07" in result.reason


def test_runs_of_one_tokens_per_parameter_are_refused(tmp_path):
    frame = law_frame("coupled", sigma=0.01).drop(columns="loss")
    frame["n_params"], frame["n_tokens"] = np.geomspace(1e7, 1e10, 90), 20 * np.geomspace(1e7, 1e10, 90)
    frame["loss"] = 1.7 + 5 * (frame["n_params"] / 1e8) ** -0.3
    result, _ = fit(as_table(frame, tmp_path), "law", law="surface", bootstrap=0)
    assert result.status == "refused"
    assert "N and D are not told apart" in result.reason


def test_without_repetition_its_worth_cannot_be_seen(tmp_path):
    table = as_table(law_frame("surface").drop(columns="unique_tokens"), tmp_path)
    result, _ = fit(table, "law", law="constrained", unique_tokens=1e15)
    assert result.status == "refused"
    assert "no run repeats data" in result.reason


def test_without_oversized_models_their_decay_cannot_be_seen(tmp_path):
    frame = law_frame("constrained", sigma=0.003)
    small = as_table(frame[frame["n_params"] < 2e8], tmp_path)
    result, _ = fit(without(small, "unique_tokens < 5e9"), "law", law="constrained", bootstrap=0)
    assert result.status == "refused"
    assert "no run's loss depends on R_N" in result.reason


def test_distinct_tokens_come_from_the_column_or_the_option(tmp_path):
    frame = law_frame("constrained", sigma=0.003)
    with pytest.raises(FlopscapeError, match="no column unique_tokens"):
        fit(as_table(frame.drop(columns="unique_tokens"), tmp_path), "law", law="constrained")
    with pytest.raises(FlopscapeError, match="the law coupled does not depend on it"):
        fit(as_table(frame, tmp_path), "law", unique_tokens=1e9)
    result, _ = fit(as_table(frame, tmp_path), "law", law="constrained", bootstrap=0)
    assert result.diagnostics["share_of_runs_with_repeats"] == pytest.approx(0.6)
    assert (result.diagnostics["most_epochs"], result.diagnostics["unique_tokens"]) == (60, 1e10)


def test_an_unknown_law_is_named(tmp_path):
    with pytest.raises(FlopscapeError, match="is none of surface, coupled"):
        fit(isoflop(tmp_path), "law", law="cubic")
