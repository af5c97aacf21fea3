"""What a comparison finds: one plain record for each pair of recipes, made of JSON values.

An end of an interval that is None is open, and an estimate that is None is of something that never happens: no compute
is enough. All intervals have the comparison's level, simultaneous over its pairs.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter

Verdict = Literal["better", "worse", "undecided"]
"""Of B beside A, by an interval of the multiplier that does not hold one."""
Place = Literal["below", "inside", "beyond"]
"""Of a compute beside those that both recipes have runs of."""
FARTHEST = math.log(1e6)
"""Largest |ln m| that is told: beyond a factor of a million it is called never."""


@dataclass(frozen=True)
class Range:
    """An estimate with its interval."""

    estimate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class AtCompute:
    """Both recipes at one compute of B, in FLOPs.

    `multiplier` is the compute that A needs for B's loss over that of B; `shared_floor` and `separate` are the same by
    the narrower and by the wider fit. Losses are the lowest at that compute and `difference` is A's less B's, all in
    the table's unit; `probability` is that of B having the lower loss there.
    """

    flops: float
    place: Place
    multiplier: Range
    shared_floor: Range
    separate: Range
    loss_a: Range
    loss_b: Range
    difference: Range
    probability: float
    verdict: Verdict


@dataclass(frozen=True)
class Crossing:
    """A compute at which the lowest losses are equal, in FLOPs, and whether the better recipe beyond it is B."""

    flops: Range
    place: Place
    to_b: bool


@dataclass(frozen=True)
class Part:
    """What one cause does to the multiplier, as a factor; the parts' product is the multiplier."""

    cause: Literal["parameters", "data", "floor", "cost"]
    factor: Range


@dataclass(frozen=True)
class SingleBudget:
    """What one budget alone says: A's lowest loss less B's, how it was measured, and the verdict.

    `loss_a` and `loss_b` are the lowest points of the parabolas; paired runs have none.
    """

    budget: float
    difference: Range
    measured: Literal["parabolas", "paired runs"]
    verdict: Verdict
    loss_a: Range | None = None
    loss_b: Range | None = None


@dataclass(frozen=True)
class RestsOn:
    """What stands behind the numbers of a pair.

    `sigma_a` and `sigma_b` are standard deviations of the residuals in the losses' unit with together `dof` degrees of
    freedom; `seed_sigma_a` and `seed_sigma_b` those between runs of one N and D, None where there are none; `rho` is
    the correlation of the residuals of the `pairs` runs that share their data's order, which is of what chance did to
    both and of what the surface misses of both. `rho_seeds` is the same of seeds about the mean of their size and
    compute, which is of chance alone, and `rho_cells` that of these means; None where too few runs tell.
    """

    runs_a: int
    runs_b: int
    dof: int
    sigma_a: float
    sigma_b: float
    seed_sigma_a: float | None
    seed_sigma_b: float | None
    pairs: int
    rho: float
    rho_seeds: Range | None
    rho_cells: Range | None
    kappa_a: tuple[float, float]
    kappa_b: tuple[float, float]
    unit_a: str
    unit_b: str
    loss_unit: str
    conventions: dict[str, str]


@dataclass(frozen=True)
class Pair:
    """B beside A.

    `points` are the asked and the usual computes, in their order; `curve` the same along a fine grid, to be drawn.
    `bottom` and `top` are the ends of the compute that both have runs of. `growth` is the factor by which the
    multiplier changes where compute grows tenfold within these; `nu` the exponent of that growth in the data term
    alone, and `delta_floor` B's floor less A's.
    """

    a: str
    b: str
    bottom: float
    top: float
    target: AtCompute
    points: list[AtCompute]
    curve: list[AtCompute]
    growth: Range | None
    nu: Range
    delta_floor: Range
    parts: list[Part]
    crossings: list[Crossing]
    searched: tuple[float, float]
    single_budgets: list[SingleBudget]
    rests_on: RestsOn
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """All pairs of the recipes, those named first being the baselines.

    `level` is that of all intervals of one kind together: each of k pairs has 1 − (1 − level)/k (Bonferroni).
    """

    recipes: list[str]
    target: float
    level: float
    pairs: list[Pair]
    simulated: bool

    def to_json(self) -> dict[str, Any]:
        """Nested mappings and lists of JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> "Comparison":
        """Rebuild from `to_json`; raises ValueError where a field is missing or of another type."""
        return TypeAdapter(cls).validate_python(data)
