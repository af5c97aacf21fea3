"""When what happens in a run: learning rates and points of the curve. Pure, no torch."""

import math


def learning_rate_factor(step: int, n_steps: int, warmup: float, decay_fraction: float) -> float:
    """Share of the peak rate at a step, 1 … n_steps: linear warm-up over `warmup` steps, constant, linear decay.

    The schedule of Hägele et al. 2024 (arXiv 2405.18392, section 3) with a linear cool-down. The first step has a
    share above 0 and so has the last.
    """
    decay = decay_fraction * n_steps
    left = n_steps - step + 1
    return min(1.0, step / warmup if warmup > 0 else 1.0, left / (decay + 1))


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
