"""Settings of the bias experiments, published values as defaults; config/bias.yaml changes them.

The JSON Schema in workflow/schemas/ is generated from these models. Each has a fast variant for tests, which its
outputs name.
"""

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from flopscape.config.model import Distinct, Model, NotNegative, Positive, PositiveInt, Seed
from flopscape.text.written import Integer, Number

Budgets = Annotated[list[Positive], Field(min_length=2)]
Points = Annotated[Integer, Field(ge=3)]
Factor = Annotated[Positive, Field(gt=1, le=1e10)]


Words = Annotated[list[str], Field(min_length=1), Distinct]
Widths = Annotated[list[Annotated[Positive, Field(le=10)]], Field(min_length=1), Distinct]
Factors = Annotated[list[Factor], Field(min_length=1), Distinct]
FIVE_DECADES = [1e17, 1e18, 1e19, 1e20, 1e21]
TWENTY_WIDTHS = [0.3 + 1.7 * i / 19 for i in range(20)]
FOUR_FACTORS = [2.0, 4.0, 8.0, 16.0]
THREE_SURFACES = ["symmetric", "chinchilla", "asymmetric"]
FIVE_BIASES = ["baseline", "drift 0.2", "drift 0.4", "scale 1.5", "scale 2"]


class Experiment(Model):
    """Settings of one experiment."""

    fast: ClassVar[dict[str, Any]] = {}
    reads_published: ClassVar[bool] = False
    """Whether a part of it needs published tables, and so the mirror."""


class Exp00(Experiment):
    """Reproductions of published fits."""

    tables: Words = ["chinchilla", "llama_3_exp", "llama_3_raw", "ml_scalefit", "epochai"]
    """Names of published tables."""
    bootstrap: Annotated[Integer, Field(ge=100)] = 100
    """Resamples behind the verdicts; only the estimates are compared."""
    fast: ClassVar[dict[str, Any]] = {"tables": ["llama_3_raw"]}
    reads_published: ClassVar[bool] = True


class NoiseFree(Experiment):
    """What the experiments without noise share."""

    budgets: Budgets = FIVE_DECADES
    """Compute budgets in FLOPs."""
    points: Points = 15
    """Sizes at each budget."""


class AcrossWidths(NoiseFree):
    """What the experiments share that compare grids of different width and place on several surfaces."""

    surfaces: Words = THREE_SURFACES
    """Names of surfaces."""
    biases: Words = FIVE_BIASES
    """Names of biases of the grid."""
    widths: Widths = TWENTY_WIDTHS
    """Half-widths of the grid, in decades of N."""
    fast: ClassVar[dict[str, Any]] = {"widths": [0.3, 2.0]}


class AcrossFactors(NoiseFree):
    """What the experiments share that compare grids of a few widths, each a factor of N."""

    surfaces: Words = THREE_SURFACES
    """Names of surfaces."""
    biases: Words = [*FIVE_BIASES, "offset 3×", "drift to 3×"]
    """Names of biases of the grid."""
    factors: Factors = FOUR_FACTORS
    """Half-widths of the grid, as factors of N."""
    fast: ClassVar[dict[str, Any]] = {"factors": [2, 16]}


class Exp01(NoiseFree):
    """Sampling range."""

    surface: str = "balanced"
    """Name of a surface."""
    bias: str = "drift 0.2"
    """Name of a bias of the grid."""
    widths: Widths = TWENTY_WIDTHS
    """Half-widths of the grid, in decades of N."""
    fast: ClassVar[dict[str, Any]] = {"widths": [0.3, 2.0]}


class Exp02(NoiseFree):
    """Exponent imbalance."""

    surfaces: Words = ["balanced", "chinchilla", "ratio 1.5", "ratio 2", "asymmetric", "ratio 9"]
    """Names of surfaces."""
    bias: str = "drift 0.2"
    """Name of a bias of the grid."""
    widths: Widths = TWENTY_WIDTHS
    """Half-widths of the grid, in decades of N."""
    fast: ClassVar[dict[str, Any]] = {"widths": [0.3, 2.0]}


class Exp03(AcrossWidths):
    """Drift."""


class Exp04(AcrossWidths):
    """Extrapolation."""

    predict: Annotated[list[Positive], Field(min_length=1)] = [10.0 ** (22 + i / 5) for i in range(16)]
    """Compute to predict D* for, in FLOPs."""
    fast: ClassVar[dict[str, Any]] = {"widths": [0.3, 2.0], "predict": [1e22, 1e25]}


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


class Exp06(AcrossFactors):
    """Closed form of the parabola's bias."""


class Exp07(Experiment):
    """Exponents under noise."""

    surface: str = "asymmetric"
    """Name of a surface."""
    bias: str = "drift to 3×"
    """Name of a bias of the grid."""
    factor: Annotated[Positive, Field(gt=1)] = 8
    """Half-width of the grid, as a factor of N."""
    budgets: list[Annotated[Integer, Field(ge=2)]] = [2, 3, 4]
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


