"""The reporting checklist: every item once, and every fact that of the plan, the records or the fits."""

import dataclasses
import re
from collections import Counter
from pathlib import Path

import pytest

from flopscape.checklist.filled import filled
from flopscape.checklist.items import ITEMS, PARTS, TRAINED, Filled
from flopscape.checklist.known import Known
from flopscape.config.study import ImportedStudy
from flopscape.figures.tables import Tables
from flopscape.fitting.fit import fit
from flopscape.plan.imported import PlannedImport
from flopscape.plan.studies import PlannedStudy, plan_finished
from flopscape.records.backtest import Outcome
from flopscape.report.blocks import Bullets
from flopscape.report.checklist import blocks, page_text, summary
from flopscape.runs.read import table_of
from tests.conftest import ROOT
from tests.figures import studies
from tests.fitting.fit_tables import isoflop_frame
from tests.report.conftest import MANIFEST

IMPORTED = ImportedStudy.model_validate(
    {
        "title": "Theirs",
        "runs": {"table": "theirs.csv"},
        "fits": ["approach2"],
        "recommend": {"flops": [1e13], "fit": "approach2"},
    }
)
COLUMNS = {"n_params": "their column params", "n_tokens": "their column tokens", "flops": "6·n_params·n_tokens"}


@pytest.fixture(scope="module")
def study() -> Tables:
    return studies.text_study(simulated=False)


def resting_on(name: str, planned: PlannedStudy) -> PlannedStudy:
    recommend = planned.study.recommend.model_copy(update={"fit": name})
    return dataclasses.replace(planned, study=planned.study.model_copy(update={"recommend": recommend}))


@pytest.fixture(scope="module")
def trained(study: Tables, tmp_path_factory: pytest.TempPathFactory) -> Known:
    """The study kjv-gpt with runs and fits of its kind, resting on approach2."""
    planned = resting_on(
        "approach2", plan_finished(ROOT / "config/studies/kjv-gpt.yaml", tmp_path_factory.mktemp("results"))
    )
    made = {"command": "flopscape fit results/kjv-gpt/runs.csv --method vpnls", "options": {"bootstrap": 400}}
    fits = {name: dataclasses.replace(fit, made_from=made) for name, fit in study.fits.items()}
    return Known(planned, study.runs, fits, MANIFEST)


@pytest.fixture(scope="module")
def imported(study: Tables) -> Known:
    """The same runs as other people's."""
    planned = PlannedImport("theirs", Path("theirs.yaml"), IMPORTED, Path("theirs.csv"), ["theirs.csv"])
    runs = study.runs[
        ["run_id", "n_params", "n_tokens", "loss", "flops", "budget", "status", "seed", "simulated", "unit"]
    ]
    return Known(planned, runs, {"approach2": study.fits["approach2"]}, {"table": "theirs.csv", "columns": COLUMNS})


def told(known: Known) -> dict[str, str]:
    return {entry.item.key: entry.told for entry in filled(known).entries}


@pytest.mark.parametrize("which", ["trained", "imported"])
def test_every_item_stands_exactly_once(which: str, request: pytest.FixtureRequest) -> None:
    page = filled(request.getfixturevalue(which))
    assert Counter(entry.item.key for entry in page.entries) == Counter(ITEMS.keys())
    written = page_text("Title", page)
    for item in ITEMS.values():
        assert written.count(item.question) == 1
    assert len(re.findall(r"^- \[[x ]\] ", written, re.MULTILINE)) == len(ITEMS)


def test_items_name_the_section_of_the_paper_and_no_question_is_asked_twice() -> None:
    assert all(re.match(r"§[3-6](, “.+”)?$", item.source) for item in ITEMS.values())
    assert len({item.question for item in ITEMS.values()}) == len(ITEMS) == sum(len(part.items) for part in PARTS)


def test_a_trained_study_leaves_open_only_what_its_files_cannot_tell(trained: Known) -> None:
    assert {entry.item.key for entry in filled(trained).entries if entry.is_open} <= {"weights", "validated", "starts"}


def test_ranges_agree_with_the_table(trained: Known) -> None:
    runs, said = trained.completed, told(trained)
    assert said["runs"].startswith(f"{len(runs)} runs of {runs.n_params.nunique()} sizes, at 5 budgets")
    assert said["compute"] == "3×10¹⁰ to 3×10¹² FLOPs."
    assert said["seeds"].startswith("1 to 3 seeds at each of")


def test_the_recipe_agrees_with_the_config(trained: Known) -> None:
    said = told(trained)
    assert trained.study
    settings = trained.study.training
    assert f"β₂ = {settings.beta2:g}" in said["optimiser"]
    assert said["batch"] == "256 tokens for every run."
    assert "Linear warm-up over 10 %" in said["schedule"]
    assert "over the last 20 % of the steps" in said["schedule"]
    assert said["search"].startswith("Peak rate 0.012 at width 16, in proportion to 1/width.")
    assert "No finished search" in said["search"]


