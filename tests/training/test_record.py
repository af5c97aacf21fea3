"""What a record says of a run's end and its rates, against numbers worked out by hand."""

import pytest

from flopscape.machine.measured import Options
from flopscape.training.heldout import Score
from flopscape.training.outcome import Outcome
from flopscape.training.record import judge, timings


@pytest.mark.parametrize(
    ("final", "reason"),
    [
        (1.9999, ""),
        (2.0, ""),
        (2.0001, "the final held-out loss 2.0001 is above the untrained model's 2.0000"),
        (3.9, "the final held-out loss 3.9000 is above the untrained model's 2.0000"),
        (float("nan"), "the final held-out loss is not finite"),
        (float("inf"), "the final held-out loss is not finite"),
    ],
)
def test_a_run_that_ends_above_the_untrained_model_has_diverged(final, reason):
    outcome = Outcome(untrained_loss=2.0)
    judge(outcome, Score(final, 0.1, 100))
    assert outcome.diverged == reason


def test_rates_are_of_the_run_s_own_part_and_the_peak_of_all_processes():
    """A branch that trained 600 of its 1000 units in 4 of 9 seconds, with 10 FLOPs a unit on 2 × 1500 FLOP/s."""
    outcome = Outcome(n_units=1000, n_units_inherited=400, seconds_training=4.0, seconds_evaluation=1.0)
    assert timings(outcome, 9.0, 10.0, Options(processes=2, peak_flops=1500.0)) == {
        "seconds_total": 9.0, "seconds_training": 4.0, "seconds_evaluation": 1.0,
        "units_per_second": 150.0, "flops_per_second": 1500.0, "mfu": 0.5,
    }  # fmt: skip
