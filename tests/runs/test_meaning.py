"""Rows of two kinds in one table are refused with both kinds and their rows, or named."""

import numpy as np
import pandas as pd
import pytest

from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.runs.read import table_of
from tests.fitting.fit_tables import as_table, isoflop_frame


def refusal(frame, folder, **options):
    with pytest.raises(FlopscapeError) as caught:
        fit(as_table(frame, folder), "approach2", bootstrap=100, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("column", "what"), [("unit", "units of D"), ("loss_unit", "units of the loss"), ("data_hash", "datasets")]
)
def test_two_kinds_of_rows_are_refused_and_can_be_fitted_apart(column, what, tmp_path):
    frame = isoflop_frame().assign(**{column: np.where(np.arange(35) < 28, "one", "other")})
    said = refusal(frame, tmp_path)
    assert f"2 {what} in one table: {column} one in rows 1 to 28 and {column} other in rows 29 to 35" in said
    assert f"--exclude \"{column} == 'other'\"" in said
    result, _ = fit(as_table(frame, tmp_path), "approach2", bootstrap=100, exclude=f"{column} == 'other'")
    assert result.n_runs == 28


def test_blank_cells_are_no_second_kind(tmp_path):
    frame = isoflop_frame().assign(unit=np.where(np.arange(35) < 28, "token", ""))
    assert fit(as_table(frame, tmp_path), "approach2", bootstrap=100)[0].status == "ok"


def test_subsets_of_a_dataset_have_hashes_of_their_own(tmp_path):
    share = np.where(np.arange(35) % 2, 1e9, 1e8)
    frame = isoflop_frame().assign(unique_tokens=share, data_hash=[f"hash{u:g}" for u in share])
    assert fit(as_table(frame, tmp_path), "approach2", bootstrap=100)[0].n_runs == 35
    frame.loc[2, "data_hash"] = "another"
    assert "data_hash another in row 3" in refusal(frame, tmp_path)


@pytest.mark.parametrize("name", ["n_params", "flops_per_unit"])
def test_one_size_with_two_counts_is_refused(name, tmp_path):
    sizes = [f'{{"width":{width}}}' for width in range(7)] * 5
    frame = isoflop_frame(shift=False).assign(size=sizes, n_params=1e7 * 2.0 ** (np.arange(35) % 7), flops_per_unit=6.0)
    assert len(table_of(frame, "runs.csv")) == 35
    frame.loc[9, name] *= 1.25
    said = refusal(frame, tmp_path)
    assert f'two counts of size {{"width":2}}: {name}' in said
    assert "in row 10" in said
    assert "rows 3, 17, 24 and 31" in said


def test_a_size_that_is_only_a_label_may_have_several_counts(tmp_path):
    frame = isoflop_frame().assign(size=["S", "M", "L", "XL", "S", "M", "L"] * 5)
    assert fit(as_table(frame, tmp_path), "approach2", bootstrap=100)[0].status == "ok"


def test_n_with_the_head_in_some_rows_and_without_in_others_is_refused(tmp_path):
    head = np.where(np.arange(35) < 30, 1000, 0)
    frame = isoflop_frame().assign(n_params_body=lambda f: f["n_params"] - head)
    said = refusal(frame, tmp_path)
    assert "rows 1 to 30 count a head in n_params, and rows 31 to 35 none" in said
    without = as_table(frame, tmp_path, n_params="n_params_body")
    assert fit(without, "approach2", bootstrap=100)[0].n_runs == 35


def test_a_size_whose_compute_stands_out_is_asked_about(tmp_path):
    frame = isoflop_frame(shift=False).assign(flops=lambda f: 6 * f["n_params"] * f["n_tokens"])
    assert fit(as_table(frame, tmp_path), "vpnls", bootstrap=100)[0].warnings == []
    frame.loc[4, "flops"] *= 1.3
    warnings = fit(as_table(frame, tmp_path), "vpnls", bootstrap=100)[0].warnings
    assert any(text.startswith("C is 7.8·N·D at N = ") for text in warnings)


def test_several_recipes_are_named(tmp_path):
    frame = isoflop_frame().assign(recipe=[1] * 30 + [2] * 5)
    warnings = fit(as_table(frame, tmp_path), "approach2", bootstrap=100)[0].warnings
    assert (
        "runs of several recipes in one table: 1 (30 rows), 2 (5 rows); a changed recipe may be another law" in warnings
    )


