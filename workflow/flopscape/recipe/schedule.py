"""When what happens in a run: learning rates and points of the curve. Pure, no torch.

Steps are counted from 1 to `n_steps`. The plan asks here too (plan/branches.py): which runs share their first steps
follows from the schedule alone.
"""

import math
from typing import Literal

Schedule = Literal["wsd", "cosine", "constant"]
COSINE_FLOOR = 0.1
"""Share of the peak rate at which a cosine ends: decay "by a factor of 10" (Hoffmann et al. 2022, section 3.1)."""


def learning_rate_factor(
    step: int, n_steps: int, warmup: float, decay_fraction: float, schedule: Schedule = "wsd"
) -> float:
    """Share of the peak rate at a step: always above 0, and at most 1.

    With step t of T and a warm-up of w steps, all schedules rise as t/w until they meet what follows:

    - `wsd`: 1, then over the last share f of the steps linearly (T − t + 1) / (fT + 1), so that the first step of the
      decay is already below the peak and the last one still above zero (Hägele et al. 2024, arXiv 2405.18392,
      section 3, with its linear cool-down);
    - `cosine`: c + (1 − c)·(1 + cos πp)/2 with p = (t − w)/(T − w) and c = 0.1, half a period from the peak to a tenth
      of it, reached in the last step (Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5, without restarts; the
      tenth and the length of the whole run are those of Hoffmann et al. 2022, arXiv 2203.15556, section 3.1);
    - `constant`: 1.

    Parameters
    ----------
    step, n_steps : int
        The step, from 1 up, and their number.
    warmup : float
        Steps of the warm-up, not rounded; 0 for none.
    decay_fraction : float
        Of `wsd`: share of the steps spent on the decay.
    schedule : {"wsd", "cosine", "constant"}
        Which of the three.

    Examples
    --------
    Ten steps, of which the first two warm up and the last two decay:

    >>> [round(learning_rate_factor(step, 10, 2, 0.2), 2) for step in (1, 2, 5, 9, 10)]
    [0.5, 1.0, 1.0, 0.67, 0.33]
    """
    rise = step / warmup if warmup > 0 else 1.0
    if schedule == "constant":
        return min(1.0, rise)
    if schedule == "cosine":
        # max(1, …): a warm-up as long as the run leaves no step for the cosine, and nothing to divide by.
        return min(rise, _cosine(max(0.0, step - warmup) / max(1.0, n_steps - warmup)))
    # The smallest of the three lines is the schedule; where warm-up and decay overlap it never jumps.
    return min(1.0, rise, (n_steps - step + 1) / (decay_fraction * n_steps + 1))


def _cosine(progress: float) -> float:
    return COSINE_FLOOR + (1 - COSINE_FLOOR) * (1 + math.cos(math.pi * progress)) / 2


def branching_step(n_steps: int, decay_fraction: float) -> int:
    """The last step before a run's decay: up to here a longer run with the same warm-up has the very same rates.

    >>> branching_step(100, decay_fraction=0.2)
    80
    """
    # The decay's line (T − t + 1)/(fT + 1) is below 1 for t > T − fT: the last whole step that is not is T − ⌈fT⌉.
    return n_steps - math.ceil(decay_fraction * n_steps)


def curve_steps(n_steps: int, n_points: int) -> list[int]:
    """At most `n_points` evenly spaced steps, the last one `n_steps`.

    >>> curve_steps(100, 4)
    [25, 50, 75, 100]
    """
    # No step twice: with at most as many points as steps, T·p/n grows by one or more from point to point.
    n_points = min(n_points, n_steps)
    return [round(n_steps * point / n_points) for point in range(1, n_points + 1)]


def heldout_steps(steps: list[int], n_points: int) -> set[int]:
    """The curve's steps that get a held-out loss: evenly spaced in log step over the last two decades.

    Losses fall as powers of the step, so that even spacing in its logarithm shows most for the price of a score. Each
    wanted step is moved up to the next one of the curve; the last is left out, for it has the run's own final loss.

    >>> sorted(heldout_steps(curve_steps(1000, 100), 4))
    [40, 100, 320]
    """
    n_steps = steps[-1]
    # T·100^(p/n − 1) for p = 1 … n − 1: from a little above T/100 to a little below T, each the same factor apart.
    targets = (n_steps * 100 ** ((point - n_points) / n_points) for point in range(1, n_points))
    return {min(step for step in steps if step >= math.floor(target)) for target in targets} - {n_steps}
