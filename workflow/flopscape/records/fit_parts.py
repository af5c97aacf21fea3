"""The typed parts of a fit's diagnostics and optima: what other code reads of them, their keys standing here alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from flopscape.errors import FlopscapeError

Part = TypeVar("Part")


@dataclass(frozen=True)
class Kappa:
    """κ in C = κ(N)·N·D: knots of ln κ over ln N, a single one for a constant. See laws/law.py."""

    log_n: list[float]
    log_kappa: list[float]


@dataclass(frozen=True)
class PowerLaw:
    """The laws of approach1 and approach2 around the compute C₀, whose logarithm is `center_log_flops`.

    ln N* = `log_n_params` + `a`·x and L* = `loss_E` + `loss_K`·exp(−`loss_gamma`·x) in nats, with x = ln C − ln C₀.
    """

    center_log_flops: float
    log_n_params: float
    a: float
    loss_E: float
    loss_K: float
    loss_gamma: float


@dataclass(frozen=True)
class DriftingLaw:
    """What evaluates the method answer (fitting/drifting_law/curve.py): zeros of coordinates, shapes, typical draw."""

    center: Mapping[str, float]
    discrepancy: Mapping[str, float]
    numbers: Mapping[str, float]


@dataclass(frozen=True)
class Vertex:
    """The optimum at one budget: of its curve of loss against size, or of a stretch of approach1's envelope.

    `budget` names the budget and `flops`, None in files of older versions, is what its runs cost, both in FLOPs. N, D
    and loss (nats) are None where the curve has no lowest point; `se_log_n_params` and `se_loss` are standard errors of
    ln N and of the loss. `used` says whether the power laws go through it, and `reason` why not. `curve` has the
    numbers of the curve itself, which `has_curve` and `predicted` of fitting/isoflop/curves.py read.
    """

    budget: float
    flops: float | None = None
    n_params: float | None = None
    n_tokens: float | None = None
    loss: float | None = None
    se_log_n_params: float | None = None
    se_loss: float | None = None
    used: bool = True
    reason: str = ""
    curve: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sampled:
    """Lowest and highest compute, by budget where there are some, and lowest and highest size of the runs."""

    flops: list[float]
    n_params: list[float]


@dataclass(frozen=True)
class CovariateOfRuns:
    """Lowest and highest value of a covariate among the runs, and the slope of ln κ in its logarithm.

    κ(N) at a value x is κ(N) at x₀ times (x/x₀)^`cost`.
    """

    low: float
    high: float
    cost: float


@dataclass(frozen=True)
class Goodness:
    """Root mean square of the log residuals, and standard deviations of the residuals and between seeds, in nats."""

    log_rmse: float | None = None
    residual_sd: float | None = None
    seed_sd: float | None = None


@dataclass(frozen=True)
class HeldOut:
    """The error of predicting the largest budget from the others: r.m.s. of its losses in nats, or of ln N*."""

    rms: float | None = None
    log_n_params: float | None = None


@dataclass(frozen=True)
class CurveTest:
    """Whether a parabola for each budget beats the form, and the residual standard deviation of each, in nats."""

    beaten: bool
    sd_form: float
    sd_curves: float


@dataclass(frozen=True)
class ProfileGrid:
    """F of a least-squares surface over a grid of α and β, shape (alpha, beta), and F at the edge of each region."""

    alpha: list[float]
    beta: list[float]
    F: list[list[float]]
    levels: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """The rows that the fit was told to leave out: an expression over the columns, and a floor in FLOPs."""

    exclude: str | None = None
    min_flops: float | None = None


def part(kind: type[Part], data: object) -> Part | None:
    """A piece of a file's JSON as a dataclass; None where there is none. Keys that the dataclass lacks are let be.

    Raises
    ------
    FlopscapeError
        The piece lacks a key that it must have: the file was not written by `flopscape fit`.
    """
    if not isinstance(data, Mapping) or not data:
        return None
    names = {member.name for member in fields(kind)}  # type: ignore[arg-type]
    try:
        return kind(**{name: value for name, value in data.items() if name in names})
    except TypeError as error:
        raise FlopscapeError(f"a fit's {kind.__name__} is not whole ({error}); make the fit again") from error
