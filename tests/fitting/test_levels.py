"""Levels of intervals and thresholds of judgements, against numbers out of tables: 90 % in place of 95 % shows here.

Quantiles are those of any table of Student's t and the normal distribution.
"""

import numpy as np
import pytest
from scipy.stats import f as fisher

from flopscape.fitting.any_law.linearised import Quantities
from flopscape.fitting.fit import fit
from flopscape.fitting.isoflop.curves import Budget, CurveFit, LowestPoints
from flopscape.fitting.isoflop.power_law import IsoflopFit, Line, PowerLaws, fit_lines, simulate
from flopscape.fitting.judge.verdict import Verdict, judge_uncertainty, outliers
from flopscape.laws.law import Compute
from flopscape.laws.registry import LAWS
from tests.fitting.fit_tables import CHINCHILLA, as_table, isoflop, isoflop_frame

T = {1: 12.7062047, 2: 4.3026527, 4: 2.7764451, 7: 2.3646243, 20: 2.0859634, 30: 2.0422725}
"""97.5 % quantiles of Student's t by degrees of freedom."""
BONFERRONI = 2.3939798
"""Of the standard normal distribution: 1 − 0.05/6."""


@pytest.mark.parametrize("dof", T)
def test_a_power_law_reaches_as_far_as_student_s_t(dof):
    assert Line(0.5, 20.0, 45.0, np.eye(2), 0.0, dof).t == pytest.approx(T[dof], rel=1e-7)


def fit_line(x, y, covariance, dof):
    """The line of one table."""
    return fit_lines(x, y[None], covariance[None], dof).of_table(0)


def test_a_line_s_errors_are_those_of_its_points_carried_through():
    """Five points 1 apart with errors of 0.1: 0.1/√5 at the centre, 0.1/√10 in the slope, both 3 away from it."""
    line = fit_line(np.arange(5.0), 2 + 0.5 * np.arange(5.0), 0.01 * np.eye(5), dof=20)
    assert (line.slope, line.intercept, line.scatter, line.dof) == pytest.approx((0.5, 3.0, 0.0, 20))
    assert (line.error_at(2.0), line.slope_error) == pytest.approx((0.1 / 5**0.5, 0.1 / 10**0.5))
    assert line.error_at(5.0) == pytest.approx((0.01 / 5 + 9 * 0.01 / 10) ** 0.5)


def test_points_of_unknown_error_scatter_with_two_degrees_of_freedom_fewer_than_there_are():
    """Residuals 1, −2, 1 about the level line: Σr²/(m − 2) = 6, and t has one degree of freedom."""
    line = fit_line(np.arange(3.0), np.array([1.0, -2.0, 1.0]), np.zeros((3, 3)), dof=0)
    assert (line.slope, line.scatter, line.dof) == pytest.approx((0.0, 6.0, 1))
    assert line.slope_error == pytest.approx(3**0.5)


@pytest.mark.parametrize(("size", "scatters"), [(0.70, False), (0.73, True)])
def test_points_scatter_beyond_their_errors_from_the_ninth_decile_of_f_on(size, scatters):
    """Residuals ∝ (1, −2, 0, 2, −1): χ²/3 = 10·size/3 against F(3, 20) = 2.380 at 90 % (any table of F)."""
    y = 0.1 * size**0.5 * np.array([1.0, -2.0, 0.0, 2.0, -1.0])
    line = fit_line(np.arange(5.0), y, 0.01 * np.eye(5), dof=20)
    assert line.scatter == pytest.approx(0.01 * (10 * size / 3 - 1) if scatters else 0.0)
    assert line.dof == (3 if scatters else 20)


def test_where_budgets_scatter_an_optimum_lies_as_far_from_the_line_as_they_do():
    """Residuals 1, −2, 1: σ² = 6, an error of the line of √(6/3 + 6·2²/2) two from the middle, and √6 beside it."""
    line = fit_line(np.arange(3.0), np.array([1.0, -2.0, 1.0]), np.zeros((3, 3)), dof=0)
    assert line.error_at(3.0) == pytest.approx(14**0.5)
    assert line.error_of_optimum_at(3.0) == pytest.approx(20**0.5)


