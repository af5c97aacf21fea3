"""When what happens in a run: learning rates and points of the curve. Pure, no torch."""

import math
from typing import Literal

Schedule = Literal["wsd", "cosine", "constant"]
COSINE_FLOOR = 0.1
"""Share of the peak rate at which a cosine ends: decay "by a factor of 10" (Hoffmann et al. 2022, section 3.1)."""


def learning_rate_factor(
    step: int, n_steps: int, warmup: float, decay_fraction: float, schedule: Schedule = "wsd"
) -> float:
    """Share of the peak rate at a step, 1 … n_steps, always above 0: linear warm-up over `warmup` steps, then as said.

    `wsd`: constant, then linear decay that ends near zero (Hägele et al. 2024, arXiv 2405.18392, section 3, with its
    linear cool-down). `cosine`: half a period from the peak to a tenth of it, reached in the last step (Loshchilov and
    Hutter 2017, arXiv 1608.03983, equation 5, without restarts; the tenth and the length of the whole run are those of
    Hoffmann et al. 2022, arXiv 2203.15556, section 3.1). `constant`: no decay.
    """
    rise = step / warmup if warmup > 0 else 1.0
    if schedule == "constant":
        return min(1.0, rise)
    if schedule == "cosine":
        return min(rise, _cosine(max(0.0, step - warmup) / max(1.0, n_steps - warmup)))
    return min(1.0, rise, (n_steps - step + 1) / (decay_fraction * n_steps + 1))


def _cosine(progress: float) -> float:
    return COSINE_FLOOR + (1 - COSINE_FLOOR) * (1 + math.cos(math.pi * progress)) / 2


def branching_step(n_steps: int, decay_fraction: float) -> int:
    """The last step before a run's decay: up to here a longer run with the same warm-up has the very same rates."""
    return n_steps - math.ceil(decay_fraction * n_steps)


def curve_steps(n_steps: int, n_points: int) -> list[int]:
    """At most `n_points` evenly spaced steps, the last one `n_steps`."""
    n_points = min(n_points, n_steps)
    return [round(n_steps * point / n_points) for point in range(1, n_points + 1)]


def heldout_steps(steps: list[int], n_points: int) -> set[int]:
    """The curve's steps that get a held-out loss: evenly spaced in log step over the last two decades.

    The last step is left out: it has the run's own final loss.
    """
    n_steps = steps[-1]
    wanted = (n_steps * 100 ** ((point - n_points) / n_points) for point in range(1, n_points))
    return {min(step for step in steps if step >= math.floor(target)) for target in wanted} - {n_steps}
