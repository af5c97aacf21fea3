"""Settings of the bias experiments, published values as defaults; config/bias.yaml changes them.

The JSON Schema in workflow/schemas/ is generated from these models. Each has a fast variant for tests, which its
outputs name.
"""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from flopscape.config import Model, NotNegative, Positive, PositiveInt, Seed

Budgets = Annotated[list[Positive], Field(min_length=2)]
Points = Annotated[int, Field(ge=3)]
FIVE_DECADES = [1e17, 1e18, 1e19, 1e20, 1e21]
TWENTY_WIDTHS = [0.3 + 1.7 * i / 19 for i in range(20)]


class Experiment(Model):
    """Settings of one experiment."""

    fast: ClassVar[dict[str, Any]] = {}
    reads_published: ClassVar[bool] = False
    """Whether a part of it needs published tables, and so the mirror."""


class Exp00(Experiment):
    """Reproductions of published fits."""

    tables: list[str] = ["chinchilla", "llama_3_exp", "llama_3_raw", "ml_scalefit", "epochai"]
    """Names of published tables."""
    bootstrap: Annotated[int, Field(ge=100)] = 100
    """Resamples behind the verdicts; only the estimates are compared."""
    fast: ClassVar[dict[str, Any]] = {"tables": ["llama_3_raw"]}


class Exp01(Experiment):
    """Sampling range."""

    surface: str = "balanced"
    """Name of a surface."""
    bias: str = "drift 0.2"
    """Name of a bias of the grid."""
    budgets: Budgets = FIVE_DECADES
    """Compute budgets in FLOPs."""
    widths: list[Positive] = TWENTY_WIDTHS
    """Half-widths of the grid, in decades of N."""
    points: Points = 15
    """Sizes at each budget."""
    fast: ClassVar[dict[str, Any]] = {"widths": [0.3, 2.0]}


class Exp05(Experiment):
    """Parameter recovery without noise."""

    surfaces: list[str] = ["symmetric", "chinchilla", "asymmetric"]
    """Names of surfaces."""
    biases: list[str] = ["baseline", "drift 0.2", "drift 0.4", "scale 1.5", "scale 2"]
    """Names of biases of the grid."""
    budgets: Budgets = FIVE_DECADES
    """Compute budgets in FLOPs."""
    factor: Annotated[Positive, Field(gt=1)] = 8
    """Half-width of the grid, as a factor of N."""
    points: Points = 15
    """Sizes at each budget."""
    fast: ClassVar[dict[str, Any]] = {"biases": ["drift 0.2"]}


class Exp06(Experiment):
    """Closed form of the parabola's bias."""

    surfaces: list[str] = ["symmetric", "chinchilla", "asymmetric"]
    """Names of surfaces."""
    biases: list[str] = ["baseline", "drift 0.2", "drift 0.4", "scale 1.5", "scale 2"]
    """Names of biases of the grid."""
    budgets: Budgets = FIVE_DECADES
    """Compute budgets in FLOPs."""
    factors: list[Annotated[Positive, Field(gt=1)]] = [2, 4, 8, 16]
    """Half-widths of the grid, as factors of N."""
    points: Points = 15
    """Sizes at each budget."""
    fast: ClassVar[dict[str, Any]] = {"factors": [2, 16]}


class Exp07(Experiment):
    """Exponents under noise."""

    surface: str = "asymmetric"
    """Name of a surface."""
    bias: str = "drift to 3×"
    """Name of a bias of the grid."""
    factor: Annotated[Positive, Field(gt=1)] = 8
    """Half-width of the grid, as a factor of N."""
    budgets: list[Annotated[int, Field(ge=2)]] = [2, 3, 4]
    """Numbers of budgets."""
    smallest: Positive = 1e17
    """Smallest budget, in FLOPs."""
    largest: Positive = 1e21
    """Largest budget, in FLOPs."""
    points: list[Points] = [4, 8, 16, 32]
    """Sizes at each budget."""
    sigmas: list[NotNegative] = [0.05, 0.1, 0.2]
    """Standard deviation of the loss, in nats."""
    tables: PositiveInt = 256
    """Simulated tables of each design and noise."""
    methods: list[str] = ["approach2", "vpnls", "approach3-huber", "approach3-log_lsq"]
    """Methods; approach3-lad may be added. approach1 needs training curves, which are not simulated."""
    random_starts: PositiveInt = 8
    """Tables of each design and noise that the random start is shown on: it is slow, and no fit."""
    seed: Seed = 0
    """Seed of the noise."""
    fast: ClassVar[dict[str, Any]] = {"points": [8], "sigmas": [0.05], "tables": 64, "random_starts": 16}


class Exp09(Experiment):
    """Data efficiency."""

    surface: str = "symmetric"
    """Name of a surface."""
    sigmas: list[NotNegative] = [0.01, 0.02, 0.05]
    """Standard deviation of the loss, in nats."""
    points: list[Points] = [21, 31, 41]
    """Sizes at each budget."""
    budgets: list[Annotated[int, Field(ge=2)]] = [3, 5, 7]
    """Numbers of budgets."""
    smallest: Positive = 1e17
    """Smallest budget, in FLOPs."""
    largest: Positive = 1e21
    """Largest budget, in FLOPs."""
    factors: list[Annotated[Positive, Field(gt=1)]] = [2, 4, 8]
    """Half-widths of the grid, as factors of N."""
    trials: PositiveInt = 10
    """Simulated tables of each design."""
    seed: Seed = 0
    """Seed of the noise."""
    fast: ClassVar[dict[str, Any]] = {"points": [21], "trials": 4}


class BiasSettings(Model):
    """config/bias.yaml."""

    exp00: Exp00 = Exp00()
    """Are published fits reproduced?"""
    exp01: Exp01 = Exp01()
    """How wide is the grid?"""
    exp05: Exp05 = Exp05()
    """Does the minimiser find exact parameters?"""
    exp06: Exp06 = Exp06()
    """The bias in closed form."""
    exp07: Exp07 = Exp07()
    """Which method finds the exponents under noise?"""
    exp09: Exp09 = Exp09()
    """What does Approach 2 waste?"""


EXPERIMENTS = tuple(BiasSettings.model_fields)
"""Names of all experiments, in their order."""
