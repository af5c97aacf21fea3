"""What D counts, in the words of a plan."""

import pytest

from flopscape.plan.coverage import grade_coverage
from flopscape.plan.rows import plan_rows
from flopscape.plan.studies import data_unit


@pytest.mark.parametrize(
    ("dataset", "unit"),
    [("flopscape.plugins.digits:Digits", "image"), ("flopscape.plugins.text:BibleText", "token"), ("my:Own", "unit")],
)
def test_a_dataset_says_what_it_counts(surface_study, dataset, unit):
    assert data_unit(surface_study(dataset={"plugin": dataset})) == unit


def test_coverage_speaks_of_images(surface_study):
    sweep = {"rows": [{"size": {"n_params": 10**k}, "n_tokens": 256 * 10**k} for k in (2, 3)]}
    reasons = grade_coverage(plan_rows(surface_study(sweep=sweep)), None, "image").reasons
    assert "all runs lie at 256 images per parameter: no fit can tell N from D there" in reasons
    assert "2 image counts: plan at least 5" in reasons
