"""Choosing members of a family by a wished N."""

import math
from itertools import pairwise

import pytest

from flopscape.config.ladder import Family
from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.plan.family import Member, family_of, guess, members, more, spread


def family(*n_params: float) -> list[Member]:
    return [Member({"width": i}, round(n), 6.0 * round(n)) for i, n in enumerate(n_params)]


FINE = family(*(1000 * 1.02**i for i in range(600)))


def ratios(chosen: list[Member], to: float) -> list[float]:
    return [round(member.n_params / to, 2) for member in chosen]


def test_wishes_are_spread_evenly_around_the_center() -> None:
    chosen = spread(FINE, math.log(20_000), math.log(4), 5)
    assert ratios(chosen, 20_000) == pytest.approx([0.25, 0.5, 1, 2, 4], rel=0.02)


def test_a_coarse_family_gives_each_member_once_and_too_few_are_refused() -> None:
    coarse = family(1000, 4000, 16_000, 64_000)
    assert ratios(spread(coarse, math.log(8000), math.log(8), 6), 1000) == [1, 4, 16, 64]
    with pytest.raises(FlopscapeError, match=r"2 sizes between 250 and 4.00 k parameters, and at least 3 are needed"):
        spread(coarse, math.log(1000), math.log(4), 9)


def test_more_sizes_lie_below_and_above_the_center_and_not_beside_others() -> None:
    taken = [math.log(n) for n in (5000, 10_000, 20_000, 40_000, 80_000)]
    chosen = more(FINE, taken, math.log(20_000), 2)
    assert ratios(chosen, 20_000) == pytest.approx([2 ** (-1 / 3), 2 ** (1 / 3)], rel=0.02)
    chosen = more(FINE, taken, math.log(24_000), 3)
    apart = [abs(one.log_n - log_n) for one in chosen for log_n in taken]
    assert min(apart) >= math.log(2) / 3
    assert chosen[0].n_params < 24_000 < chosen[-1].n_params


def test_more_sizes_than_gaps_come_closer_and_stay_within_a_step_of_the_others() -> None:
    taken = [math.log(n) for n in (5000, 10_000, 20_000)]
    chosen = more(FINE, taken, math.log(10_000), 12)
    assert len(chosen) == 12
    assert 2450 < chosen[0].n_params < chosen[-1].n_params < 40_850


@pytest.mark.parametrize(("center", "expected"), [(5000, [0.25, 0.5]), (80_000, [2, 4]), (79_000, [2, 4])])
def test_at_an_end_more_sizes_continue_its_steps(center: float, expected: list[float]) -> None:
    taken = [math.log(n) for n in (5000, 10_000, 20_000, 40_000, 80_000)]
    end = 5000 if center < 10_000 else 80_000
    assert ratios(more(FINE, taken, math.log(center), 2), end) == pytest.approx(expected, rel=0.03)


def test_where_the_family_ends_there_are_fewer() -> None:
    coarse = family(1000, 2000, 4000, 8000)
    taken = [math.log(n) for n in (1000, 2000, 4000)]
    assert ratios(more(coarse, taken, taken[-1], 3), 1000) == [8]
    assert more(coarse, taken, taken[0], 3) == []


def test_the_guess_is_where_compute_pays_for_the_tokens() -> None:
    """C = 6·N·D and D = 20·N: N = √(C/120), within the family and beyond both its ends."""
    for flops in (1e6, 1e10, 1e16):
        assert guess(FINE, flops, 20) == pytest.approx(math.log(math.sqrt(flops / 120)), abs=1e-3)


def study_of(sweep: dict[str, object]) -> Study:
    plain = {"title": "t", "model": {"plugin": "flopscape.plugins.gpt:GPT"}, "sweep": sweep, "fits": ["approach2"]}
    trainer = {"plugin": "flopscape.plugins.surface:Surface"}
    return Study.model_validate(plain | {"trainer": trainer, "recommend": {"flops": [1e13]}})


def test_a_family_is_told_from_sizes_of_one_depth_or_of_one_ratio() -> None:
    budgets = {"budgets": [1e11, 1e12, 1e13]}
    one_depth = [{"width": w, "depth": 2} for w in (16, 40, 64)]
    family = family_of(study_of({"isoflop": budgets | {"sizes": one_depth}}))
    assert (family.width_multiple, family.depth, family.aspect_ratio) == (8, 2, None)
    one_ratio = [{"width": w, "depth": w // 16} for w in (32, 64, 128)]
    family = family_of(study_of({"isoflop": budgets | {"sizes": one_ratio}}))
    assert (family.width_multiple, family.depth, family.aspect_ratio) == (32, None, pytest.approx(16))
    neither = [{"width": 32, "depth": 4}, {"width": 64, "depth": 2}, {"width": 96, "depth": 7}]
    with pytest.raises(FlopscapeError, match=r"sweep.family is missing, and the sizes of the sweep follow no rule"):
        family_of(study_of({"isoflop": budgets | {"sizes": neither}}))


def test_a_wide_family_is_counted_as_far_as_it_is_wanted() -> None:
    study = study_of({"family": {"width_multiple": 2, "depth": 2}, "rows": [{"size": {"width": 8}, "n_tokens": 9999}]})
    found = members(study, 1e8)
    assert found[-2].n_params <= 1e8 < found[-1].n_params
    assert len(found) < 500
    steps = [b.log_n - a.log_n for a, b in pairwise(found[100:])]
    assert max(steps) < 0.09


def test_sizes_may_be_listed_in_any_order_however_many_there_are() -> None:
    sizes = [{"width": 8 * k, "depth": 2} for k in range(100, 0, -1)]
    found = members(study_of({"ladder": {"top": 1e12}, "family": {"sizes": sizes}}), 1e4)
    assert [member.size["width"] for member in found] == [8, 16, 24]


def test_a_family_without_any_width_is_refused() -> None:
    with pytest.raises(ValueError, match="max_width is 100, and the narrowest width is 500: no size is left"):
        Family(width_multiple=4, depth=2, min_width=500, max_width=100)
