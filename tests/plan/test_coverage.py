"""Coverage grades and the reasons for them."""

import numpy as np
import pytest

from flopscape.plan.coverage import grade_coverage
from flopscape.plan.rows import plan_rows

SEVEN = tuple(10**8 * 2**i for i in range(7))

RAY = [{"size": {"n_params": 10**k}, "n_tokens": 256 * 10**k} for k in range(2, 9)]


def budgets(n):
    return [float(c) for c in np.geomspace(1e18, 1e20, n)]


def graded(study, train_units=None):
    return grade_coverage(plan_rows(study), train_units)


def isoflop(n_budgets, sizes, seeds=1):
    return {"isoflop": {"budgets": budgets(n_budgets), "sizes": [{"n_params": n} for n in sizes], "seeds": seeds}}


def test_seven_budgets_sizes_and_three_seeds_are_good(surface_study):
    assert graded(surface_study(sweep=isoflop(7, SEVEN, 3))).grade == "good"


def test_hidden_runs_cover_nothing(surface_study):
    narrow, hidden = isoflop(7, SEVEN[:3], 3), {"validate": isoflop(1, SEVEN, 3) | {"rows": []}}
    hidden["validate"]["isoflop"]["budgets"] = [1e21]
    alone = graded(surface_study(sweep=narrow))
    assert graded(surface_study(sweep=narrow | hidden)) == alone
    assert alone.grade == "poor"


def test_between_is_fair_and_says_what_is_missing(surface_study):
    coverage = graded(surface_study(sweep=isoflop(5, SEVEN[:5])))
    assert coverage.grade == "fair"
    assert "5 budgets: plan at least 7" in coverage.reasons
    assert any("fewer than 3 seeds" in reason for reason in coverage.reasons)


@pytest.mark.parametrize(
    ("sweep", "train_units", "reason"),
    [
        (isoflop(4, SEVEN), None, "4 budgets: plan at least 5"),
        (isoflop(5, SEVEN[:4]), None, "4 sizes at every budget: plan at least 5"),
        (isoflop(5, [100 + i for i in range(7)]), None, "span only ±0.01 dex"),
        (isoflop(5, SEVEN), 10**9, "repeat the data more than 4 times"),
        ({"grid": {"sizes": [{"n_params": n} for n in SEVEN[:4]], "n_tokens": [256, 512]}}, None, "2 token counts"),
        (
            {"rows": [{"size": {"n_params": 10**k}, "n_tokens": 256 * 10**k} for k in range(2, 9)]},
            None,
            "no fit can tell",
        ),
    ],
)
def test_poor_sweeps_say_why(surface_study, sweep, train_units, reason):
    coverage = graded(surface_study(sweep=sweep), train_units)
    assert coverage.grade == "poor"
    assert any(reason in sentence for sentence in coverage.reasons)


def test_coverage_speaks_of_images(surface_study):
    sweep = {"rows": [{"size": {"n_params": 10**k}, "n_tokens": 256 * 10**k} for k in (2, 3)]}
    reasons = grade_coverage(plan_rows(surface_study(sweep=sweep)), None, "image").reasons
    assert "all runs lie at 256 images per parameter: no fit can tell N from D there" in reasons
    assert "2 image counts: plan at least 5" in reasons
