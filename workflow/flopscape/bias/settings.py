"""Settings of the bias experiments, published values as defaults; config/bias.yaml changes them.

The JSON Schema in workflow/schemas/ is generated from these models. Each has a fast variant for tests, which its
outputs name.
"""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from flopscape.config import Model, Positive

Budgets = Annotated[list[Positive], Field(min_length=2)]
Points = Annotated[int, Field(ge=3)]
FIVE_DECADES = [1e17, 1e18, 1e19, 1e20, 1e21]
TWENTY_WIDTHS = [0.3 + 1.7 * i / 19 for i in range(20)]


class Experiment(Model):
    """Settings of one experiment."""

    fast: ClassVar[dict[str, Any]] = {}


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


class BiasSettings(Model):
    """config/bias.yaml."""

    exp01: Exp01 = Exp01()
    """How wide is the grid?"""
    exp06: Exp06 = Exp06()
    """The bias in closed form."""


EXPERIMENTS = tuple(BiasSettings.model_fields)
"""Names of all experiments, in their order."""