def test_the_regions_of_two_exponents_end_at_f_of_two_and_thirty_degrees_of_freedom(tmp_path):
    grid = fit(isoflop(tmp_path), "vpnls", bootstrap=50)[0].diagnostics["profile_grid"]
    assert grid["levels"] == pytest.approx({"50%": 0.709, "95%": 3.316}, abs=5e-4)


def test_every_f_of_a_fit_has_its_chance(tmp_path):
    """Five parabolas have 15 columns, and the surface a constant too; the rest of 35 sizes is left to the noise."""
    found = fit(isoflop(tmp_path, seeds=2), "vpnls", bootstrap=50)[0].diagnostics
    lack, curves = found["lack_of_fit"], found["budget_curves"]
    assert (lack["dof"], curves["dof"]) == ([30, 35], [15 - 1, 35 - 5 - 14])
    for test in (lack, curves):
        assert test["p"] == pytest.approx(fisher.sf(test["F"], *test["dof"]), rel=1e-9)
    floor = fit(as_table(isoflop_frame(), tmp_path), "law", law="power-n-floor", bootstrap=100)[0]
    nested = floor.diagnostics["f_test"]
    assert nested["p"] == pytest.approx(fisher.sf(nested["f"], 1, 35 - 3), rel=1e-9)


def power_laws(tmp_path, off_line=0.0):
    """Five budgets of known errors, their ln N* an exact power law, or off it by so much times (1, −2, 0, 2, −1)."""
    x, covariance = np.log(np.geomspace(1e17, 1e21, 5)), np.zeros((5, 2, 5, 2))
    for i in range(5):
        covariance[i, 0, i, 0], covariance[i, 1, i, 1] = 0.05**2, 0.01**2
    log_n = 3 + 0.5 * x + off_line * np.array([1.0, -2.0, 0.0, 2.0, -1.0])
    points = np.stack([log_n, 2 + np.exp(-0.15 * (x - x.mean()))], axis=1)
    budgets = [Budget(c, c, np.arange(3), np.zeros(3)) for c in np.exp(x)]
    lowest = LowestPoints(
        np.zeros(1, int), budgets, points[None], covariance[None], np.ones((1, 5)), 4, Compute.constant()
    )
    curves = CurveFit([], lowest, 15, np.ones(15))
    return x, IsoflopFit(isoflop(tmp_path), curves, lowest, PowerLaws.through(lowest).of_table(0))


def test_simulated_vertices_move_as_student_s_t(tmp_path):
    """Exact power laws with known errors: the middle 95 % of the slopes reach t of 4 degrees of freedom each way."""
    x, fitted = power_laws(tmp_path)
    draws = simulate(fitted, [1e22], 20_000, seed=0)
    reach = T[4] * 0.05 / np.linalg.norm(x - x.mean())
    assert np.quantile(draws["a"], [0.025, 0.975]) == pytest.approx([0.5 - reach, 0.5 + reach], abs=0.04 * reach)


def test_draws_of_an_optimum_scatter_about_the_line_as_its_interval_does(tmp_path):
    """Σr² = 10·0.1², a variance of 0.1/3 a point, of which 0.05² is its own; t has 3 degrees of freedom."""
    x, fitted = power_laws(tmp_path, off_line=0.1)
    log_n = np.log(simulate(fitted, [1e22], 40_000, seed=0)["n_params@1e+22"])
    z, apart = np.log(1e22) - x.mean(), x - x.mean()
    variance = 0.1 / 3 * (1 / 5 + z**2 / (apart @ apart)) + 0.1 / 3 - 0.05**2
    assert np.ptp(np.quantile(log_n, [0.025, 0.975])) / 2 == pytest.approx(3.1824463 * variance**0.5, rel=0.03)


