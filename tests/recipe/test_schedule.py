"""Learning rates and points of the curve."""

import pytest

from flopscape.recipe.schedule import branching_step, curve_steps, heldout_steps, learning_rate_factor


def test_the_rate_warms_up_stays_and_decays():
    rates = [learning_rate_factor(step, 100, 10, 0.2) for step in range(1, 101)]
    assert rates[:10] == pytest.approx([step / 10 for step in range(1, 11)])
    assert set(rates[10:80]) == {1.0}
    assert rates[80:] == pytest.approx([(100 - step) / 21 for step in range(80, 100)])


def test_a_cosine_falls_from_the_peak_to_a_tenth_of_it_in_the_last_step():
    rates = [learning_rate_factor(step, 110, 10, 0.2, "cosine") for step in range(1, 111)]
    assert rates[:10] == pytest.approx([step / 10 for step in range(1, 11)])
    assert [rates[step - 1] for step in (10, 60, 110)] == pytest.approx([1, 0.55, 0.1])
    # A quarter of the way down half a period: cos(π/4) = √½.
    assert rates[34] == pytest.approx(0.55 + 0.45 * 0.5**0.5)


def test_a_constant_rate_warms_up_and_stays():
    rates = [learning_rate_factor(step, 100, 10, 0.2, "constant") for step in range(1, 101)]
    assert rates[4] == 0.5
    assert set(rates[9:]) == {1.0}


@pytest.mark.parametrize("schedule", ["wsd", "cosine", "constant"])
@pytest.mark.parametrize("fractions", [(0, 0), (0.5, 0.5), (1, 0), (0, 1)])
@pytest.mark.parametrize("n_steps", [1, 2, 7])
def test_every_rate_is_above_zero_and_at_most_the_peak(schedule, fractions, n_steps):
    warmup, decay = fractions
    rates = [learning_rate_factor(step, n_steps, warmup * n_steps, decay, schedule) for step in range(1, n_steps + 1)]
    assert all(0 < rate <= 1 for rate in rates)


@pytest.mark.parametrize("decay_fraction", [0, 0.1, 0.2, 0.3, 0.5, 0.999])
@pytest.mark.parametrize("n_steps", [10, 15, 30, 97, 1000])
def test_up_to_the_branching_step_a_longer_run_has_the_same_rates_and_beyond_it_not(n_steps, decay_fraction):
    last = branching_step(n_steps, decay_fraction)
    ours, longer = (
        [learning_rate_factor(step, n, 7.5, decay_fraction) for step in range(1, last + 3)] for n in (n_steps, 10**6)
    )
    assert ours[:last] == longer[:last]
    assert decay_fraction == 0 or ours[last + 1] < 1


@pytest.mark.parametrize(("n_steps", "n_points"), [(1, 128), (5, 128), (128, 128), (1000, 128), (1000, 1)])
def test_the_curve_has_distinct_rising_steps_and_ends_at_the_last(n_steps, n_points):
    steps = curve_steps(n_steps, n_points)
    assert steps == sorted(set(steps))
    assert len(steps) == min(n_steps, n_points)
    assert steps[-1] == n_steps


@pytest.mark.parametrize("n_steps", [1, 9, 1000, 10**6])
def test_held_out_points_are_points_of_the_curve_but_the_last(n_steps):
    steps = curve_steps(n_steps, 128)
    points = heldout_steps(steps, 8)
    assert points <= set(steps[:-1])
    assert n_steps < 1000 or len(points) == 7
    assert heldout_steps(steps, 0) == set()
