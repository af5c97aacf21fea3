"""Whatever a table holds, every method gives a status with a sentence: no traceback, no warning, valid JSON."""

import json
import re
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from flopscape.answers.serving import predict_inference
from flopscape.errors import FlopscapeError
from flopscape.fitting.common import linear
from flopscape.fitting.envelope import grid
from flopscape.fitting.fit import fit
from flopscape.fitting.judge import verdict as guards
from flopscape.runs.read import table_of
from tests.fitting.fit_tables import isoflop_frame

CURVES = ["run_id", "step", "n_tokens", "flops", "train_loss", "heldout_loss", "learning_rate"]
QUICK = {
    "answer": {},
    "approach1": {"rule": "horizon"},
    "approach2": {"bias_correction": True},
    "vpnls": {"weights": "seeds"},
    "law": {"law": "coupled"},
}
IN_TURN = [
    ("approach2", {"variant": "exact", "weights": "seeds"}),
    ("approach3", {"objective": "huber"}),
    ("law", {"law": "constrained", "unique_tokens": 1e9}),
    ("approach3", {"objective": "log_lsq", "weights": "seeds"}),
    ("law", {"law": "kaplan"}),
    ("law", {"law": "power-c-floor"}),
    ("law", {"law": "surface"}),
]


def losses(change):
    return lambda frame, r: frame.assign(loss=change(frame.loss.to_numpy(), r))


def amounts(**changes):
    return lambda frame, r: frame.drop(columns="budget").assign(**changes)


def repeated(frame, r):
    """Seeds without any scatter."""
    return pd.concat([frame, frame, frame]).assign(run_id=lambda f: [f"r{i}" for i in range(len(f))])


def shuffled_with_pairs(frame, r):
    """Sizes that differ by rounding alone."""
    return frame.assign(n_params=r.choice([1e8, 1e8 * (1 + 1e-12), 4e8], len(frame)))


