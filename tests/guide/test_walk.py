"""The decision guide: its chart holds together, and each design is led to the approach that it allows."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flopscape.errors import FlopscapeError
from flopscape.fitting.methods import shipped_methods
from flopscape.guide.chart import APPROACHES, CHECKS, END, QUESTIONS
from flopscape.guide.facts import Facts, Training, facts_of
from flopscape.guide.found import MAX_EPOCHS
from flopscape.guide.measured import HIDDEN, SIMULATED, Measured, measured
from flopscape.guide.sources import guide_of, guide_of_study
from flopscape.guide.walk import text, walk
from flopscape.plan.studies import plan_finished
from flopscape.records.backtest import Score
from flopscape.records.fit_result import Estimate
from flopscape.runs.read import table_of
from tests.conftest import ROOT

QUICK = ROOT / "config/studies/quick.yaml"
DIGITS = ROOT / "config/studies/digits-mlp.yaml"


def runs(n_params: np.ndarray, n_tokens: np.ndarray, **columns: object) -> pd.DataFrame:
    """Runs on a surface with its optimum at a = 0.5."""
    loss = 1.7 + 400 / n_params**0.34 + 400 / n_tokens**0.34
    return pd.DataFrame({"n_params": n_params, "n_tokens": n_tokens, "loss": loss, **columns})


def isoflop(budgets: int = 5, sizes: int = 7, centre: float = 1.0) -> pd.DataFrame:
    """A curve of sizes about `centre` times the optimum of each budget."""
    parts = []
    for flops in 1e18 * 10.0 ** np.arange(budgets):
        n = centre * np.sqrt(flops / 6) * np.geomspace(1 / 8, 8, sizes)
        parts.append(runs(n, flops / 6 / n))
    return pd.concat(parts, ignore_index=True)


def facts(frame: pd.DataFrame, asked: tuple[float, ...] = (), training: Training | None = None) -> Facts:
    return facts_of(table_of(frame, "runs.csv"), "runs.csv", True, asked, training or Training())


def answers(found: Facts) -> dict[str, str]:
    """The answer to each question of the path."""
    return {step.question: step.answer for step in walk(found, Measured()).steps}


def answer(key: str, found: Facts) -> str:
    return QUESTIONS[key].look(found).answer


GRID = runs(*(x.ravel() for x in np.meshgrid(np.geomspace(1e6, 1e8, 4), np.geomspace(2e7, 2e10, 4))))
LADDER = runs(np.geomspace(1e6, 1e9, 8), 20 * np.geomspace(1e6, 1e9, 8))
DESIGNS = {
    "three runs": (isoflop(1, 3), "prior"),
    "one budget": (isoflop(1, 9), "one budget"),
    "budgets": (isoflop(), "isoflop"),
    "budgets of three sizes": (isoflop(5, 3), "surface"),
    "budgets beside their optima": (isoflop(centre=30.0), "surface"),
    "a ladder": (LADDER, "ladder"),
    "one size": (runs(np.full(10, 1e8), np.geomspace(1e9, 1e11, 10)), "ladder"),
    "one D": (runs(np.geomspace(1e7, 1e10, 10), np.full(10, 1e10)), "ladder"),
    "a grid": (GRID, "grid"),
}


@pytest.mark.parametrize("design", DESIGNS)
def test_a_design_is_led_to_the_approach_it_allows(design: str) -> None:
    frame, approach = DESIGNS[design]
    assert walk(facts(frame), Measured()).approach is APPROACHES[approach]


def test_every_way_leads_to_a_question_an_approach_or_the_end_and_each_is_reached() -> None:
    ways = [way.to for question in QUESTIONS.values() for way in question.ways.values()]
    assert set(ways) | {CHECKS, next(iter(QUESTIONS))} == {*QUESTIONS, *APPROACHES, END}


def test_no_way_goes_back_so_that_every_path_ends() -> None:
    place = {key: number for number, key in enumerate([*QUESTIONS, END])}
    place |= dict.fromkeys(APPROACHES, place[CHECKS] - 0.5)
    assert all(place[way.to] > place[key] for key, question in QUESTIONS.items() for way in question.ways.values())


def test_every_method_that_an_approach_names_is_shipped() -> None:
    assert {method for approach in APPROACHES.values() for method in approach.methods} <= set(shipped_methods())


def test_one_budget_whose_optimum_is_not_between_its_sizes_leaves_the_others_their_curves() -> None:
    frame = isoflop(5, 9)
    found = facts(frame.drop(frame.index[:4]))  # of the smallest budget the sizes from the optimum up are left
    assert [budget.lowest for budget in found.budgets] == ["smallest", *["between"] * 4]
    step = QUESTIONS["optima"].look(found)
    assert step.answer == "three or more"
    assert (
        step.fact
        == "5 to 9 sizes at each of 5 budgets; the lowest loss is at the end of the sizes at 10¹⁸ FLOPs (the smallest)."
    )
    assert walk(found, Measured()).approach is APPROACHES["isoflop"]


def test_the_fact_of_a_step_has_the_numbers_of_the_design() -> None:
    steps = walk(facts(isoflop(), (1e24,)), Measured()).steps
    told = " ".join(step.fact for step in steps)
    assert "35 runs" in told
    assert "5 budgets, 10¹⁸ to 10²² FLOPs" in told
    assert "10²⁴ FLOPs is ×100 the largest budget" in told


@pytest.mark.parametrize(
    ("asked", "expected"), [((), "nothing asked"), ((1e21,), "within"), ((5e22,), "up to ×10"), ((1e24,), "beyond ×10")]
)
def test_the_question_is_measured_in_units_of_the_largest_budget(asked: tuple[float, ...], expected: str) -> None:
    assert answer("reach", facts(isoflop(), asked)) == expected


def test_checkpoints_are_told_from_ends_of_runs() -> None:
    ends = runs(np.repeat(np.geomspace(1e6, 1e8, 3), 4), np.tile(np.geomspace(1e8, 1e10, 4), 3))
    names = np.repeat(["a", "b", "c"], 4)
    assert answer("rows", facts(ends.assign(run_id=names))) == "checkpoints"
    assert answer("rows", facts(ends)) == "ends"


def test_repeated_data_are_seen_in_a_column_or_known_of_a_study() -> None:
    frame = isoflop()
    assert answer("data", facts(frame)) == "unknown"
    assert answer("data", facts(frame.assign(unique_tokens=frame.n_tokens / (MAX_EPOCHS + 1)))) == "yes"
    assert answer("data", facts(frame.assign(unique_tokens=frame.n_tokens))) == "no"
    assert answer("data", facts(frame, training=Training(train_units=10))) == "yes"


def test_seeds_tell_the_noise_from_six_repeats_on() -> None:
    once = isoflop()
    seeds = pd.concat(
        [once.assign(seed=0), once.head(7).assign(seed=1, loss=once.head(7).loss + 0.01)], ignore_index=True
    )
    assert answer("noise", facts(once)) == "no"
    assert answer("noise", facts(seeds)) == "yes"


@pytest.mark.parametrize(("floor", "expected"), [(None, "unknown"), ((1.7, 1.6, 1.8), "yes"), ((0.4, 0.0, 1.9), "no")])
def test_the_floor_is_told_from_zero_by_its_interval(floor: tuple[float, ...] | None, expected: str) -> None:
    found = dataclasses.replace(facts(isoflop()), floor=Estimate(*floor) if floor else None)
    assert answer("floor", found) == expected


def score(held: int, missed: str = "") -> Score:
    return Score("vpnls", "vpnls", 6, held, 0.3, 0.2, 6, 6, 0.01, 0.01, 1e-3, 20, 19, 3.0, 0, missed)


@pytest.mark.parametrize(
    ("held", "missed", "expected"), [(5, "", "yes"), (3, "without the largest budget N* is too high", "no")]
)
def test_hidden_budgets_decide_whether_the_answer_is_believed(held: int, missed: str, expected: str) -> None:
    found = dataclasses.replace(facts(isoflop()), tested=score(held, missed), answering="vpnls")
    step = QUESTIONS["hidden"].look(found)
    assert step.answer == expected
    assert f"{held} of 6" in step.fact
    assert missed in step.fact


def test_errors_of_backtest_and_twin_stand_side_by_side_by_method() -> None:
    possible = {"rmse": 0.1, "coverage": 0.8}
    rows = [{"method": "approach2", "rmse": 0.01, "possible": possible}, {"method": "vpnls", "rmse": None}]
    twin = {"methods": rows}
    table = measured([score(5)], twin, {"backtest": "b", "twin": "t"})
    assert table.rows == [
        ["method", *HIDDEN, *SIMULATED],
        ["vpnls", "22 %", "5 of 6", "6 of 6", "–", "–"],
        ["approach2", "–", "–", "–", "11 %", "80 %"],
    ]
    assert table.sentences == []


def test_what_was_not_measured_is_said_with_the_command_that_measures_it() -> None:
    assert measured([], None, {"backtest": "run b", "twin": "run t"}).sentences == [
        "No error on hidden budgets is known for this design. To measure it: run b",
        "No error on simulated copies of this design is known. To measure it: run t",
    ]


def test_a_plan_without_runs_has_a_guide_that_says_what_only_runs_will_show(tmp_path: Path) -> None:
    path = guide_of_study(plan_finished(DIGITS, tmp_path), tmp_path / "digits-mlp")
    found = {step.question: step for step in path.steps}
    assert path.approach is APPROACHES["isoflop"]
    assert found[QUESTIONS["optima"].words].answer == "not seen yet"
    assert found[QUESTIONS["schedule"].words].fact == "wsd: each run decays over the last 20 % of its own steps."
    assert "No search across sizes" in found[QUESTIONS["rates"].words].fact
    assert (
        found[QUESTIONS["data"].words].answer == "no"
    )  # the study says that no run sees an image more than four times


def test_simulated_runs_are_asked_neither_for_schedules_nor_for_data(tmp_path: Path) -> None:
    path = guide_of_study(plan_finished(QUICK, tmp_path), tmp_path / "quick")
    told = [step.fact for step in path.steps if "simulated" in step.fact]
    assert len(told) == 3


def test_a_table_alone_is_guided_and_its_next_steps_are_numbered(tmp_path: Path) -> None:
    isoflop().to_csv(tmp_path / "theirs.csv", index=False)
    said = text(guide_of(tmp_path / "theirs.csv", [1e24], tmp_path))
    assert "1. Is each row the end of a run" in said
    assert f"flopscape backtest {tmp_path / 'theirs.csv'} --out backtest.csv" in said
    assert said.partition("Next:\n")[2].startswith("1. ")


def test_a_study_names_its_compute_itself(tmp_path: Path) -> None:
    with pytest.raises(FlopscapeError, match=r"recommend\.flops"):
        guide_of(QUICK, [1e20], tmp_path)


def test_a_table_of_no_finished_run_is_refused(tmp_path: Path) -> None:
    isoflop(1, 3).assign(status="diverged").to_csv(tmp_path / "none.csv", index=False)
    with pytest.raises(FlopscapeError, match="no completed run"):
        guide_of(tmp_path / "none.csv", [], tmp_path)


def test_json_of_a_twin_of_version_without_methods_is_taken_as_nothing_measured() -> None:
    assert measured([], json.loads('{"status": "refused"}'), {"backtest": "b", "twin": "t"}).rows == []
