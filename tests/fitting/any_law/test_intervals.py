"""The kinds of interval: what each is against its definition, and how often each holds the truth."""

import numpy as np
import pandas as pd
import pytest

from flopscape.fitting.any_law import linearised
from flopscape.fitting.any_law.fit import how_they_differ, of_profile
from flopscape.fitting.fit import fit
from flopscape.fitting.surface.coordinates import linearise, log_derivatives, loss_derivatives
from flopscape.fitting.surface.global_starts import LeastSquares, centred_problem, from_grid, global_fit
from flopscape.fitting.surface.log_residuals import LogResiduals
from flopscape.fitting.surface.variable_projection import Problem
from tests.fitting.fit_tables import A_TRUE, as_table, isoflop, isoflop_frame

QUANTITIES = {"E", "A", "B", "alpha", "beta", "a", "b"}
ASKED = {f"{name}@1e+22" for name in ("n_params", "n_tokens", "loss", "tokens_per_param")}


def fitted_local(table, search=None, weights=None):
    search, (problem, _) = search or LeastSquares(), centred_problem(table)
    best, _, _ = global_fit(search, problem, weights)
    p = np.concatenate([best.coefficients[0, :1], np.log(best.coefficients[0, 1:]), best.exponents[0]])
    return problem, linearise(problem, p, search.derivatives)


@pytest.mark.parametrize(
    ("objective", "profiled"), [("lsq", True), ("log_lsq", True), ("huber", False), ("lad", False)]
)
def test_every_kind_stands_beside_the_others(objective, profiled, tmp_path):
    result = fit(isoflop(tmp_path), "approach3", objective=objective, flops=[1e22], bootstrap=200)[0]
    kinds = result.diagnostics["intervals"]
    assert (kinds["profile F"] is not None) == profiled
    for kind in ("bootstrap", "delta", "sandwich"):
        assert set(kinds[kind]) == QUANTITIES | ASKED
        assert kinds[kind]["a"][0] < A_TRUE < kinds[kind]["a"][1]
        assert all(low < high for low, high in kinds[kind].values())


def test_influences_are_the_jackknife_of_a_linear_fit():
    """Leaving a run out of a linear least-squares problem moves p by minus its influence, exactly."""
    rng = np.random.default_rng(0)
    J, y = rng.normal(size=(5, 24)), rng.normal(size=24)
    run = np.repeat(np.arange(12), 2)
    p = np.linalg.lstsq(J.T, y, rcond=None)[0]
    fit_ = linearised.Linearised(np.ones(5), y - p @ J, J, np.ones(5, bool), y)
    moved = [np.linalg.lstsq(J[:, run != g].T, y[run != g], rcond=None)[0] - p for g in range(12)]
    assert -linearised.influence(fit_, run) == pytest.approx(np.array(moved), rel=1e-4)


def test_one_row_a_run_is_hc3(tmp_path):
    _, fit_ = fitted_local(isoflop(tmp_path))
    bread = np.linalg.inv(fit_.jacobian @ fit_.jacobian.T)
    scores = fit_.jacobian * fit_.residual / (1 - fit_.leverage)
    expected = 34 / 35 * bread @ scores @ scores.T @ bread
    assert linearised.clustered(linearised.influence(fit_, np.arange(35))) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("delta", "expected"), [(0.02, 1.010), (0.002, 1.424), (0.0, np.pi / 2)])
def test_pseudo_residuals_have_the_variance_of_the_m_estimate(delta, expected, tmp_path):
    """Eψ²/(Eψ′)² on Gaussian noise at δ/σ = 2, 0.2 and 0 (Huber 1981, section 4.5); the mean of 40 tables."""
    problem, fit_ = fitted_local(as_table(isoflop_frame(sigma=0.0, sizes=401, budgets=9), tmp_path))
    ratios = []
    for noise in np.random.default_rng(0).normal(0, 0.01, (40, len(problem.y))):
        noisy = linearise(Problem(problem.u, problem.y * np.exp(noise)), fit_.p, log_derivatives)
        ratios.append(linearised.pseudo_residuals(noisy, delta).rss / noisy.rss)
    assert np.mean(ratios) == pytest.approx(expected, rel=0.06)


def test_a_run_s_common_error_widens_the_sandwich_and_not_the_delta_method(tmp_path):
    frame, rng = isoflop_frame(sigma=0), np.random.default_rng(1)
    copies = pd.concat([frame.assign(n_tokens=frame["n_tokens"] * part) for part in (1.0, 1.01, 1.02, 1.03)])
    copies = copies.assign(budget=np.nan)
    common = dict(zip(frame["run_id"], rng.normal(0, 0.01, 35), strict=True))
    copies["loss"] += copies["run_id"].map(common)
    kinds = fit(as_table(copies, tmp_path), "vpnls", bootstrap=500)[0].diagnostics["intervals"]
    widths = {kind: np.diff(ends["a"])[0] for kind, ends in kinds.items()}
    assert widths["sandwich"] > 1.6 * widths["delta"]
    assert widths["sandwich"] == pytest.approx(widths["bootstrap"], rel=0.35)