def test_the_data_agree_with_their_manifest(trained: Known) -> None:
    said = told(trained)
    assert MANIFEST["source"] in said["dataset"]
    assert "3,930,000 to train on" in said["tokenizer"]
    passes = trained.completed.n_tokens.max() / 3_930_000
    assert said["repeats"].startswith("Yes" if passes > 1 else "No")


def test_the_fit_is_told_by_its_own_file(trained: Known) -> None:
    said = told(trained)
    result = trained.fits[trained.recommended]
    assert result.objective in said["objective"]
    assert result.interval in said["intervals"]
    assert f"{result.n_runs} runs" in said["points"]
    assert said["laws"].startswith(
        f"{len(trained.fits)} fits of the same runs; the claim rests on {trained.recommended}."
    )


def test_of_an_answer_the_checklist_tells_what_is_drawn_and_of_a_refused_fit_that_it_has_no_intervals(
    trained: Known,
) -> None:
    few = table_of(isoflop_frame().head(3), "few")
    made = {"options": {"bootstrap": 4000}}
    fits = {name: dataclasses.replace(fit(few, name, bootstrap=256)[0], made_from=made) for name in ("answer", "vpnls")}
    assert isinstance(trained.planned, PlannedStudy)
    said = told(dataclasses.replace(trained, planned=resting_on("answer", trained.planned), fits=fits))
    assert "answer: 20, all with priors (6 of the law, 10 of its drift, 4 scales)" in said["free"]
    assert "weighed by importance" in said["algorithm"]
    assert "of its priors" in said["starts"]
    assert said["intervals"] == (
        "answer: 95 % of 256 draws from the posterior, seed 0; vpnls: none, for the fit is refused."
    )


def test_a_range_of_one_budget_is_one_number(trained: Known) -> None:
    one = trained.runs[trained.runs.budget == trained.runs.budget.min()].assign(flops=3e10)
    assert told(dataclasses.replace(trained, runs=one))["compute"] == "3×10¹⁰ FLOPs."


def test_a_finished_search_for_the_rate_is_told(trained: Known) -> None:
    reason = "The optimum transfers over widths 16 to 64."
    assert reason in told(dataclasses.replace(trained, transfer={"reason": reason}))["search"]


def test_of_other_peoples_runs_the_training_is_open_and_who_can_tell_is_named(imported: Known) -> None:
    page = filled(imported)
    training = [entry for entry in page.entries if entry.item.who == TRAINED]
    assert all(entry.is_open for entry in training)
    assert "whoever trained the runs" in summary(page)
    assert page_text("Theirs", page).count("*Open: whoever trained the runs can tell.*") == len(training)


def test_a_formula_for_compute_is_told_and_a_column_that_was_copied_explains_nothing(imported: Known) -> None:
    said = told(imported)
    assert said["count_c"] == "flops: 6·n_params·n_tokens."
    assert said["count_n"] == ""


def test_a_simulated_study_claims_no_training(study: Tables, tmp_path: Path) -> None:
    planned = plan_finished(ROOT / "config/studies/quick.yaml", tmp_path)
    said = told(Known(planned, study.runs, {}))
    assert said["optimiser"] == "Nothing was trained: the losses are simulated."
    assert said["architecture"].startswith("Nothing was trained")
    assert said["weights"].startswith("Nothing was trained")
    assert said["modified"].endswith("as it was simulated.")


def test_without_fits_the_claim_is_open(trained: Known) -> None:
    said = told(dataclasses.replace(trained, fits={}))
    assert not any(said[key] for key in ("form", "objective", "points", "intervals"))
    assert said["sizes"]


def test_the_section_of_the_report_has_a_line_for_each_item(trained: Known) -> None:
    page = filled(trained)
    bullets = blocks(page)[1]
    assert isinstance(bullets, Bullets)
    pairs = zip(bullets.items, ITEMS.values(), strict=True)
    assert all(line.startswith(item.question) for line, item in pairs)
    assert blocks(None) == []


def test_nothing_but_items_can_be_told() -> None:
    assert Filled({}).n_open == 0


def test_a_scout_that_diverged_is_a_run_that_was_lost(trained: Known) -> None:
    lost = len(trained.runs) - len(trained.completed)
    aside = trained.runs.head(3).assign(scout=True, status=["completed", "diverged", "diverged"])
    said = told(dataclasses.replace(trained, aside=aside))["left_out"]
    assert said.startswith(f"{lost + 2} runs did not complete")


def test_runs_that_no_fit_has_seen_test_the_law(trained: Known) -> None:
    name = trained.recommended
    held = Outcome(
        name, "vpnls", "the runs planned to stay hidden", 9, "ok", "", "run", 1e13, 3.3, true_loss=2.0, loss=2.01,
        loss_low=1.9, loss_high=2.1, loss_holds=True,
    )  # fmt: skip
    said = told(dataclasses.replace(trained, tested=(), scored=(held,)))["validated"]
    assert said == (
        f"Of runs that no fit has seen, up to a factor 3.30 beyond those that it saw, the 95 % intervals of {name} held"
        " 1 of 1 losses of single runs."
    )
