"""Where an experiment samples: budgets × sizes, centred on the optimum or deliberately beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.laws.law import Array
from flopscape.laws.surface import Surface, closed_form_optimum, loss


@dataclass(frozen=True)
class Bias:
    """How the grid's centre misses the optimum N*.

    The centre lies at log10 N* − log10(scale) − drift·t, with t rising from 0 at the smallest budget to 1 at the
    largest in log C: `scale` is a constant factor, `drift` one that grows with compute, in decades.
    """

    scale: float = 1.0
    drift: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.scale < np.inf and np.isfinite(self.drift)):
            raise FlopscapeError(f"bias: scale {self.scale!r} must be positive and drift {self.drift!r} finite")


LOG10_3 = float(np.log10(3.0))
BIASES: dict[str, Bias] = {
    "baseline": Bias(),
    "drift 0.2": Bias(drift=0.2),
    "drift 0.4": Bias(drift=0.4),
    "scale 1.5": Bias(scale=1.5),
    "scale 2": Bias(scale=2.0),
    "offset 3×": Bias(scale=3.0),
    "drift to 3×": Bias(drift=LOG10_3),
}


def bias(name: str) -> Bias:
    """One bias by name; FlopscapeError names the known ones."""
    if name not in BIASES:
        raise FlopscapeError(f"bias {name!r}: there are {', '.join(BIASES)}")
    return BIASES[name]


@dataclass(frozen=True)
class Design:
    """B budgets in FLOPs (B,) and n sizes at each, `n_params` (B, n); D = C/(6·N)."""

    flops: Array
    n_params: Array

    @property
    def n_tokens(self) -> Array:
        """D = C/(6·N) of each run, shape (budgets, sizes)."""
        return np.asarray(self.flops[:, None] / (6.0 * self.n_params))

    def losses(self, surface: Surface, sigma: float = 0.0, tables: int = 1, seed: int | Sequence[int] = 0) -> Array:
        """Simulated losses (tables, B, n): the surface plus Gaussian noise of standard deviation σ in nats."""
        if not 0 <= sigma < np.inf:
            raise FlopscapeError(f"noise σ = {sigma!r}: must be zero or positive")
        # Drawn at any σ, so that two noises scale the same numbers and differ in nothing else.
        noise = np.random.default_rng(seed).standard_normal((tables, *self.n_params.shape))
        return np.asarray(loss(surface, self.n_params, self.n_tokens) + sigma * noise)


def isoflop_design(surface: Surface, flops: Sequence[float] | Array, width: float, points: int, bias: Bias) -> Design:
    """Sizes log-spaced over log10 N = centre ± width (decades), ends included, at every budget.

    Raises
    ------
    FlopscapeError
        Fewer than two budgets or one not positive, a width that is not positive, or fewer than three points.
    """
    budgets = np.asarray(flops, float)
    if len(budgets) < 2 or not (budgets > 0).all() or np.ptp(budgets) == 0:
        raise FlopscapeError(f"budgets {list(flops)}: at least two different, positive ones are needed")
    if not 0 < width < np.inf:
        raise FlopscapeError(f"width {width!r}: half the range of log10 N, must be positive")
    if points < 3:
        raise FlopscapeError(f"{points} points a budget: a parabola needs at least 3")
    logs = np.log10(budgets)
    # The t of `Bias`: 0 at the smallest and 1 at the largest budget.
    rise = (logs - logs.min()) / np.ptp(logs)
    center = np.log10(closed_form_optimum(surface, budgets).n_params) - np.log10(bias.scale) - bias.drift * rise
    return Design(budgets, 10.0 ** (center[:, None] + np.linspace(-width, width, points)))
