"""Where a judgement changes: each threshold from just below it and from just above."""

import numpy as np
import pytest

from flopscape.answers.extrapolation import beyond
from flopscape.fitting.any_law.task import judge_condition
from flopscape.fitting.fit import fit
from flopscape.fitting.isoflop.curves import Budget, BudgetCurve, CurveFit, LowestPoints
from flopscape.fitting.isoflop.power_law import IsoflopFit, PowerLaws
from flopscape.fitting.judge.isoflop import _leave_out, judge
from flopscape.fitting.judge.verdict import Verdict
from flopscape.laws.law import Compute
from flopscape.records.fit_result import FitResult
from tests.fitting.fit_tables import as_table, isoflop_frame


def said(frame, folder, method, **options):
    result = fit(as_table(frame.reset_index(drop=True), folder), method, bootstrap=100, **options)[0]
    return " ".join([result.reason, *result.warnings])


@pytest.mark.parametrize(
    ("flops", "words"),
    [(1.04e20, None), (1.06e20, "a factor 1.06 beyond the largest"), (9.7e17, None), (9e17, "beyond the smallest")],
)
def test_compute_extrapolates_from_a_twentieth_beyond_the_sweep_on(flops, words):
    found = list(beyond(flops, [1e18, 1e20]))
    assert len(found) == (words is not None)
    assert not words or words in found[0]


def test_twelve_runs_are_no_longer_few_for_a_surface_and_five_budgets_for_parabolas(tmp_path):
    runs = isoflop_frame(budgets=3, sizes=4, sigma=1e-4)
    assert "only 11 runs for five parameters" in said(runs.iloc[:11], tmp_path, "vpnls")
    assert "runs for five parameters" not in said(runs, tmp_path, "vpnls")
    assert "only 4 usable budgets" in said(isoflop_frame(budgets=4, sigma=1e-4), tmp_path, "approach2")
    assert "usable budgets" not in said(isoflop_frame(budgets=5, sigma=1e-4), tmp_path, "approach2")


def test_a_law_of_three_parameters_has_few_runs_below_eight(tmp_path):
    runs = isoflop_frame(sigma=1e-4).iloc[::4]
    assert "only 7 runs for three parameters" in said(runs.iloc[:7], tmp_path, "law", law="power-n-floor")
    assert "runs for 3 parameters" not in said(runs.iloc[:8], tmp_path, "law", law="power-n-floor")


@pytest.mark.parametrize(
    ("condition", "status"), [(149, "ok"), (151, "weak"), (1499, "weak"), (1501, "refused"), (np.nan, "refused")]
)
def test_parameters_are_barely_told_apart_from_a_condition_of_150_on_and_not_from_1500_on(condition, status):
    verdict = Verdict()
    judge_condition(verdict, condition, "N and D")
    assert verdict.status == status


def lowest_points(budgets, points):
    """Of one table, with errors that are not known."""
    m = len(budgets)
    nothing = np.zeros((1, m, 2, m, 2)), np.ones((1, m))
    return LowestPoints(np.zeros(1, int), budgets, points[None], *nothing, 0, Compute.constant())


def isoflop_fit(curves, lowest, folder):
    fitted = CurveFit(curves, lowest, 3 * len(curves), np.ones(35))
    return IsoflopFit(as_table(isoflop_frame(), folder), fitted, lowest, PowerLaws.through(lowest).of_table(0))


@pytest.mark.parametrize(("error", "flat"), [(0.99, False), (1.01, True)])
def test_a_curve_is_flat_whose_vertex_is_less_certain_than_half_its_span(error, flat, tmp_path):
    """Three budgets whose sizes span two e-folds."""
    curves = [
        BudgetCurve(
            Budget(10.0**k, 10.0**k, np.arange(3), k + np.array([0.0, 1.0, 2.0])), np.array([k + 1.0, 2.0]),
            np.diag([error if k == 18 else 0.01, 0.01]) ** 2, {}, np.zeros(3), np.zeros(3), "",
        )
        for k in (17, 18, 19)
    ]  # fmt: skip
    lowest = lowest_points([curve.budget for curve in curves], np.array([curve.vertex for curve in curves]))
    verdict, result = Verdict(), FitResult("ok", "", "approach2", "", "")
    judge(verdict, result, isoflop_fit(curves, lowest, tmp_path))
    assert any("budget 10¹⁸: the curve is too flat" in text for text in verdict.all_warnings) == flat
    assert verdict.status == ("refused" if flat else "weak")


@pytest.mark.parametrize(("off", "drifts"), [(0.49, False), (0.51, True)])
def test_a_drifts_from_a_move_of_a_tenth_on(off, drifts, tmp_path):
    """Five vertices an e-fold apart on a line but for the first: without it the slope is larger by off/5."""
    x = np.arange(5.0)
    points = np.stack([0.5 * x + off * (x == 0), 2 + np.exp(-0.15 * x)], axis=1)
    lowest = lowest_points([Budget(c, c, np.arange(3), np.zeros(3)) for c in np.exp(x)], points)
    verdict, result = Verdict(), FitResult("ok", "", "approach2", "", "")
    _leave_out(verdict, result, isoflop_fit([], lowest, tmp_path))
    assert result.diagnostics["without_smallest"]["a"] == pytest.approx(off / 5)
    assert (verdict.status == "weak") == drifts
