"""The parts of a fit's file that others than its method read, with names and types.

A method writes what it found among `FitResult.diagnostics` and `FitResult.optima`, as JSON has it. Whoever reads a
fit asks for these parts by the properties of `FitResult`, so that the keys of the file stand here and nowhere else.
Numbers that nobody but a person reads have no part: they stay in `diagnostics` under their names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar

from flopscape.errors import FlopscapeError

Part = TypeVar("Part")


WarningKind = Literal["", "extrapolates", "outside sizes", "budget left out"]
"""What a warning is about, for code that treats some apart; "" is any other."""


EXTRAPOLATES = 1.05
"""Factor beyond the runs from which on an asked compute is an extrapolation. Tokens are rounded to whole batches, so
that small runs cost up to some per cent less than their budget: the largest budget itself must not be called one. At
a = 0.5 this much more compute moves N* by 2.5 %, less than any interval."""


class FitWarning(str):
    """A sentence on what to distrust, with its kind: set where it is raised, so that no reader goes by the wording."""

    kind: WarningKind

    def __new__(cls, sentence: str, kind: WarningKind = "") -> "FitWarning":
        """A sentence of a kind."""
        warning = super().__new__(cls, sentence)
        warning.kind = kind
        return warning


def kind_of(warning: str) -> WarningKind:
    """The kind of a warning; a plain sentence, as files of older versions have them, is of none."""
    return warning.kind if isinstance(warning, FitWarning) else ""


@dataclass(frozen=True)
class Kappa:
    """κ in C = κ(N)·N·D: knots of ln κ over ln N, a single one for a constant. See laws/compute.py."""

    log_n: list[float]
    log_kappa: list[float]


@dataclass(frozen=True)
class PowerLaw:
    """The laws of approach1 and approach2 around the compute C₀, whose logarithm is `center_log_flops`.

    With x = ln C − ln C₀ they are ln N* = `log_n_params` + `a`·x, N* in parameters, and
    L* = `loss_E` + `loss_K`·exp(−`loss_gamma`·x) in nats.
    """

    center_log_flops: float
    log_n_params: float
    a: float
    loss_E: float
    loss_K: float
    loss_gamma: float


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
class Goodness:
    """How far a fit is from its runs; None where a method has none.

    The root mean square of the log residuals, and the standard deviations of the residuals and of the losses between
    seeds, both in nats.
    """

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


def row_names(flagged: list[Any]) -> list[str]:
    """Run ids of rows that a fit found far off: a surface describes each, other fits name it."""
    return [row["run_id"] if isinstance(row, Mapping) else row for row in flagged]
