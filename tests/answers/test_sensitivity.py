"""One thing changes at a time, and the table says by how much."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flopscape.answers.sensitivity import FITS, run, sensitivity
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.runs.read import table_of
from tests.fitting.fit_tables import A_TRUE, as_table, isoflop, isoflop_frame

ASKED = 1e22


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """A clean sweep with one loss that is 8 % too high, and three conventions of N, two of them the same."""
    frame = isoflop_frame(seed=3, sigma=0.002)
    frame.loc[3, "loss"] *= 1.08
    frame["n_params_total"] = frame["n_params"] * 1.1
    frame["n_params_body"] = frame["n_params"]
    table = as_table(frame, tmp_path_factory.mktemp("sensitivity"))
    return sensitivity(table, "vpnls", flops=[ASKED], bootstrap=100).set_index("setting")


def test_the_base_is_the_fit_itself(tmp_path: Path) -> None:
    table = isoflop(tmp_path)
    first = sensitivity(table, "vpnls", flops=[ASKED], bootstrap=100, seed=5).iloc[0]
    base = fit(table, "vpnls", flops=[ASKED], bootstrap=100, seed=5)[0]
    assert base.exponents
    a = base.exponents["a"]
    assert (first.a, first.a_low, first.a_high, first.what_changes) == (a.estimate, a.low, a.high, "base")
    assert first[f"n_tokens_change@{ASKED!r}"] == 0


def test_leaving_out_a_planted_outlier_moves_a_towards_the_truth(varied: pd.DataFrame) -> None:
    base, without = varied.loc["as it is"], varied.loc["without flagged outliers"]
    assert without.n_runs == base.n_runs - 1
    assert abs(without.a - A_TRUE) < 0.5 * abs(base.a - A_TRUE)


def test_robust_objectives_are_moved_less_by_an_outlier(varied: pd.DataFrame) -> None:
    robust = varied.loc["absolute deviations of the log loss"]
    assert abs(robust.a - A_TRUE) < 0.5 * abs(varied.loc["as it is"].a - A_TRUE)


def test_every_group_of_choices_is_there_once(varied: pd.DataFrame) -> None:
    assert varied.index.is_unique
    assert varied.what_changes.value_counts().to_dict() == {
        "base": 1, "objective": 4, "method": 2, "rows": 4, "convention": 1,
    }  # fmt: skip
    assert set(FITS) - set(varied.index) == {"least squares on the loss"}
    assert "n_params = n_params_body" not in varied.index


def test_a_convention_that_scales_n_moves_n_and_not_a(varied: pd.DataFrame) -> None:
    base, total = varied.loc["as it is"], varied.loc["n_params = n_params_total"]
    assert total.a == pytest.approx(base.a, rel=1e-6)
    assert total[f"n_tokens@{ASKED!r}"] * total[f"n_params@{ASKED!r}"] == pytest.approx(ASKED / 6, rel=1e-6)


def test_the_relative_change_is_against_the_base(varied: pd.DataFrame) -> None:
    n_tokens = varied[f"n_tokens@{ASKED!r}"]
    assert varied[f"n_tokens_change@{ASKED!r}"].to_numpy() == pytest.approx(n_tokens / n_tokens["as it is"] - 1)


def test_a_refused_setting_is_a_row_with_its_reason(tmp_path: Path) -> None:
    varied = sensitivity(isoflop(tmp_path, budgets=2), "vpnls", flops=[ASKED], bootstrap=100).set_index("setting")
    refused = varied.loc["IsoFLOP parabolas"]
    assert refused.status == "refused"
    assert "at least 3 are needed" in refused.reason
    assert np.isnan([refused.a, refused[f"n_tokens_change@{ASKED!r}"]]).all()


def test_a_table_without_completed_runs_is_the_bases_refusal(tmp_path: Path) -> None:
    varied = sensitivity(as_table(isoflop_frame().assign(status="diverged"), tmp_path), "vpnls", bootstrap=100)
    assert varied.status.tolist() == ["refused"]


def test_the_file_reads_back_as_the_table(tmp_path: Path) -> None:
    isoflop_frame(budgets=3).to_csv(tmp_path / "runs.csv", index=False)
    varied = run(tmp_path / "runs.csv", tmp_path / "out.csv", "approach2", flops=[ASKED], bootstrap=100)
    written = pd.read_csv(tmp_path / "out.csv", keep_default_na=True).drop(columns="made_from")
    pd.testing.assert_frame_equal(written, varied, check_dtype=False)


def test_an_option_that_the_base_method_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FlopscapeError, match="objective: vpnls has none"):
        sensitivity(isoflop(tmp_path), "vpnls", objective="lad")


def test_the_answer_as_it_is_has_the_numbers_of_its_fit() -> None:
    """They are medians of draws, and those of fewer draws would be others, far from the runs by a tenth."""
    runs = table_of(isoflop_frame(budgets=3, sigma=0.02), "x")
    found = fit(runs, "answer", flops=[1e24])[0].predictions[0]
    base = sensitivity(runs, "answer", flops=[1e24]).iloc[0]
    assert (base["n_params@1e+24"], base["n_tokens@1e+24"]) == (found.n_params.estimate, found.n_tokens.estimate)