class Exp08(NoiseFree):
    """Conditioning."""

    surface: str = "asymmetric"
    """Name of a surface."""
    bias: str = "drift 0.2"
    """Name of a bias of the grid."""
    factor: Factor = 8
    """Half-width of the grid, as a factor of N."""


class Exp09(Experiment):
    """Data efficiency."""

    surface: str = "symmetric"
    """Name of a surface."""
    sigmas: list[NotNegative] = [0.01, 0.02, 0.05]
    """Standard deviation of the loss, in nats."""
    points: list[Points] = [21, 31, 41]
    """Sizes at each budget."""
    budgets: list[Annotated[Integer, Field(ge=2)]] = [3, 5, 7]
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


class Exp10(AcrossFactors):
    """Compounding."""

    biases: Words = ["baseline", "offset 3×", "drift to 3×"]
    """Names of biases of the grid."""
    predict: Positive = 1e24
    """Compute to predict D* for, in FLOPs."""


class Exp11(NoiseFree):
    """Cost."""

    surfaces: Words = ["llama3", "chinchilla", "soda", "sparse_nmm"]
    """Names of surfaces."""
    bias: str = "drift to 3×"
    """Name of a bias of the grid."""
    budgets: Budgets = [1e18, 1e19, 1e20, 1e21, 1e22]
    """Compute budgets in FLOPs."""
    factor: Factor = 2
    """Half-width of the grid, as a factor of N."""
    predict: Positive = 3.8e25
    """Compute to split, in FLOPs."""
    flops_per_second: Positive = 989e12
    """Peak of one H100 in bfloat16, dense; the original study counts with the sparse 1979e12."""
    mfu: Annotated[Positive, Field(le=1)] = 0.5
    """Model FLOPs utilisation: the part of the peak that training reaches."""
    usd_per_gpu_hour: Positive = 2.0
    """US dollars for one GPU for an hour."""
    resamples: Annotated[Integer, Field(ge=100)] = 1000
    """Resamples of the published table, each fitted by both methods."""
    seed: Seed = 0
    """Seed of the resampling."""
    fast: ClassVar[dict[str, Any]] = {"resamples": 100}
    reads_published: ClassVar[bool] = True


class Exp12(Experiment):
    """Residuals of published tables."""

    tables: Words = ["chinchilla", "llama_3_raw", "ml_scalefit", "epochai"]
    """Names of published tables."""
    methods: Words = ["vpnls", "approach3-log_lsq", "approach3-huber"]
    """Fits of the surface."""
    bootstrap: Annotated[Integer, Field(ge=100)] = 100
    """Resamples behind the verdicts; only the residuals are looked at."""
    level: Annotated[Number, Field(gt=0, lt=1)] = 0.01
    """p-value below which a pattern in the residuals puts the form in doubt."""
    fast: ClassVar[dict[str, Any]] = {"tables": ["llama_3_raw"]}
    reads_published: ClassVar[bool] = True


class BiasSettings(Model):
    """config/bias.yaml."""

    exp00: Exp00 = Exp00()
    """Are published fits reproduced?"""
    exp01: Exp01 = Exp01()
    """How wide is the grid?"""
    exp02: Exp02 = Exp02()
    """How unequal are the exponents?"""
    exp03: Exp03 = Exp03()
    """Where is the grid's centre?"""
    exp04: Exp04 = Exp04()
    """How far is the extrapolation?"""
    exp05: Exp05 = Exp05()
    """Does the minimiser find exact parameters?"""
    exp06: Exp06 = Exp06()
    """The bias in closed form."""
    exp07: Exp07 = Exp07()
    """Which method finds the exponents under noise?"""
    exp08: Exp08 = Exp08()
    """How ill-conditioned is the fit?"""
    exp09: Exp09 = Exp09()
    """What does Approach 2 waste?"""
    exp10: Exp10 = Exp10()
    """What adds up?"""
    exp11: Exp11 = Exp11()
    """What does it cost?"""
    exp12: Exp12 = Exp12()
    """Do real residuals show a pattern?"""


EXPERIMENTS = tuple(BiasSettings.model_fields)
"""Names of all experiments, in their order."""
FOLDER = Path(__file__).parent.parent / "bias" / "experiments"
"""Where the modules of the experiments are: listed, not imported, for parsing does without numpy."""


def experiment_module(name: str) -> str:
    """Import path of an experiment's module, which is called by its number and what it shows.

    Examples
    --------
    >>> experiment_module("exp06")
    'flopscape.bias.experiments.exp06_parabola_bias_closed_form'
    """
    (path,) = FOLDER.glob(f"{name}_*.py")
    return f"flopscape.bias.experiments.{path.stem}"
