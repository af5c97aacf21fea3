"""approach3: its objectives, their derivatives, published optima, intervals and options."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from typer.testing import CliRunner

from flopscape.cli.app import app
from flopscape.errors import FlopscapeError
from flopscape.fitting.common.linear import solve_definite
from flopscape.fitting.fit import fit
from flopscape.fitting.surface.coordinates import log_derivatives, loss_derivatives
from flopscape.fitting.surface.global_starts import centred_problem, global_fit
from flopscape.fitting.surface.huber import WIDEST, Data, _evaluate, continuation
from flopscape.fitting.surface.log_residuals import OBJECTIVES, search_of
from flopscape.fitting.surface.variable_projection import Problem, parameters
from tests.fitting.fit_tables import A_TRUE, MIRROR, as_table, isoflop, isoflop_frame, published

ROBUST = ("huber", "lad", "log_lsq")
TARGETS = {
    "huber": "1.817218 477.8259 2143.417 0.347311 0.367172",
    "lad": "1.81686 482.01 2085.44 0.347813 0.365854",
}
VALUES = {"huber": 0.0010182740178, "lad": 1.12949465, "log_lsq": 0.0114618869917, "lsq": 0.0832038076933}
P = np.array([[1.7, 0.1, -0.2, 0.35, 0.3], [0.9, 0.3, 0.4, 0.2, 0.5]])


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    u = rng.uniform(-2, 2, (2, 30))
    return Problem(u, 1.7 + np.exp(-0.35 * u[0]) + np.exp(-0.3 * u[1]) + rng.normal(0, 0.05, 30))


def differences(function, h=1e-6):
    """Central differences of a function of p along each parameter, last axis."""
    return np.stack([(function(P + h * e) - function(P - h * e)) / (2 * h) for e in np.eye(5)], axis=-1)


@pytest.mark.parametrize("delta", [0.02, np.inf])
def test_gradient_and_hessian_match_finite_differences(delta, problem):
    data, weights = Data(problem.u, np.log(problem.y)), np.random.default_rng(1).integers(0, 3, (2, 30)).astype(float)
    state = _evaluate(data, weights, P, delta)
    gradient = differences(lambda p: _evaluate(data, weights, p, delta).objective)
    hessian = differences(lambda p: _evaluate(data, weights, p, delta).gradient)
    assert state.gradient == pytest.approx(gradient, rel=1e-5, abs=1e-6)
    assert state.hessian == pytest.approx(hessian, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("derivatives", [loss_derivatives, log_derivatives])
def test_derivatives_of_the_profile_match_finite_differences(derivatives, problem):
    residual, J, H = derivatives(problem, P)
    slope = -np.einsum("min,mn->mi", J, residual)
    half_rss = differences(lambda p: (derivatives(problem, p)[0] ** 2).sum(axis=1) / 2)
    bend = differences(lambda p: -np.einsum("min,mn->mi", *derivatives(problem, p)[1::-1]))
    assert slope == pytest.approx(half_rss, rel=1e-5, abs=1e-6)
    assert pytest.approx(bend, rel=1e-5, abs=1e-5) == H


def test_elimination_solves_and_knows_what_is_not_positive_definite():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(6, 5, 5))
    matrix, right = A @ A.swapaxes(1, 2), rng.normal(size=(6, 5))
    matrix[3] *= -1
    x, whole = solve_definite(matrix, right, 1e-13)
    assert whole.tolist() == [True, True, True, False, True, True]
    assert (matrix[whole] @ x[whole][:, :, None])[:, :, 0] == pytest.approx(right[whole], rel=1e-7)


def test_continuation_ends_at_what_was_asked_for():
    assert continuation(np.inf) == [np.inf]
    assert continuation(0.5) == [0.5]
    levels = continuation(1e-3)
    assert levels[-1] == 1e-3
    assert levels[0] >= WIDEST


@pytest.mark.parametrize("objective", TARGETS)
def test_the_chinchilla_optimum(objective, tmp_path):
    result, _ = fit(published("chinchilla", tmp_path), "approach3", bootstrap=100, objective=objective)
    found = [number.estimate for number in result.surface.values()]
    for value, text in zip(found, TARGETS[objective].split(), strict=True):
        assert value == pytest.approx(float(text), abs=0.51 * 10.0 ** -len(text.partition(".")[2]))
    assert result.diagnostics["share_of_starts_at_optimum"] == 1


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_random_start_reaches_the_chinchilla_objective(objective, tmp_path):
    problem, _ = centred_problem(published("chinchilla", tmp_path))
    starts = np.exp(np.random.default_rng(0).uniform(np.log(0.02), np.log(3), (200, 2)))
    found = search_of(objective)[0].polish(problem, np.ones((200, 240)), starts)
    assert found.converged.all()
    assert found.objective == pytest.approx(np.full(200, VALUES[objective]), rel=1e-8)


def test_the_bootstrap_of_besiroglu_et_al(tmp_path):
    """Their printed standard errors (arXiv 2404.10102) on their own draws: NumPy's legacy generator with seed 42."""
    table = published("chinchilla", tmp_path)
    losses = pd.read_csv(MIRROR / "chinchilla_svg.csv")["loss"].to_numpy()
    in_table = np.argsort(losses[losses < np.sort(losses)[-5]], kind="stable")
    problem, _ = centred_problem(table)
    draws = np.random.RandomState(42).choice(240, size=(4000, 240))
    weights = np.stack([np.bincount(draw, minlength=240) for draw in draws]).astype(float)
    search, _ = search_of("huber")
    best, _, _ = global_fit(search, problem)
    found = search.resample(problem, weights[:, in_table], np.tile(best.exponents, (4000, 1)), parameters(best)[0])
    errors = [found.coefficients[:, 0].std(ddof=1), *found.exponents.std(axis=0, ddof=1)]
    assert errors == pytest.approx([0.0257, 0.0154, 0.0206], rel=0.01)


