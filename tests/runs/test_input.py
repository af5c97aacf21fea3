"""Bad input: each its own sentence, or a sensible result."""

import numpy as np
import pandas as pd
import pytest

from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit, run
from flopscape.laws.surface import closed_form_optimum, loss
from flopscape.runs.chosen import chosen_rows
from flopscape.runs.read import read_runs
from tests.fitting.fit_tables import A_TRUE, CHINCHILLA, as_table, isoflop, isoflop_frame


def refusal(path, **columns):
    with pytest.raises(FlopscapeError) as caught:
        read_runs(path, columns)
    return str(caught.value)


def spoil(folder, column, row, value):
    frame = isoflop_frame().astype(object)
    frame.loc[row, column] = value
    frame.to_csv(folder / "runs.csv", index=False)
    return refusal(folder / "runs.csv")


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "runs.csv").touch()
    assert "the file is empty" in refusal(tmp_path / "runs.csv")


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "runs.csv")


def test_a_broken_parquet_file_is_named(tmp_path):
    (tmp_path / "runs.parquet").write_bytes(b"PAR1 cut short")
    assert "runs.parquet: not a readable table" in refusal(tmp_path / "runs.parquet")


def test_a_missing_column_names_the_nearest(tmp_path):
    isoflop_frame().rename(columns={"n_tokens": "n_tokns"}).to_csv(tmp_path / "runs.csv")
    assert "no column n_tokens; did you mean n_tokns?" in refusal(tmp_path / "runs.csv")


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("n_params", "12M", "row 4, column n_params: '12M' is not a number"),
        ("n_tokens", "nan", "row 4, column n_tokens: nan, must be positive and finite"),
        ("n_tokens", "", "row 4, column n_tokens: empty, must be positive and finite"),
        ("n_params", "inf", "row 4, column n_params: inf, must be positive and finite"),
        ("n_params", 0, "row 4, column n_params: 0, must be positive and finite"),
        ("n_tokens", -5, "row 4, column n_tokens: -5, must be positive and finite"),
        ("loss", -0.2, "row 4, column loss: -0.2, must be positive and finite, and the law is of nats above zero"),
        ("loss", "-inf", "row 4, column loss: -inf, must be positive and finite"),
        ("loss", 0, "row 4, column loss: 0, must be positive and finite"),
        ("n_tokens", "1e400", "row 4, column n_tokens: inf, must be positive and finite"),
        ("n_tokens", "1,000", "row 4, column n_tokens: '1,000' is not a number"),
        ("n_params", "0x10", "row 4, column n_params: '0x10' is not a number"),
        ("loss", "True", "row 4, column loss: 'True' is not a number"),
        ("n_params", 1e300, "row 4, column n_params: 1e+300 is beyond what can be computed with"),
        ("budget", -1, "row 4, column budget: -1, must be positive and finite"),
    ],
)
def test_a_wrong_cell_is_named(column, value, sentence, tmp_path):
    assert sentence in spoil(tmp_path, column, 3, value)


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_true_is_not_one(suffix, tmp_path):
    frame, path = isoflop_frame().assign(loss=True), tmp_path / f"runs{suffix}"
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_json(path, orient="records", lines=True)
    assert "row 1, column loss: True is not a number" in refusal(path)


def test_rows_that_did_not_complete_are_listed_and_need_no_loss(tmp_path):
    frame = isoflop_frame().assign(status="completed")
    frame.loc[[1, 2], ["status", "loss"]] = ["diverged", None]
    table = as_table(frame, tmp_path)
    assert len(table) == 33
    assert [(e.rows, e.reason) for e in table.excluded] == [(["run1", "run2"], "status diverged")]


def test_a_table_without_completed_runs_is_a_refused_fit(tmp_path):
    table = as_table(isoflop_frame().assign(status="skipped"), tmp_path)
    for method in ("approach2", "vpnls"):
        result = fit(table, method, bootstrap=100)[0]
        assert (result.status, result.reason) == ("refused", "no rows are left (35 rows: status skipped)")


