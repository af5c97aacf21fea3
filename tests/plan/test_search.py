"""The search for the learning rate: ordinary runs beside the sweep, priced and counted with it."""

import pytest

from flopscape.config.machine import Prices
from flopscape.config.read import validate
from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.plan.capacity import Capacity
from flopscape.plan.coverage import grade_coverage
from flopscape.plan.finished import Finished, look_at_runs
from flopscape.plan.price import price_study, refuse_over_limits
from flopscape.plan.price_table import price_text
from flopscape.plan.rows import plan_rows
from flopscape.plan.search import assumed_rows, search_rows, searched_rate
from flopscape.plugins.surface import Surface

SIZES = [{"width": width, "depth": 2} for width in (16, 32, 64)]
SEARCH = {"rates": [0.006, 0.012, 0.024], "sizes": SIZES, "n_tokens": 25600}
PRICES = Prices(cpu_flops_per_second=1e10, startup_seconds=10, usd_per_cpu_hour=3.6)


def study_of(search=SEARCH, **changes):
    data = {
        "title": "t",
        "model": {"plugin": "flopscape.plugins.gpt:GPT"},
        "dataset": {"plugin": "flopscape.plugins.text:BibleText"},
        "sweep": {"rows": [{"size": SIZES[0], "n_tokens": 25600}, {"size": SIZES[0], "n_tokens": 51200}]},
        "transfer": search,
        "fits": ["vpnls"],
        "recommend": {"flops": [1e13]},
    }
    return validate(Study, data | changes, "test")


def priced(study, folder):
    rows, search = plan_rows(study), search_rows(study)
    finished = look_at_runs([*rows, *search], "s", folder)
    return price_study("s", study, rows, finished, finished.reasons, PRICES, Capacity(2), search), finished


def test_every_rate_is_tried_at_every_size_under_the_studys_own_scaling():
    rows = search_rows(study_of(training={"learning_rate_scaling": "mup"}))
    assert [(searched_rate(row), row.size["width"]) for row in rows] == [
        (rate, width) for rate in SEARCH["rates"] for width in (16, 32, 64)
    ]
    assert {row.spec["training"]["learning_rate_scaling"] for row in rows} == {"mup"}
    assert len({row.run_id for row in rows}) == 9


def test_rates_by_rule_are_searched_as_they_are_and_assumed_by_the_rule():
    table = {"learning_rate_scaling": "by_width", "learning_rate_by_width": {16: 0.02, 64: 0.005}}
    study = study_of(training=table)
    assert {searched_rate(row) for row in search_rows(study)} == set(SEARCH["rates"])
    assert [searched_rate(row) for row in assumed_rows(study)] == [0.02, 0.01, 0.005]


def test_a_run_that_sweep_and_search_share_is_one_run_and_priced_once(tmp_path):
    study = study_of()
    shared = {row.run_id for row in plan_rows(study)} & {row.run_id for row in search_rows(study)}
    price, finished = priced(study, tmp_path)
    assert len(shared) == 1
    assert (price.total.n_todo, price.search.n_todo) == (2, 8)
    text = price_text(study, price, grade_coverage(plan_rows(study), None), finished)
    assert "learning rate search (`snakemake transfer`): 8 of 8 runs to do" in text


def test_finished_runs_of_the_search_are_no_orphans_and_cost_nothing_more(tmp_path):
    study = study_of()
    for row in search_rows(study):
        Surface().train(row.spec).write(tmp_path / f"s/runs/{row.run_id}.json")
    price, finished = priced(study, tmp_path)
    assert finished.orphans == []
    assert (price.total.n_todo, price.search.n_todo) == (1, 0)


def test_a_finished_run_of_the_search_that_is_forced_is_priced():
    study = study_of()
    rows, search = plan_rows(study), search_rows(study)
    finished = Finished({row.run_id for row in (*rows, *search)}, [], [], [], [], {})
    due = {search[4].run_id: "forced"}
    price = price_study("s", study, rows, finished, due, PRICES, Capacity(1), search)
    assert (price.total.n_todo, price.search.n_todo) == (0, 1)
    with pytest.raises(FlopscapeError, match=r"more than limits\.max_usd"):
        refuse_over_limits(study_of(limits={"max_usd": price.spent_usd + price.search.usd / 2}), price)


def test_limits_count_the_search(tmp_path):
    price, _ = priced(study_of(), tmp_path)
    assert price.search.usd > 3 * price.total.usd
    limit = price.total.usd + price.search.usd / 2
    with pytest.raises(FlopscapeError, match=r"more than limits\.max_usd"):
        refuse_over_limits(study_of(limits={"max_usd": limit}), price)
    refuse_over_limits(study_of(limits={"max_usd": 2 * limit}), price)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rates": [0.01, 0.02]}, "must have 3 or more entries"),
        ({"rates": [0.01, 0.02, 0.02]}, "rates must differ"),
        ({"sizes": SIZES[:2]}, "must have 3 or more entries"),
        ({"sizes": [*SIZES, {"width": 16, "depth": 3}]}, "no width twice"),
        ({"sizes": [{"n_params": 10}] * 3}, "must have a width each"),
    ],
)
def test_a_search_that_could_not_tell_is_refused(change, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        study_of(SEARCH | change)


def test_a_search_of_too_few_tokens_is_named_as_such():
    with pytest.raises(FlopscapeError, match=r"transfer: .*less than one batch"):
        search_rows(study_of(SEARCH | {"n_tokens": 10}))


def test_a_study_without_a_search_has_no_rows_of_one():
    assert search_rows(study_of(None)) == []