@pytest.mark.parametrize("objective", ROBUST)
def test_exact_data_give_the_exponent_back(objective, tmp_path):
    result, _ = fit(isoflop(tmp_path, sigma=0), "approach3", bootstrap=100, objective=objective)
    assert result.exponents["a"].estimate == pytest.approx(A_TRUE, abs=1e-6)
    assert result.status == "ok"


def test_lsq_is_vpnls(tmp_path):
    table = isoflop(tmp_path)
    theirs, _ = fit(table, "vpnls", bootstrap=200)
    ours, _ = fit(table, "approach3", bootstrap=200, objective="lsq")
    assert (ours.surface, ours.exponents) == (theirs.surface, theirs.exponents)


def test_a_wild_loss_moves_lad_less_than_least_squares(tmp_path):
    frame = isoflop_frame(sigma=0.001)
    frame.loc[10, "loss"] *= 1.2
    table = as_table(frame, tmp_path)
    errors = [
        abs(fit(table, "approach3", bootstrap=100, objective=name)[0].exponents["a"].estimate - A_TRUE)
        for name in ("lad", "huber", "log_lsq")
    ]
    assert max(errors[:2]) < 0.5 * errors[2]


def test_delta_is_reported_in_units_of_the_noise(tmp_path):
    table = isoflop(tmp_path)
    narrow, wide = (fit(table, "approach3", bootstrap=100, delta=delta)[0] for delta in (1e-4, 0.1))
    assert narrow.objective == "Huber, δ = 0.0001, of the log loss"
    assert narrow.diagnostics["delta_over_sigma"] == pytest.approx(0.03, rel=0.5)
    assert any("of the residuals' scale σ" in text for text in narrow.warnings)
    assert wide.warnings == []


def test_a_scaled_delta_follows_the_residuals(tmp_path):
    table = isoflop(tmp_path)
    doubled = dataclasses.replace(table, loss=table.loss**2)
    once, twice = (fit(t, "approach3", bootstrap=100, delta="scaled")[0].diagnostics for t in (table, doubled))
    assert once["delta_over_sigma"] == pytest.approx(1.345, rel=0.1)
    assert twice["delta"] > 1.5 * once["delta"]


def test_a_scaled_delta_of_a_table_too_small_is_refused_like_any_other(tmp_path):
    result, _ = fit(as_table(isoflop_frame().iloc[:4], tmp_path), "approach3", bootstrap=100, delta="scaled")
    assert result.status == "refused"


def test_few_runs_have_no_profile_for_huber_and_say_so(tmp_path):
    table = isoflop(tmp_path, sigma=0.003, budgets=3, sizes=3)
    huber, smooth = (fit(table, "approach3", bootstrap=100, objective=name)[0] for name in ("huber", "log_lsq"))
    assert any("no profile-F interval" in text for text in huber.warnings)
    assert smooth.interval == "profile F"


def test_intervals_of_log_lsq_cover_the_truth(tmp_path):
    hits = 0
    for i in range(40):
        result, _ = fit(isoflop(tmp_path, seed=2000 + i), "approach3", bootstrap=300, objective="log_lsq")
        hits += result.exponents["a"].low <= A_TRUE <= result.exponents["a"].high
    assert hits >= binom.ppf(0.001, 40, 0.95)


@pytest.mark.parametrize(
    ("method", "options", "sentence"),
    [
        ("approach3", {"objective": "hubber"}, "objective: 'hubber' is none of huber"),
        ("approach3", {"objective": "lad", "delta": 0.1}, "delta: the objective lad has none"),
        ("approach3", {"delta": -1.0}, "delta: -1.0 is not a positive number"),
        ("approach3", {"delta": "narrow"}, "delta: 'narrow' is not a positive number, nor 'scaled'"),
        ("approach3", {"objective": "lad", "delta": "scaled"}, "delta: the objective lad has none"),
        ("vpnls", {"objective": "huber"}, "objective: vpnls has none; approach3 has"),
    ],
)
def test_a_wrong_option_is_named(method, options, sentence, tmp_path):
    with pytest.raises(FlopscapeError, match=sentence):
        fit(isoflop(tmp_path), method, bootstrap=100, **options)


def test_the_command_line_takes_objective_and_delta(tmp_path):
    isoflop_frame().to_csv(tmp_path / "runs.csv", index=False)
    options = ["--method", "approach3", "--objective", "huber", "--delta", "0.01", "--bootstrap", "100"]
    done = CliRunner().invoke(app, ["fit", str(tmp_path / "runs.csv"), *options, "--out", str(tmp_path / "fit.json")])
    assert done.exit_code == 0
    assert json.loads((tmp_path / "fit.json").read_text())["objective"] == "Huber, δ = 0.01, of the log loss"
