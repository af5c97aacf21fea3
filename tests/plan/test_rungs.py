"""Files of rungs, the rungs that are open, and what the scouts are."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.plan.family import members
from flopscape.plan.rows import plan_rows, runs_below
from flopscape.plan.rungs import (
    Line,
    Planned,
    Rung,
    names_of,
    open_rungs,
    options_of,
    read_rung,
    read_rungs,
    scouts,
    with_repeats,
)
from tests.plan.test_family import study_of

LADDER = {"top": 3e12, "budgets": 3, "decades": 1.5}
FAMILY = {"width_multiple": 4, "depth": 2}
CENTER = {"flops": 1e11, "log_n": 10.0, "sd": 0.1, "how": "the lowest point of the parabola"}
SIZES = [{"width": w, "depth": 2} for w in (16, 32, 48)]


def ladder(**changes: object) -> Study:
    return study_of({"ladder": LADDER | changes, "family": FAMILY, "refine": {"sizes": 2}})


def written(study: Study, folder: Path) -> list[Rung]:
    """Every rung of a study, as if the optimum lay on one line."""
    below: list[Rung] = []
    for name in names_of(study):
        line = Line(math.log(1e12), math.log(1e5), 0.5)
        budgets = [Planned(1e12 * (1 + len(below)), SIZES, [0])]
        below.append(Rung(name, budgets, line, (), options_of(study, name, below), "records"))
        below[-1].write(folder / f"{name}.json")
    return below


def test_rungs_are_read_as_they_were_written(tmp_path: Path) -> None:
    rungs = written(ladder(), tmp_path)
    assert [rung.name for rung in rungs] == ["1", "2", "3", "refine"]
    assert read_rungs(ladder(), tmp_path) == rungs
    assert open_rungs(ladder(), rungs) == []


@pytest.mark.parametrize("key", ["budgets", "options", "records", "name", "content", "line", "centers", "told"])
def test_a_rung_edited_by_hand_is_a_sentence_with_the_cure(key: str, tmp_path: Path) -> None:
    written(ladder(), tmp_path)
    path = tmp_path / "2.json"
    data = json.loads(path.read_text())
    others = {"budgets": data["budgets"] * 2, "line": data["line"] | {"slope": 0.4}, "centers": [CENTER]}
    data[key] = others.get(key, "other")
    path.write_text(json.dumps(data))
    with pytest.raises(FlopscapeError, match=r"2.json: not as it was planned; delete it, .* sweep.rows"):
        read_rungs(ladder(), tmp_path)


def test_a_rung_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    written(ladder(), tmp_path)
    (tmp_path / "2.json").write_text((tmp_path / "1.json").read_text())
    with pytest.raises(FlopscapeError, match=r"2\.json: not as it was planned"):
        read_rungs(ladder(), tmp_path)


def test_a_rung_below_with_other_sizes_opens_those_above(tmp_path: Path) -> None:
    [first, *_] = written(ladder(), tmp_path)
    replace(first, budgets=[Planned(1e12, SIZES, [0, 1])]).write(tmp_path / "1.json")
    assert [rung.name for rung in read_rungs(ladder(), tmp_path)] == ["1"]


@pytest.mark.parametrize("changes", [{"training": {"learning_rate": 0.5}}, {"recipe": 2}])
def test_runs_that_are_trained_otherwise_ask_for_other_rungs(changes: dict[str, object]) -> None:
    study = ladder()
    other = Study.model_validate(study.model_dump(by_alias=True, exclude={"training"}) | changes)
    assert options_of(other, "1", []) != options_of(study, "1", [])


def test_a_rung_file_of_an_earlier_version_counts_as_planned_and_tells_of_no_missing_run(tmp_path: Path) -> None:
    [first, *_] = written(ladder(), tmp_path)
    path = tmp_path / "1.json"
    data = json.loads(path.read_text())
    del data["told"]
    path.write_text(json.dumps(data | {"centers": [CENTER]}))
    rung = read_rung(path)
    assert (rung.content, rung.centers[0].is_thinned) == (first.content, False)


def test_a_rung_for_other_options_is_open_and_so_are_those_above(tmp_path: Path) -> None:
    rungs = written(ladder(), tmp_path)
    assert read_rungs(ladder(half_span_dex=0.5), tmp_path) == []
    (tmp_path / "2.json").unlink()
    assert read_rungs(ladder(), tmp_path) == rungs[:1]


def test_open_rungs_have_the_sizes_that_the_last_line_expects() -> None:
    study = ladder()
    rungs = [Rung("1", [Planned(1e11, SIZES, [0])], Line(math.log(1e11), math.log(3e4), 0.6))]
    second, third, refine = open_rungs(study, rungs)
    assert second.is_expected
    assert third.budgets[0].flops == 3e12
    log_n = {m.size["width"]: m.log_n for m in members(study, 1e7)}
    middle = [sum(log_n[s["width"]] for s in r.budgets[0].sizes) / len(r.budgets[0].sizes) for r in (second, third)]
    assert middle[1] == pytest.approx(math.log(3e4 * 30**0.6), abs=0.1)
    assert middle[1] - middle[0] == pytest.approx(0.6 * 0.75 * math.log(10), abs=0.15)
    assert [budget.flops for budget in refine.budgets] == [1e11, second.budgets[0].flops, 3e12]


def test_an_open_refinement_is_expected_around_the_middle_of_the_sizes() -> None:
    isoflop = {"budgets": [1e11, 1e12], "sizes": SIZES}
    [refine] = open_rungs(study_of({"isoflop": isoflop, "refine": {"sizes": 2, "seeds": 3}, "family": FAMILY}), [])
    assert refine.name == "refine"
    widths = [[size["width"] for size in budget.sizes] for budget in refine.budgets]
    assert widths[0] == widths[1]
    assert 16 < widths[0][0] < 32 < widths[0][1] < 48
    assert [budget.seeds for budget in refine.budgets] == [[0, 1, 2], [0, 1, 2]]


def test_as_many_runs_as_were_wished_with_seeds_for_missing_sizes() -> None:
    sizes = [{"width": w} for w in (8, 12, 16, 20, 24, 28)]
    planned = with_repeats(1e9, sizes, 9, 1)
    assert planned == [Planned(1e9, sizes, [0]), Planned(1e9, sizes[1::2], [1])]
    assert with_repeats(1e9, sizes, 6, 2) == [Planned(1e9, sizes, [0, 1])]


def test_scouts_stand_half_a_decade_below_the_smallest_budget_and_are_no_part_of_the_fit() -> None:
    study = study_of({"ladder": {"top": 3e12}, "family": FAMILY})
    first = scouts(study)
    assert first is not None
    assert {round(budget.flops) for budget in first.budgets} == {1_687_023_976}  # 3e12 · 10^−(2.75 + 0.5)
    rows = plan_rows(study)
    assert len(rows) == 7
    assert {row.role for row in rows} == {"scout"}


def test_scouts_at_the_smallest_budget_or_above_are_refused() -> None:
    with pytest.raises(ValueError, match="below_top = 20 puts the scouts at the smallest budget or above"):
        ladder(scouts={"below_top": 20})


def test_the_runs_below_a_rung_are_the_scouts_and_the_rungs_and_no_others() -> None:
    rows = [{"size": {"width": 96, "depth": 2}, "n_tokens": 100_000}]
    isoflop = {"budgets": [1e10], "sizes": SIZES}
    study = study_of({"ladder": LADDER, "family": FAMILY, "refine": {}, "rows": rows, "isoflop": isoflop})
    rung = Rung("1", [Planned(1e11, SIZES, [0])])
    assert sorted({row.budget or 0 for row in runs_below(study, "2", [rung])}) == pytest.approx([3e10, 1e11])
    assert {row.budget for row in runs_below(study, "refine", [rung])} == {1e10, 1e11}