@pytest.mark.parametrize("n_scale", [1.0, 1e6, 1e9])
@pytest.mark.parametrize("d_scale", [1.0, 1e6, 1e9])
def test_millions_and_billions_are_asked_about(n_scale, d_scale, tmp_path):
    frame = isoflop_frame().drop(columns="budget")
    frame = frame.assign(n_params=frame["n_params"] / n_scale, n_tokens=frame["n_tokens"] / d_scale)
    result = fit(as_table(frame, tmp_path), "vpnls", bootstrap=100)[0]
    if (n_scale, d_scale) == (1, 1):
        assert result.status == "ok"
    elif (n_scale, d_scale) == (1e6, 1e6):
        assert (
            "are these millions" not in result.reason
        )  # 7 to 10,000 parameters on as many tokens each: a small network
    else:
        assert result.status in ("weak", "refused")
        assert "are these millions, or billions?" in result.reason + str(result.warnings)


def test_small_networks_on_little_data_are_not_asked_about(tmp_path):
    frame = isoflop_frame().drop(columns="budget").assign(n_params=lambda f: f["n_params"] / 1e4)
    frame = frame.assign(n_tokens=lambda f: f["n_tokens"] / 1e4)
    assert "millions" not in fit(as_table(frame, tmp_path), "vpnls", bootstrap=100)[0].reason


@pytest.mark.parametrize("word", ["finished", "SUCCESS", " succeeded ", "done", "Complete", "ok", "", None])
def test_a_run_that_completed_in_other_words_is_fitted(word, tmp_path):
    assert len(as_table(isoflop_frame().assign(status=word), tmp_path)) == 35


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("crashed", "status crashed"),
        (" FAILED", "status failed"),
        ("killed", "status killed"),
        ("Running", "status running"),
        ("fertig", "status fertig, a word that is not known: write completed where a run is"),
    ],
)
def test_a_run_that_did_not_complete_is_listed_with_its_word(word, reason, tmp_path):
    frame = isoflop_frame().assign(status=["finished"] * 33 + [word] * 2)
    table = as_table(frame, tmp_path)
    assert [(e.rows, e.reason) for e in table.excluded] == [(["run33", "run34"], reason)]


def test_checkpoints_of_a_run_are_no_runs_of_their_own_to_parabolas(tmp_path):
    frame = isoflop_frame(sigma=0.001)
    early = frame.iloc[7:].assign(
        run_id=frame["run_id"].iloc[7:], n_tokens=frame["n_tokens"].iloc[7:] / 10, budget=frame["budget"].iloc[7:] / 10
    )
    both = as_table(pd.concat([frame, early.assign(loss=early["loss"] + 0.3)], ignore_index=True), tmp_path)
    result = fit(both, "approach2", bootstrap=100)[0]
    assert result.exponents == fit(as_table(frame, tmp_path), "approach2", bootstrap=100)[0].exponents
    assert result.excluded[0].rows == [f"run{i}" for i in range(7, 35)]
    assert result.excluded[0].reason.startswith("a checkpoint of a run that went on")
    assert "vpnls and approach3 resample whole runs" in result.excluded[0].reason


def test_a_run_id_that_several_sizes_share_makes_no_checkpoints_of_them(tmp_path):
    frame = isoflop_frame()
    apart = fit(as_table(frame, tmp_path), "approach2", flops=[1e21])[0]
    shared = fit(as_table(frame.assign(run_id="sweep"), tmp_path), "approach2", flops=[1e21])[0]
    assert (shared.status, shared.excluded) == ("ok", [])
    assert shared.exponents == apart.exponents


def test_runs_that_stray_from_their_budget_are_told_with_how_far(tmp_path):
    frame = isoflop_frame()
    frame.loc[frame.index[-3:], "n_tokens"] *= [0.93, 1.2, 1.35]
    [said] = [
        warning for warning in fit(as_table(frame, tmp_path), "vpnls", bootstrap=50)[0].warnings if "cost" in warning
    ]
    assert said.startswith("the runs of budget 10²¹ cost 0.93 to 1.35 times that")
    frame = isoflop_frame().assign(n_tokens=lambda f: f["n_tokens"] * 1.04)
    assert not [
        warning for warning in fit(as_table(frame, tmp_path), "vpnls", bootstrap=50)[0].warnings if "cost" in warning
    ]
