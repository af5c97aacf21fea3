"""Rungs from simulated records: what they rest on, what is left out, and what is refused in a sentence."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from flopscape.config.study import Study
from flopscape.design.rung import plan_rung
from flopscape.errors import FlopscapeError
from flopscape.plan.family import members
from flopscape.plan.rows import plan_rows
from flopscape.plan.rung_words import FOUND, placed_by_few, warnings_of
from flopscape.plan.rungs import LN10, Rung, open_rungs
from flopscape.plugins.surface import Surface
from flopscape.records.run_record import RunRecord

LAW = {"E": 1.0, "A": 30.0, "B": 400.0, "alpha": 0.4, "beta": 0.5}
LADDER = {"top": 3e12, "budgets": 3, "decades": 1.5}
FAMILY = {"width_multiple": 4, "depth": 2}
ISOFLOP = {"budgets": [3e10, 1e11, 3e11], "sizes": [{"width": w, "depth": 2} for w in (16, 24, 32, 48, 64)]}


def study_of(**sweep: object) -> Study:
    trainer = {"plugin": "flopscape.plugins.surface:Surface", "kwargs": LAW}
    plain = {"title": "t", "model": {"plugin": "flopscape.plugins.gpt:GPT"}, "trainer": trainer, "sweep": sweep}
    return Study.model_validate(plain | {"fits": ["approach2"], "recommend": {"flops": [1e13]}})


def trained(study: Study, rungs: Sequence[Rung] = (), noise: float = 0.002) -> dict[str, RunRecord]:
    records = [Surface(**LAW, noise=noise).train(row.spec) for row in plan_rows(study, rungs)]
    return {record.run_id: record for record in records}


def climbed(study: Study, noise: float = 0.002) -> list[Rung]:
    rungs: list[Rung] = []
    for name in ("1", "2", "3"):
        rungs.append(plan_rung(study, name, rungs, trained(study, rungs, noise)))
    return rungs


def widths(rung: Rung) -> list[list[int]]:
    return [[size["width"] for size in budget.sizes] for budget in rung.budgets]


def test_a_guess_that_is_off_by_a_factor_of_three_is_forgotten_at_the_top() -> None:
    """The optimum of the law along the family, whose FLOPs are counted, by trying every member."""
    study = study_of(ladder=LADDER | {"tokens_per_param": 200}, family=FAMILY)
    line = climbed(study)[-1].line
    law = Surface(**LAW)
    family = members(study, 1e7)
    scouted, top = (min(family, key=lambda m, c=c: law.loss(m.n_params, m.units(c))).log_n for c in (3e12 / 100, 3e12))
    first = open_rungs(study, [])[0].line
    assert line is not None
    assert first is not None
    assert abs(first.at(math.log(3e12 / 100)) - scouted) > LN10 * 0.3
    assert abs(line.at(math.log(3e12)) - top) < LN10 * 0.06


def test_records_of_other_runs_and_of_higher_rungs_change_nothing() -> None:
    study = study_of(ladder=LADDER, family=FAMILY, rows=[{"size": {"width": 64, "depth": 2}, "n_tokens": 100_000}])
    rungs = climbed(study)
    everything = trained(study, rungs)
    for i, rung in enumerate(rungs):
        assert plan_rung(study, rung.name, rungs, everything) == rung
        assert plan_rung(study, rung.name, rungs[:i], everything) == rung


def test_another_loss_below_is_another_stamp_even_where_the_sizes_stay() -> None:
    study = study_of(ladder=LADDER, family=FAMILY)
    records = trained(study)
    rung = plan_rung(study, "1", [], records)
    first = next(iter(records))
    records[first] = replace(records[first], loss=(records[first].loss or 0) + 1e-6)
    again = plan_rung(study, "1", [], records)
    assert again.budgets == rung.budgets
    assert again.records != rung.records
    assert again.options == rung.options


def test_a_diverged_run_is_left_out_and_counts_as_read() -> None:
    study = study_of(ladder=LADDER, family=FAMILY)
    records = trained(study)
    rows = plan_rows(study)
    last = rows[-1].run_id
    records[last] = replace(records[last], status="diverged", loss=None)
    [center] = plan_rung(study, "1", [], records).centers
    [whole] = plan_rung(study, "1", [], trained(study)).centers
    assert center.how == FOUND
    assert (center.n_finished, center.n_runs) == (6, 7)
    assert 0 < abs(center.log_n - whole.log_n) < 0.3


def test_a_rung_whose_runs_all_failed_is_a_sentence_with_the_cure() -> None:
    study = study_of(ladder=LADDER, family=FAMILY)
    lost = {i: replace(one, status="diverged", loss=None) for i, one in trained(study).items()}
    words = r"rung 1: at budget 3×10¹⁰ none of the runs have a loss, 0 of 7, .* lower training.learning_rate"
    with pytest.raises(FlopscapeError, match=words):
        plan_rung(study, "1", [], lost)


def lost(study: Study, count: int, rungs: Sequence[Rung] = ()) -> dict[str, RunRecord]:
    """The records below a rung, of which the largest at the highest budget have diverged."""
    records = trained(study, rungs)
    for row in plan_rows(study, rungs)[-count:]:
        records[row.run_id] = replace(records[row.run_id], status="diverged", loss=None)
    return records


def test_two_sizes_of_a_budget_stop_a_ladder_and_three_place_its_next_rung() -> None:
    """The rung below has seven sizes, and its scouts as many."""
    study = study_of(ladder=LADDER | {"sizes": 7}, family=FAMILY)
    first = [plan_rung(study, "1", [], trained(study))]
    with pytest.raises(FlopscapeError, match=r"rung 2: at budget 9\.49×10¹⁰ runs of 2 sizes have a loss, 2 of 7, "):
        plan_rung(study, "2", first, lost(study, 5, first))
    rung = plan_rung(study, "2", first, lost(study, 4, first))
    assert [center.n_finished for center in rung.centers] == [7, 3]


def test_repeated_runs_of_two_sizes_are_two_sizes() -> None:
    """Three scouts with three seeds in place of other sizes: a coarse family."""
    study = study_of(ladder=LADDER | {"first_seeds": 2, "sizes": 3}, family=FAMILY)
    first = [plan_rung(study, "1", [], trained(study))]
    with pytest.raises(FlopscapeError, match="runs of 2 sizes have a loss, 4 of 6"):
        plan_rung(study, "2", first, lost(study, 2, first))


def test_each_rung_that_rests_on_a_thinned_budget_is_named_with_how_few_runs_it_has() -> None:
    study = study_of(ladder=LADDER, family=FAMILY)
    few = lost(study, 3)
    rungs = [plan_rung(study, "1", [], few)]
    rungs.append(plan_rung(study, "2", rungs, trained(study, rungs) | few))
    [sentence] = warnings_of(rungs)
    assert sentence.startswith("rungs 1 and 2: at budget 3×10¹⁰ 4 of 7 runs have a loss; the lowest point of the para")
    [(doubt, share)] = placed_by_few(rungs)
    assert doubt == "At budget 3×10¹⁰, which placed rungs 1 and 2, 4 of 7 runs have a loss."
    assert share == pytest.approx(3 / 7)
    assert (warnings_of(climbed(study)), placed_by_few(climbed(study))) == ([], [])


def test_without_a_bend_the_plan_goes_on_and_says_what_it_did_not_see() -> None:
    study = study_of(ladder=LADDER, family=FAMILY)
    flat = {i: replace(one, loss=3.0 - 1e-3 * k + 1e-2 * (k % 2)) for k, (i, one) in enumerate(trained(study).items())}
    rung = plan_rung(study, "1", [], flat)
    assert len(rung.budgets[0].sizes) >= 3
    [sentence] = warnings_of([rung])
    assert "the curvature is not two standard errors above zero: the end of lower loss" in sentence


def test_a_missing_record_and_a_missing_rung_are_named() -> None:
    study = study_of(ladder=LADDER, family=FAMILY)
    records = trained(study)
    first = next(iter(records))
    del records[first]
    with pytest.raises(FlopscapeError, match=f"rung 1: 1 run below it has no record, such as {first}"):
        plan_rung(study, "1", [], records)
    with pytest.raises(FlopscapeError, match="rung 3: rung 1 below it is not planned"):
        plan_rung(study, "3", [], records)
    with pytest.raises(FlopscapeError, match="rung 4: the study has none of that name; its rungs are 1, 2, 3"):
        plan_rung(study, "4", [], records)


def test_a_family_without_sizes_where_they_are_wanted_is_a_sentence() -> None:
    study = study_of(ladder=LADDER, family=FAMILY | {"max_width": 40})
    rungs = [plan_rung(study, "1", [], trained(study))]
    rungs.append(plan_rung(study, "2", rungs, trained(study, rungs)))
    with pytest.raises(FlopscapeError, match=r"rung 3: sweep.family: \d sizes? between .* at least 3 are needed"):
        plan_rung(study, "3", rungs, trained(study, rungs))


def test_a_run_that_the_rows_ask_for_too_is_a_run_of_its_rung() -> None:
    ladder = study_of(ladder=LADDER, family=FAMILY)
    rungs = [plan_rung(ladder, "1", [], trained(ladder))]
    shared = plan_rows(ladder, rungs)[-1]
    both = study_of(ladder=LADDER, family=FAMILY, rows=[{"size": shared.size, "n_tokens": shared.n_tokens}])
    assert [row.run_id for row in plan_rows(both, rungs)] == [row.run_id for row in plan_rows(ladder, rungs)]


def test_a_refinement_adds_sizes_around_each_optimum_that_are_not_there_yet() -> None:
    study = study_of(isoflop=ISOFLOP, refine={"sizes": 2}, family=FAMILY)
    rung = plan_rung(study, "refine", [], trained(study))
    assert [budget.flops for budget in rung.budgets] == [3e10, 1e11, 3e11]
    assert all(center.how == FOUND for center in rung.centers)
    for budget, own, center in zip(rung.budgets, widths(rung), rung.centers, strict=True):
        assert not set(own) & {16, 24, 32, 48, 64}
        counts = {m.size["width"]: m.log_n for m in members(study, 1e7)}
        below, above = (counts[width] - center.log_n for width in own)
        assert -1.0 < below < 0 < above < 1.0
        assert budget.seeds == [0]


def test_a_refinement_goes_beyond_the_end_where_the_optimum_lies_there() -> None:
    """The optimum of 3e13 FLOPs is near width 200, and the sizes end at 64."""
    study = study_of(isoflop=ISOFLOP | {"budgets": [3e11, 3e13]}, refine={"sizes": 2, "seeds": 2}, family=FAMILY)
    rung = plan_rung(study, "refine", [], trained(study))
    around, beyond = widths(rung)
    assert max(around) < 64 + 32
    log_n = {m.size["width"]: m.log_n for m in members(study, 1e7)}
    step = (log_n[64] - log_n[16]) / 4
    assert [log_n[width] for width in beyond] == pytest.approx([log_n[64] + step, log_n[64] + 2 * step], abs=0.07)
    assert rung.budgets[1].seeds == [0, 1]
    assert "lies above the sizes" in rung.centers[1].how


def test_a_refinement_of_a_ladder_leaves_its_scouts_as_they_are() -> None:
    study = study_of(ladder=LADDER, refine={"sizes": 2}, family=FAMILY)
    rungs = climbed(study)
    refined = plan_rung(study, "refine", rungs, trained(study, rungs))
    assert [budget.flops for budget in refined.budgets] == [rung.budgets[0].flops for rung in rungs]
    taken = [{w for part in widths(rung) for w in part} for rung in rungs]
    assert not any(set(own) & has for own, has in zip(widths(refined), taken, strict=True))


def test_a_refinement_passes_over_a_budget_without_a_loss_and_refuses_none_at_all() -> None:
    study = study_of(isoflop=ISOFLOP, refine={"sizes": 2}, family=FAMILY)
    records = trained(study)
    lost = {i: replace(one, status="diverged", loss=None) for i, one in records.items()}
    smallest = {row.run_id: lost[row.run_id] for row in plan_rows(study) if row.budget == 3e10}
    assert [b.flops for b in plan_rung(study, "refine", [], records | smallest).budgets] == [1e11, 3e11]
    with pytest.raises(FlopscapeError, match="rung refine: no run of any budget has a loss"):
        plan_rung(study, "refine", [], lost)


def test_a_family_with_nothing_to_add_is_a_sentence() -> None:
    study = study_of(isoflop=ISOFLOP, refine={"sizes": 2}, family={"sizes": ISOFLOP["sizes"]})
    with pytest.raises(FlopscapeError, match=r"sweep.refine: the family has no size to add at any budget"):
        plan_rung(study, "refine", [], trained(study))


def test_a_refinement_says_where_the_family_ends() -> None:
    """With widths up to 64 nothing lies beyond the sizes, where the optimum of 3e13 FLOPs is."""
    study = study_of(isoflop=ISOFLOP | {"budgets": [3e11, 3e13]}, refine={}, family=FAMILY | {"max_width": 64})
    rung = plan_rung(study, "refine", [], trained(study))
    assert [budget.flops for budget in rung.budgets] == [3e11]
    assert warnings_of([rung])[-1] == "rung refine: at budget 3×10¹³ sweep.family has no size to add"