@pytest.mark.parametrize("method", ["vpnls", "approach3"])
def test_a_surface_s_interval_is_the_middle_95_per_cent_of_its_draws(method, tmp_path):
    """By counting: of 200 resamples 5 lie below and 5 above; the ends are between two draws."""
    result, draws = fit(isoflop(tmp_path), method, flops=[1e22], bootstrap=200)
    best = result.predictions[0]
    for number, column in ((result.exponents["a"], "a"), (best.n_params, "n_params@1e+22"), (best.loss, "loss@1e+22")):
        values = np.sort(draws[column])
        assert values[4] <= number.low <= values[5]
        assert values[-6] <= number.high <= values[-5]


def test_below_20_runs_a_surface_reports_the_profile_and_from_20_on_the_bootstrap(tmp_path):
    frame = isoflop_frame(sigma=0.002)
    kinds = [fit(as_table(frame.iloc[:n], tmp_path), "vpnls", bootstrap=50)[0].interval for n in (19, 20)]
    assert kinds == ["profile F", "bootstrap of runs, percentile"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        *[(0.0999, "ok"), (0.1, "ok"), (0.1001, "weak"), (0.19, "weak"), (0.5, "weak"), (0.5001, "refused")],
        *[(np.nan, "refused"), (np.inf, "refused")],
    ],
)
def test_a_is_uncertain_from_a_standard_error_of_a_tenth_on_and_unknown_from_a_half(error, status):
    verdict = Verdict()
    judge_uncertainty(verdict, error)
    assert verdict.status == status


def test_the_error_of_a_law_s_optimum_is_that_of_its_logarithm():
    """ln N* has the derivative 1/(α + β) in ln A, ln D* minus that, and L* has A·N*^−α: of the surface, C = 6ND."""
    law, E, A, B, alpha, beta = LAWS["surface"], *CHINCHILLA
    theta, covariance = np.array([E, *np.log([A, B, alpha, beta])]), np.zeros((5, 5))
    covariance[1, 1] = 0.03**2
    quantities = Quantities(law, (6e20,), Compute.constant(), lambda t: law.kind(t[:, 0], *np.exp(t[:, 1:].T)))
    found = dict(zip(quantities.names, quantities.errors(theta, covariance)[1], strict=True))
    n = (alpha * A / beta / B * (1e20) ** beta) ** (1 / 0.62)
    assert found["n_params@6e+20"] == pytest.approx(0.03 / 0.62, rel=1e-6)
    assert found["loss@6e+20"] == pytest.approx(0.03 * A * n**-alpha, rel=1e-6)
    assert (found["A"], found["B"], found["a"]) == pytest.approx((0.03, 0, 0), abs=1e-9)


@pytest.mark.parametrize(("seed", "errors", "weak"), [(29, 2.237, False), (35, 2.526, True)])
def test_the_move_of_any_of_three_exponents_is_chance_up_to_bonferroni_s_2_39_errors(seed, errors, weak, tmp_path):
    """One exponent alone would be judged at 1.96."""
    result = fit(as_table(isoflop_frame(sigma=0.06, seed=seed), tmp_path), "vpnls", bootstrap=50)[0]
    moved = result.diagnostics["without_smallest"]
    assert abs(moved["alpha"]) > 0.1
    assert abs(moved["alpha"]) / moved["se_alpha"] == pytest.approx(errors, abs=1e-3)
    assert errors > 1.96
    assert (errors > BONFERRONI) == weak
    assert ("leaving out the smallest budget" in result.reason) == weak
    assert any("no more than chance explains" in text for text in result.warnings) != weak


def test_outliers_are_judged_at_one_per_cent_for_the_whole_table():
    """20 rows, a mean and t with 18 degrees of freedom: 0.01/(2·20) is beyond 4.2332 of them."""
    rest = np.tile([1.0, -1.0], 10)[:19]
    for size, flagged in ((4.22, False), (4.25, True)):
        x = _with_studentised_last(rest, size)
        found = outliers(x - x.mean(), np.full(20, 1 / 20), 1)
        assert found[-1] == (pytest.approx(size) if flagged else 0.0)
        assert not found[:-1].any()


def _with_studentised_last(rest, size):
    """The rows with one more whose externally studentised residual about the mean is `size`."""
    others, n = rest - rest.mean(), len(rest) + 1
    gap = size * np.sqrt(others @ others / (n - 2) * n / (n - 1))
    return np.append(rest, rest.mean() + gap)