@pytest.mark.parametrize("derivatives", [loss_derivatives, log_derivatives])
def test_weights_enter_the_derivatives_as_repeats_do(derivatives, tmp_path):
    problem, fit_ = fitted_local(isoflop(tmp_path))
    counts = np.random.default_rng(0).integers(1, 4, 35)
    repeated = Problem(np.repeat(problem.u, counts, axis=1), np.repeat(problem.y, counts))
    P = fit_.p * (1 + 0.01 * np.random.default_rng(1).normal(size=(3, 5)))
    once, often = derivatives(problem, P, np.sqrt(counts)), derivatives(repeated, P)
    assert once[2] == pytest.approx(often[2], rel=1e-10)
    assert (once[0] ** 2).sum(1) == pytest.approx((often[0] ** 2).sum(1), rel=1e-10)
    gradients = [np.einsum("min,mn->mi", J, r) for r, J, _ in (once, often)]
    assert gradients[0] == pytest.approx(gradients[1], rel=1e-10)


@pytest.mark.parametrize(
    "search", [LeastSquares(), LogResiduals(np.inf), LogResiduals(0.005)], ids=["lsq", "log", "huber"]
)
def test_splitting_the_weight_of_rows_changes_nothing(search, tmp_path):
    table = isoflop(tmp_path)
    problem, rng = centred_problem(table)[0], np.random.default_rng(0)
    weights, share = rng.uniform(0.5, 2, 35), rng.uniform(0.1, 0.9, 35)
    twice = Problem(np.tile(problem.u, 2), np.tile(problem.y, 2))
    whole = from_grid(search, problem, weights[None])
    split = from_grid(search, twice, np.concatenate([weights * share, weights * (1 - share)])[None])
    assert split.exponents == pytest.approx(whole.exponents, rel=1e-8)
    assert split.coefficients == pytest.approx(whole.coefficients, rel=1e-8)
    p = np.concatenate([whole.coefficients[0, :1], np.log(whole.coefficients[0, 1:]), whole.exponents[0]])
    one = linearise(problem, p, search.derivatives).weighted(weights)
    two = linearise(twice, p, search.derivatives).weighted(np.concatenate([weights * share, weights * (1 - share)]))
    assert two.covariance * (70 - 5) == pytest.approx(one.covariance * (35 - 5), rel=1e-8)
    assert two.leverage.reshape(2, 35).sum(axis=0) == pytest.approx(one.leverage, rel=1e-8)


def test_weights_from_seeds_make_noisy_budgets_count_less(tmp_path):
    frame = isoflop_frame(seeds=4, sigma=0)
    sigma = np.where(frame["budget"] < 1e19, 0.05, 0.002)
    frame["loss"] += sigma * np.random.default_rng(2).normal(size=len(frame))
    table = as_table(frame, tmp_path)
    plain, weighted = (fit(table, "vpnls", bootstrap=300, weights=kind)[0] for kind in (None, "seeds"))
    widths = [np.diff(result.diagnostics["intervals"]["sandwich"]["a"])[0] for result in (plain, weighted)]
    assert widths[1] < 0.5 * widths[0]
    assert "weighted by the seeds" in weighted.objective
    assert weighted.diagnostics["weights"]["dof"] == 105
    assert abs(weighted.exponents["a"].estimate - A_TRUE) < widths[1]


def test_without_repeats_weights_from_seeds_are_all_one_and_say_so(tmp_path):
    table = isoflop(tmp_path)
    plain, weighted = (fit(table, "vpnls", bootstrap=50, weights=kind)[0] for kind in (None, "seeds"))
    assert weighted.exponents == plain.exponents
    assert "no size has two seeds: every row weighs the same" in weighted.warnings


def test_an_interval_without_an_end_is_said_to_have_none_and_not_to_be_infinitely_wider():
    assert "one has no end" in how_they_differ(float("inf"))
    assert "differ ×1.7 in width" in how_they_differ(1.7)


def test_the_bootstrap_s_interval_is_shown_where_the_profile_has_no_end_on_either_side():
    nan = float("nan")
    profile, boot = {"a": (nan, nan), "E": (1.0, nan)}, {"a": (0.4, 0.6), "E": (1.1, 1.9)}
    shown = of_profile(profile, boot, {})
    assert shown.ends("a") == (0.4, 0.6)
    assert shown.ends("E") == (1.0, None)
    assert shown.kind == "profile F; bootstrap of runs, percentile, of a, where the profile has no end"