def test_simulated_and_real_runs_are_not_mixed(tmp_path):
    isoflop_frame().assign(simulated=lambda f: f["seed"].index > 9).to_csv(tmp_path / "runs.csv")
    assert "row 11, column simulated: 25 of 35 runs are simulated" in refusal(tmp_path / "runs.csv")


def test_a_repeated_row_of_a_run_is_dropped_by_name(tmp_path):
    frame = isoflop_frame()
    table = as_table(pd.concat([frame, frame.iloc[[5]]], ignore_index=True), tmp_path)
    assert len(table) == 35
    assert table.excluded[0].rows == ["run5"]


def test_two_losses_of_one_run_are_refused(tmp_path):
    frame = isoflop_frame()
    both = pd.concat([frame, frame.iloc[[5]].assign(loss=9.0)], ignore_index=True)
    both.to_csv(tmp_path / "runs.csv")
    assert "row 36, column loss: run run5 has two losses" in refusal(tmp_path / "runs.csv")


def test_integers_whose_compute_overflows_are_read_as_floats(tmp_path):
    frame = isoflop_frame()
    frame = frame.assign(n_params=10**11 + frame.index, n_tokens=10**13)
    table = as_table(frame, tmp_path)
    assert table.flops[0] == pytest.approx(6e24)


@pytest.mark.parametrize("planned", [True, False])
def test_jittered_compute_still_groups(planned, tmp_path):
    frame = isoflop_frame()
    jitter = 1 + 1e-9 * np.random.default_rng(0).normal(size=len(frame))
    frame = frame.assign(budget=frame["budget"] * jitter) if planned else frame.drop(columns="budget")
    table = as_table(frame.assign(flops=6 * frame["n_params"] * frame["n_tokens"] * jitter), tmp_path)
    assert len(np.unique(table.budget)) == 5


def test_a_factorial_grid_has_no_budgets(tmp_path):
    n, d = np.meshgrid(np.geomspace(1e7, 1e9, 20), np.geomspace(1e8, 1e10, 20))
    frame = pd.DataFrame({"n_params": n.ravel(), "n_tokens": d.ravel(), "loss": 3.0})
    assert np.isnan(
        as_table(frame.assign(flops=6 * n.ravel() * d.ravel() * 1.03 ** (n.ravel() / 1e9)), tmp_path).budget
    ).any()


def test_other_columns_can_be_chosen_and_are_named(tmp_path):
    frame = isoflop_frame().assign(n_params_total=lambda f: 2 * f["n_params"])
    table = as_table(frame, tmp_path, n_params="n_params_total")
    assert (table.n_params == 2 * frame["n_params"]).all()
    assert fit(table, "vpnls", bootstrap=100)[0].conventions["n_params"] == "n_params_total"


def test_an_exclusion_is_listed(tmp_path):
    table = as_table(isoflop_frame().assign(flag=lambda f: f.index < 2), tmp_path)
    result, _ = fit(table, "vpnls", bootstrap=100, exclude="flag and n_params > 0")
    assert (result.n_runs, result.excluded[0].rows) == (33, ["run0", "run1"])


def test_an_exclusion_that_is_true_for_no_row_is_said(tmp_path):
    result, _ = fit(isoflop(tmp_path), "vpnls", bootstrap=100, exclude="seed == 7", min_flops=1e16)
    assert (result.n_runs, result.excluded) == (35, [])
    assert "the exclusion seed == 7 is true for no row" in result.warnings
    assert "min_flops 10¹⁶ leaves nothing out: no row has less compute" in result.warnings


def test_what_a_fit_reads_from_another_column_is_one_of_its_own(tmp_path):
    frame = isoflop_frame()
    frame.to_csv(tmp_path / "runs.csv")
    assert refusal(tmp_path / "runs.csv", n_parms="n_params").endswith(
        "--column n_parms=n_params: no such column of a fit; did you mean n_params?"
    )


