"""Sweeps become rows: budgets are met, ids are stable, nonsense is refused."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flopscape.config.read import load_study, validate
from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.plan.rows import plan_rows

FLOPS_PER_TOKEN_AT_MOST = 2e6
"""Of the widest size that hypothesis draws."""
GPT = {"plugin": "flopscape.plugins.gpt:GPT"}


def gpt_study(sweep, **changes):
    base = {
        "title": "t",
        "model": GPT,
        "trainer": {"plugin": "flopscape.plugins.surface:Surface"},
        "sweep": sweep,
        "fits": ["approach2"],
        "recommend": {"flops": [1e13]},
    }
    return validate(Study, base | changes, "test")


@given(st.floats(1e9, 1e14), st.integers(1, 12), st.sampled_from([64, 256, 4096]))
def test_budgets_are_met_within_half_a_batch_of_whole_batches(budget, heads, batch):
    size = {"width": 8 * heads, "depth": 2}
    study = gpt_study({"isoflop": {"budgets": [budget], "sizes": [size]}}, training={"batch_units": batch})
    assume(budget >= batch * FLOPS_PER_TOKEN_AT_MOST)
    (row,) = plan_rows(study)
    assert row.n_tokens == row.n_steps * batch
    assert abs(row.budget_remainder) <= row.flops_per_unit * batch / 2 * (1 + 1e-12)
    assert row.flops + row.budget_remainder == pytest.approx(budget, rel=1e-12)


def test_exact_flops_of_a_published_point():
    """407 k tokens at C = 3e10 and 452 k at 1e11: the measured sweep that the counting is taken from."""
    sizes = {3e10: {"width": 16, "depth": 2}, 1e11: {"width": 32, "depth": 2}}
    budgets = [{"flops": budget, "sizes": [size]} for budget, size in sizes.items()]
    tokens = [row.n_tokens for row in plan_rows(gpt_study({"isoflop": {"budgets": budgets}}))]
    assert [round(n / 1000) for n in tokens] == [407, 452]


def test_isoflop_grid_and_rows_are_put_together_without_repetition(surface_study):
    size = {"n_params": 1000}
    sweep = {
        "isoflop": {"budgets": [1e9], "sizes": [size], "seeds": 2},
        "grid": {"sizes": [size, {"n_params": 2000}], "n_tokens": [25600, 51200]},
        "rows": [{"size": size, "n_tokens": 25600}, {"size": size, "n_tokens": 25600, "seed": 5}],
    }
    rows = plan_rows(surface_study(sweep=sweep))
    assert len(rows) == 2 + 4 + 1
    assert [row.budget for row in rows] == [1e9, 1e9, None, None, None, None, None]
    assert len({row.run_id for row in rows}) == len(rows)


def test_an_id_ignores_position_and_budget_but_not_what_decides_the_result(surface_study):
    first = {row.run_id for row in plan_rows(surface_study())}
    assert {
        row.run_id for row in plan_rows(surface_study(budgets=(1e20, 1e18, 1e19), n_params=(1e9, 1e8, 3e8)))
    } == first
    for change in ({"recipe": 2}, {"training": {"learning_rate": 0.02}}):
        assert not first & {row.run_id for row in plan_rows(surface_study(**change))}


def test_defaults_written_out_change_no_id(surface_study):
    plain = [row.run_id for row in plan_rows(surface_study())]
    written = surface_study(training={"batch_units": 256, "learning_rate": 0.012}, resources={"memory_mb": 9})
    assert [row.run_id for row in plan_rows(written)] == plain


def test_golden_ids_of_shipped_studies(root):
    """Ids must never change by accident: everything trained so far hangs on them."""
    ids = {name: plan_rows(load_study(root / f"config/studies/{name}.yaml"))[0].run_id for name in ("kjv-gpt", "quick")}
    assert ids == {"kjv-gpt": "fde71a8d03ee", "quick": "5a2863b1f753"}


@pytest.mark.parametrize(
    ("sweep", "sentence"),
    [
        ({"isoflop": {"budgets": [1e6], "sizes": [{"width": 8, "depth": 2}]}}, "less than one batch of 256"),
        ({"rows": [{"size": {"width": 8, "depth": 2}, "n_tokens": 10}]}, "n_tokens 10 at size"),
        ({"isoflop": {"budgets": [1e12], "sizes": [{"width": -8, "depth": 2}]}}, "width is -8, not a positive"),
        ({"isoflop": {"budgets": [1e12], "sizes": [{"width": 8.5, "depth": 2}]}}, "width is 8.5, not a positive"),
        ({"isoflop": {"budgets": [1e12], "sizes": [{"wdth": 8, "depth": 2}]}}, "a GPT's size has width and depth"),
        ({"isoflop": {"budgets": [1e12], "sizes": [{"width": 8, "depth": 2}] * 2}}, "listed twice at budget"),
        ({"isoflop": {"budgets": [1e10, 1.00001e10], "sizes": [{"width": 8, "depth": 2}]}}, "plan the same run"),
    ],
)
def test_nonsense_is_refused_in_words(sweep, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        plan_rows(gpt_study(sweep))


HIDDEN = {
    "isoflop": {"budgets": [1e10], "sizes": [{"n_params": 2000}, {"n_params": 3000}, {"n_params": 4000}]},
    "rows": [{"size": {"n_params": 2000}, "flops": 1e11}, {"size": {"n_params": 1000}, "n_tokens": 51200}],
}


def fitted_and(hidden, **sweep):
    return {"isoflop": {"budgets": [1e9], "sizes": [{"n_params": 1000}]}} | sweep | {"validate": hidden}


def test_hidden_runs_are_planned_last_and_with_the_ids_that_they_would_have_if_they_were_fitted(surface_study):
    rows = plan_rows(surface_study(sweep=fitted_and(HIDDEN)))
    assert [row.role for row in rows] == ["fit", *["validate"] * 5]
    assert [row.budget for row in rows] == [1e9, 1e10, 1e10, 1e10, 1e11, None]
    fitted = plan_rows(surface_study(sweep=HIDDEN))
    assert [row.run_id for row in rows[1:]] == [row.run_id for row in fitted]


@pytest.mark.parametrize(
    "row", [{"size": {"n_params": 1000}, "flops": 1e9}, {"size": {"n_params": 1000}, "n_tokens": 166667 // 256 * 256}]
)
def test_a_run_that_is_both_fitted_and_hidden_is_named(surface_study, row):
    hidden = {"rows": [row]}
    with pytest.raises(FlopscapeError, match=r"sweep.validate: the run of size .*1000.* with seed 0 .* is also fitted"):
        plan_rows(surface_study(sweep=fitted_and(hidden)))


def test_a_row_may_say_its_compute_and_joins_the_budget_of_it(surface_study):
    size = {"n_params": 1000}
    # The first is of the budget anyway, and is planned once.
    rows = [{"size": size, "flops": 1e9}, {"size": {"n_params": 2000}, "flops": 1e9}, {"size": size, "n_tokens": 25600}]
    sweep = {"isoflop": {"budgets": [1e9], "sizes": [{"n_params": 1000}]}, "rows": rows}
    planned = plan_rows(surface_study(sweep=sweep))
    assert [row.budget for row in planned] == [1e9, 1e9, None]
    of_budget = {"isoflop": {"budgets": [1e9], "sizes": [{"n_params": 1000}, {"n_params": 2000}]}}
    assert [row.run_id for row in planned[:2]] == [row.run_id for row in plan_rows(surface_study(sweep=of_budget))]


@pytest.mark.parametrize("row", [{}, {"n_tokens": 25600, "flops": 1e9}])
def test_a_row_says_either_its_tokens_or_its_compute(surface_study, row):
    with pytest.raises(FlopscapeError, match="give either n_tokens or flops"):
        surface_study(sweep={"rows": [{"size": {"n_params": 1000}} | row]})