TABLES = {
    "as it should be": lambda frame, r: frame,
    "no row": lambda frame, r: frame.iloc[:0],
    "one row": lambda frame, r: frame.iloc[:1],
    "two rows": lambda frame, r: frame.iloc[[3, 20]],
    "seven rows": lambda frame, r: frame.iloc[r.choice(35, 7, replace=False)],
    "equal losses": losses(lambda y, r: np.full(len(y), 2.0)),
    "two losses": losses(lambda y, r: r.choice([1.0, 2.0], len(y))),
    "tiny losses": losses(lambda y, r: y * 1e-300),
    "huge losses": losses(lambda y, r: y * 1e300),
    "losses from 1e-300 to 1e300": losses(lambda y, r: 10.0 ** r.uniform(-300, 300, len(y))),
    "rising losses": losses(lambda y, r: 1 / y),
    "accuracies": losses(lambda y, r: np.clip(1 - y / 5, 1e-3, None) * np.exp(r.normal(0, 0.01, len(y)))),
    "shuffled losses": losses(lambda y, r: r.permutation(y)),
    "an outlier of 1e300": losses(lambda y, r: np.where(np.arange(len(y)) == 9, 1e300, y)),
    "whole numbers": losses(lambda y, r: np.round(y)),
    "two levels of N": lambda frame, r: frame.assign(n_params=r.choice([1e8, 2e8], len(frame))),
    "nearly equal N": shuffled_with_pairs,
    "N of 1": amounts(n_params=1.0),
    "D of 1e30": amounts(n_tokens=1e30),
    "D = 20 N": amounts(n_tokens=lambda f: 20 * f.n_params),
    "N and D of 1 to 1e30": amounts(
        n_params=lambda f: np.geomspace(1, 1e30, len(f)), n_tokens=lambda f: np.geomspace(1e30, 1, len(f)) ** 0.7
    ),
    "C of 1 to 1e40": lambda frame, r: frame.assign(flops=10.0 ** r.uniform(0, 40, len(frame))),
    "one size a budget": lambda frame, r: frame.groupby("budget").head(1),
    "two sizes a budget": lambda frame, r: frame.groupby("budget").head(2),
    "seeds without scatter": repeated,
    "a thousand equal rows": lambda frame, r: frame.iloc[[0] * 1000].assign(run_id=[f"r{i}" for i in range(1000)]),
    "a power of N alone": lambda frame, r: frame.assign(loss=frame.n_params**-2.0),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_method_answers_any_table_in_words(name):
    frame = TABLES[name](isoflop_frame(), np.random.default_rng(0)).reset_index(drop=True)
    table = table_of(frame, "runs.csv")
    for method, options in [*QUICK.items(), IN_TURN[list(TABLES).index(name) % len(IN_TURN)]]:
        result, _ = fit(table, method, flops=[1e21, 1e300], bootstrap=3, **options)
        assert result.status in ("ok", "weak", "boundary", "refused"), method
        assert result.reason, method
        assert "nan" not in result.reason.split(), method
        json.dumps(asdict(result), allow_nan=False)


@pytest.mark.parametrize(("column", "value"), [("n_params", 1e300), ("n_tokens", 1e-200), ("flops", 1e51)])
def test_an_amount_that_overflows_in_products_is_named_by_row_and_column(column, value):
    frame = pd.DataFrame({"n_params": [1e8] * 2, "n_tokens": [1e9] * 2, "flops": [6e17] * 2, "loss": [3.0, 2.0]})
    frame.loc[1, column] = value
    said = f"r.csv, row 2, column {column}: {value:g} is beyond what can be computed with, 1e-50 to 1e+50"
    with pytest.raises(FlopscapeError, match=re.escape(said)):
        table_of(frame, "r.csv")


@pytest.mark.parametrize("rule", ["hull", "binned"])
def test_curves_without_rows_are_a_refused_fit(rule, tmp_path):
    pd.DataFrame(columns=CURVES).to_parquet(tmp_path / "curves.parquet")
    table = table_of(isoflop_frame(), "runs.csv")
    result, _ = fit(table, "approach1", rule=rule, curves=tmp_path / "curves.parquet", bootstrap=3)
    assert result.status == "refused"
    assert result.reason == (
        f"rule {rule} needs training curves, and no run has one of two points; give curves or rule horizon"
    )


def test_a_prediction_beyond_floats_has_no_numbers_and_says_so():
    result, _ = fit(table_of(isoflop_frame(), "runs.csv"), "vpnls", flops=[1e21, 1e308], bootstrap=3)
    near, far = result.predictions
    assert near.n_params
    assert near.loss
    assert far.n_params is None or far.n_params.estimate > 1e100


def test_a_singular_system_among_others_gets_the_shortest_step_and_leaves_theirs():
    systems = np.array([[[2.0, 0.0], [0.0, 4.0]], [[1.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, np.inf]]])
    x = linear.solve(systems, np.array([[[2.0], [4.0]], [[2.0], [2.0]], [[3.0], [1.0]]]))[:, :, 0]
    assert x[:2] == pytest.approx(np.array([[1.0, 1.0], [1.0, 1.0]]))
    assert np.isfinite(x).all()


def test_a_condition_number_of_nothing_or_of_what_is_not_finite_is_infinite():
    assert linear.condition(np.empty((3, 0))) == np.inf
    assert linear.condition(np.array([[1.0, np.nan]])) == np.inf
    assert linear.condition(np.diag([4.0, 1.0])) == pytest.approx(4)


def test_a_covariance_that_rounding_made_indefinite_still_has_a_root():
    covariance = np.array([[1.0, 1.0], [1.0, 1.0 - 1e-12]])
    root = linear.root(covariance)
    assert root @ root.T == pytest.approx(covariance, abs=1e-9)


def checkpoints(runs=4, points=6):
    """Runs with a row a checkpoint."""
    n, part = np.geomspace(1e7, 1e8, runs), np.linspace(0.2, 1, points)
    frame = pd.DataFrame({"n_params": np.repeat(n, points), "n_tokens": np.tile(1e9 * part, runs)})
    return frame.assign(run_id=np.repeat([f"r{i}" for i in range(runs)], points), loss=3 - np.tile(part, runs))


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("MOST_RUNS", "4 runs have training curves, and at most 3"),
        ("MOST_POINTS", "24 points on training curves, 6 of"),
    ],
)
def test_curves_beyond_the_bound_are_refused_with_the_bound(limit, words, monkeypatch):
    monkeypatch.setattr(grid, limit, 3)
    result, _ = fit(table_of(checkpoints(), "runs.csv"), "approach1", bootstrap=3)
    assert result.status == "refused"
    assert words in result.reason


@pytest.mark.parametrize(("method", "options"), [("approach2", {}), ("approach1", {"rule": "horizon"})])
def test_more_budgets_than_can_be_held_are_refused_with_the_bound(method, options, monkeypatch):
    monkeypatch.setattr(guards, "MOST_BUDGETS", 4)
    result, _ = fit(table_of(isoflop_frame(), "runs.csv"), method, bootstrap=3, **options)
    assert result.status == "refused"
    assert "5 budgets, and at most 4" in result.reason


def test_a_law_of_a_large_table_gets_fewer_resamples_and_says_so(monkeypatch):
    monkeypatch.setattr(guards, "RESAMPLED_ROWS", 35 * 6)
    monkeypatch.setattr(guards, "FEWEST_RESAMPLES", 5)
    result, draws = fit(table_of(isoflop_frame(), "runs.csv"), "law", law="power-c", bootstrap=9)
    assert len(draws) == 6
    assert any("35 rows: 6 resamples in place of 9" in warning for warning in result.warnings)


def test_a_surface_without_an_optimum_is_asked_for_serving_in_vain():
    frame = isoflop_frame()
    result, draws = fit(table_of(frame.assign(loss=3 + 1e9 / frame.n_tokens), "runs.csv"), "vpnls", bootstrap=3)
    assert result.status == "boundary"
    assert result.surface
    with pytest.raises(FlopscapeError, match="the fit has no prediction: A is at its bound"):
        predict_inference(result, draws, 1e9, flops=1e20)