@pytest.mark.parametrize("expression", ["no_such_column > 1", "n_params", "n_params >"])
def test_a_bad_exclusion_is_named(expression, tmp_path):
    with pytest.raises(FlopscapeError, match="--exclude"):
        fit(isoflop(tmp_path), "vpnls", exclude=expression)


@pytest.mark.parametrize(
    ("method", "sentence"), [("aproach2", "none of answer, approach1, approach2"), ("json.decoder", "no estimate")]
)
def test_an_unknown_method_is_named(method, sentence, tmp_path):
    with pytest.raises(FlopscapeError, match=sentence):
        fit(isoflop(tmp_path), method)


def test_a_floor_on_the_compute_leaves_rows_out_by_name(tmp_path):
    result, _ = fit(isoflop(tmp_path), "vpnls", bootstrap=100, min_flops=5e17)
    assert (result.n_runs, len(result.excluded[0].rows)) == (28, 7)
    assert result.excluded[0].reason == "less compute than 5×10¹⁷ FLOPs"


@pytest.mark.parametrize(("bound", "kept"), [(1e18, 28), (1.005e18, 28), (1.1e18, 21)])
@pytest.mark.parametrize("planned", [True, False])
def test_a_budget_is_kept_or_left_out_whole(bound, kept, planned, tmp_path):
    frame = isoflop_frame()
    scattered = 6 * frame["n_params"] * frame["n_tokens"] * (1 + 0.004 * np.sin(np.arange(35)))
    frame = frame.assign(flops=scattered) if planned else frame.assign(flops=scattered).drop(columns="budget")
    assert len(chosen_rows(as_table(frame, tmp_path), None, bound)) == kept


def test_a_method_of_the_users_own_gets_the_same_call(tmp_path, monkeypatch):
    (tmp_path / "mymethod.py").write_text(
        "from flopscape.fitting.judge.verdict import refuse\nfrom flopscape.records.fit_result import FitResult\n\n\n"
        "def estimate(table, *, flops=(), bootstrap=4000, seed=0):\n"
        "    return refuse(FitResult('ok', '', 'mine', 'none', 'none'), f'{len(table)} rows', flops)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    result, draws = fit(isoflop(tmp_path), "mymethod", flops=[1e22])
    assert (result.method, result.reason, result.n_runs, len(draws)) == ("mymethod", "35 rows", 35, 0)


def test_unreadable_input_writes_nothing(tmp_path):
    (tmp_path / "runs.csv").write_text("n_params,n_tokens\n1,2\n")
    with pytest.raises(FlopscapeError):
        run(tmp_path / "runs.csv", tmp_path / "fit.json", "vpnls")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["runs.csv"]


@pytest.fixture(scope="module")
def million(tmp_path_factory):
    """A million rows: 50 budgets, seed 0."""
    rng = np.random.default_rng(0)
    flops = np.repeat(np.geomspace(1e17, 1e21, 50), 20_000)
    n_params = closed_form_optimum(CHINCHILLA, flops).n_params * 4.0 ** rng.uniform(-1, 1, len(flops))
    frame = pd.DataFrame({"n_params": n_params, "n_tokens": flops / 6 / n_params, "flops": flops, "budget": flops})
    frame["loss"] = loss(CHINCHILLA, n_params, frame["n_tokens"].to_numpy()) + rng.normal(0, 0.01, len(flops))
    return as_table(frame, tmp_path_factory.mktemp("million"))


@pytest.mark.parametrize("method", ["vpnls", "approach3", "law"])
def test_a_million_rows_are_too_many_for_a_search_and_it_says_so(method, million):
    result, _ = fit(million, method, bootstrap=100)
    assert result.status == "refused"
    assert "1000000 rows, and at most 200000 can be fitted" in result.reason


def test_a_million_rows_give_parabolas(million):
    result, _ = fit(million, "approach2", bootstrap=100)
    # 20,000 rows a budget leave the noise at 1e-4 of a; the parabola's own bias on this grid is below 2e-3.
    assert result.exponents["a"].estimate == pytest.approx(A_TRUE, abs=3e-3)
