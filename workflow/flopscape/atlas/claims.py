"""What was published of a table: exponents, surfaces and sizes as they are printed, each with the place where they are.

A claim is compared with a refit of the same table by the same recipe; what it says is copied and not computed, but for
a number that follows from its own others. Imports no library, for the workflow reads the list of tables as it starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flopscape.records.fit_result import Estimate

NUMBERS = ("a", "E", "A", "alpha", "B", "beta", "n_params")
"""What a claim and a fit can both say: the exponent of N* ∝ C^a, the surface, and N* at the table's compute."""
GOPHER = 5.76e23
"""FLOPs of Gopher and Chinchilla, for which Hoffmann et al. 2022 print N*."""


@dataclass(frozen=True)
class Claim:
    """One published fit: who says it, where, and the numbers by name, those of `NUMBERS` or fewer.

    `level` says what the printed intervals are.
    """

    name: str
    source: str
    numbers: Mapping[str, Estimate]
    level: str = ""


@dataclass(frozen=True)
class _Hoffmann(Claim):
    """A claim of Hoffmann et al. 2022, whose intervals are of one kind throughout."""

    level: str = field(default="10th to 90th percentile of resamples of 80 % of the data")


def by_standard_error(value: float, error: float) -> Estimate:
    """A number with the 95 % interval of a printed standard error.

    >>> by_standard_error(0.5, 0.1)
    Estimate(estimate=0.5, low=0.304, high=0.696)
    """
    return Estimate(value, value - 1.96 * error, value + 1.96 * error)


HOFFMANN_1 = _Hoffmann(
    "Hoffmann et al. 2022, approach 1",
    "arXiv 2203.15556, Table 2; N* from Table 3",
    {"a": Estimate(0.50, 0.488, 0.502), "n_params": Estimate(67e9)},
)
HOFFMANN_2 = _Hoffmann(
    "Hoffmann et al. 2022, approach 2",
    "arXiv 2203.15556, Table 2; N* is a label in Figure 3, as transcribed by notes on Stanford's course CS336",
    {"a": Estimate(0.49, 0.462, 0.534), "n_params": Estimate(63e9)},
)
HOFFMANN_3 = _Hoffmann(
    "Hoffmann et al. 2022, approach 3",
    "arXiv 2203.15556, Table 2 and equation 10; N* from the caption of Figure 4",
    {
        "a": Estimate(0.46, 0.454, 0.455), "E": Estimate(1.69), "A": Estimate(406.4), "alpha": Estimate(0.34),
        "B": Estimate(410.7), "beta": Estimate(0.28), "n_params": Estimate(40e9),
    },
)  # fmt: skip
BESIROGLU = Claim(
    "Besiroglu et al. 2024",
    "arXiv 2404.10102, Table 1; a and N* follow from it",
    {
        "E": by_standard_error(1.8172, 0.03), "A": by_standard_error(482.01, 124.58),
        "alpha": by_standard_error(0.3478, 0.02), "B": by_standard_error(2085.43, 1293.23),
        "beta": by_standard_error(0.3658, 0.02),
    },
    level="95 %, from the printed standard errors",
)  # fmt: skip
LLAMA_3 = Claim(
    "Llama 3 (Grattafiori et al. 2024)",
    "arXiv 2407.21783, label of Figure 3: D* = 0.299·C^0.537 (0.29·C^0.53 in the text), so that a = 1 − 0.537; N* from"
    " section 3.2.1",
    {"a": Estimate(0.463), "n_params": Estimate(402e9)},
)


def _per_unit(value: float, unit: float, exponent: float) -> Estimate:
    """An amplitude for N or D counted one by one: A·(N/u)^−α = (A·u^α)·N^−α."""
    return Estimate(value * unit**exponent)


def _ml_scalefit(way: str, E: float, A: float, alpha: float, B: float, beta: float) -> Claim:
    """A fit by Apple's ml-scalefit, whose N is in millions and whose D in billions."""
    numbers = {"E": Estimate(E), "alpha": Estimate(alpha), "beta": Estimate(beta)}
    return Claim(
        f"ml-scalefit, {way}",
        "docs/reproductions/ml-scalefit of Open-Athena's scaling-law-analysis, of 217 rows; a and N* follow from it",
        numbers | {"A": _per_unit(A, 1e6, alpha), "B": _per_unit(B, 1e9, beta)},
    )


ML_SCALEFIT_LSQ = _ml_scalefit("least squares", 1.905062, 4.000103, 0.351012, 1.050933, 0.458793)
ML_SCALEFIT_HUBER = _ml_scalefit("Huber", 1.826719, 3.706623, 0.324045, 1.038619, 0.407953)
GEMSTONES = Claim(
    "Gemstones (McLeish et al. 2025)",
    "arXiv 2502.06857; parameters/approach_1_linear_regression_params.json of its repository, whose C counts attention:"
    " N* = e^−2.8451·C^0.4994",
    {"a": Estimate(0.49938), "n_params": Estimate(4.26e10)},
)
MUENNIGHOFF = Claim(
    "Muennighoff et al. 2023",
    "arXiv 2305.16264, appendix A (R_D* = 15.39, R_N* = 5.31), more digits by its repository; N* of fresh data follows",
    {
        "a": Estimate(0.5), "E": Estimate(1.8691), "A": Estimate(520.8), "alpha": Estimate(0.35266),
        "B": Estimate(1487.7), "beta": Estimate(0.35266),
    },
)  # fmt: skip
PORIAN = Claim(
    "Porian et al. 2024, tuned",
    "arXiv 2406.19146, Table 1, RefinedWeb with tuned hyper-parameters",
    {"a": Estimate(0.497, 0.49, 0.50)},
    level="95 %",
)
