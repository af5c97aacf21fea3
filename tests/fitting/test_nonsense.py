"""Every method × every table that holds no answer, or holds it in disguise: a sentence, or the same result."""

import numpy as np
import pandas as pd
import pytest

from flopscape.fitting.fit import fit
from flopscape.laws.surface import loss
from tests.fitting.fit_tables import A_TRUE, CHINCHILLA, as_table, isoflop_frame, no_copies

METHODS = {
    "approach2": ("approach2", {}),
    "vpnls": ("vpnls", {}),
    **{f"approach3-{name}": ("approach3", {"objective": name}) for name in ("huber", "lad", "log_lsq", "lsq")},
}
CHEAP = ["approach2", "vpnls", "approach3-huber", "approach3-log_lsq"]
"""Methods for tables that reach the search; lad takes seconds where there is no optimum, lsq is vpnls."""
MANY = np.geomspace(1e8, 1e10, 20)


def fitted(frame, folder, method, **options):
    name, objective = METHODS[method]
    table = as_table(frame.reset_index(drop=True), folder)
    return fit(table, name, flops=[1e21], bootstrap=100, **objective, **options)[0]


def surface(n_params, n_tokens):
    n, d = (np.asarray(values, float) for values in np.broadcast_arrays(n_params, n_tokens))
    return pd.DataFrame({"n_params": n, "n_tokens": d, "loss": loss(CHINCHILLA, n, d)})


def without_numbers(result):
    """Whether a reader can take no number away."""
    prediction = result.predictions[0]
    return result.exponents is None and prediction.n_params is None and prediction.loss is None


ONE_POINT = no_copies(surface(np.full(20, 1e8), 1e9), np.arange(20))
DESIGNS = {
    "no rows": (isoflop_frame().iloc[:0], "no runs share a budget", "0 completed runs for five parameters"),
    **{
        f"{rows} rows": (isoflop_frame().iloc[:rows], "of 1 budgets", f"{rows} completed runs for five parameters")
        for rows in (1, 3, 4, 5)
    },
    "one budget": (isoflop_frame(budgets=1, sizes=15), "1 of 1 budgets", "all runs lie on one line"),
    "one N": (surface(1e8, MANY), "no runs share a budget", "all runs have the same N"),
    "one D": (surface(MANY, 1e9), "no runs share a budget", "all runs have the same D"),
    "D = 20 N": (surface(MANY, 20 * MANY), "no runs share a budget", "all runs lie on one line"),
    "one point": (
        no_copies(surface(np.full(20, 1e8), 1e9), np.arange(20)),
        "0 of 1 budgets",
        "all runs have the same N",
    ),
}


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("method", METHODS)
def test_a_design_that_cannot_answer_is_refused_in_words(method, design, tmp_path):
    frame, of_budgets, of_surface = DESIGNS[design]
    result = fitted(frame, tmp_path, method)
    assert result.status == "refused"
    assert (of_budgets if method == "approach2" else of_surface) in result.reason
    assert without_numbers(result)


LOSSES = {
    "the same everywhere": lambda losses: np.full(len(losses), 3.0),
    "upside down": lambda losses: 8 - losses,
    "shuffled": np.random.default_rng(2).permutation,
}


@pytest.mark.parametrize("losses", LOSSES)
@pytest.mark.parametrize("method", CHEAP)
def test_losses_that_follow_no_law_give_no_numbers(method, losses, tmp_path):
    frame = isoflop_frame()
    result = fitted(frame.assign(loss=LOSSES[losses](frame["loss"].to_numpy())), tmp_path, method)
    assert result.status in ("refused", "boundary")
    assert result.reason
    assert without_numbers(result)


@pytest.mark.parametrize("method", CHEAP)
def test_one_loss_times_ten_is_named_and_no_clean_answer_hides_it(method, tmp_path):
    frame = isoflop_frame()
    clean = fitted(frame, tmp_path, method)
    frame.loc[10, "loss"] *= 10
    result = fitted(frame, tmp_path, method)
    assert any("run10" in warning and "kept" in warning for warning in result.warnings)
    if result.status in ("ok", "weak"):
        assert result.exponents["a"].estimate == pytest.approx(clean.exponents["a"].estimate, abs=0.01)


def test_a_robust_fit_tells_how_far_off_a_row_is(tmp_path):
    frame = isoflop_frame()
    frame.loc[10, "loss"] *= 10
    (text,) = [warning for warning in fitted(frame, tmp_path, "approach3-huber").warnings if "run10" in warning]
    far = float(text.split("residual up to ")[1].split()[0])
    spread = np.log(10) / 0.0025
    assert far == pytest.approx(spread, rel=0.3)


@pytest.mark.parametrize("method", CHEAP)
def test_an_inverted_budget_or_its_runs_are_named_and_the_interval_still_covers(method, tmp_path):
    frame = isoflop_frame()
    hit = frame["budget"] == frame["budget"].unique()[2]
    frame.loc[hit, "loss"] = 2 * frame.loc[hit, "loss"].mean() - frame.loc[hit, "loss"]
    result = fitted(frame, tmp_path, method)
    names = ("budget 10¹⁹", *frame["run_id"][hit])
    assert any(name in text for name in names for text in result.warnings)
    assert result.exponents["a"].low < A_TRUE < result.exponents["a"].high


@pytest.mark.parametrize("method", CHEAP)
def test_integers_repeats_and_jitter_change_no_answer(method, tmp_path):
    frame = isoflop_frame().astype({"n_params": "int64", "n_tokens": "int64"})
    frame = frame.assign(flops=6.0 * frame["n_params"] * frame["n_tokens"])
    a = fitted(frame, tmp_path, method).exponents["a"].estimate
    jitter = 1 + 1e-12 * np.random.default_rng(0).normal(size=len(frame))
    same = {
        "jitter": frame.assign(flops=frame["flops"] * jitter, budget=frame["budget"] * jitter),
        "named repeats": pd.concat([frame, frame.iloc[3:9]]),
        "every row twice": pd.concat([frame, frame]).drop(columns="run_id"),
    }
    found = {name: fitted(table, tmp_path, method).exponents["a"].estimate for name, table in same.items()}
    assert found == pytest.approx(dict.fromkeys(same, a), abs=1e-6)


@pytest.mark.parametrize("method", CHEAP)
def test_integers_whose_product_overflows_scale_as_floats_do(method, tmp_path):
    frame = isoflop_frame().drop(columns="budget")
    large = frame.assign(n_params=(frame["n_params"] * 1e3).astype("int64"), n_tokens=frame["n_tokens"].astype("int64"))
    assert (6 * large["n_params"] * large["n_tokens"]).max() < 1e19, "int64 holds no more: the product wrapped around"
    one, other = (fitted(table, tmp_path, method).exponents["a"].estimate for table in (frame, large))
    assert other == pytest.approx(one, abs=1e-6)
