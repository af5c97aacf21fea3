"""What a fitted law says: the loss of any run, and the optimum at any compute, of the fit and of each of its draws.

Everything that asks a finished fit for a number asks here: predictions, serving, figures, report and twin. What kinds
of fits there are is decided in one place, `evaluator`:

- a law of N, D or C, the surface among them (`FittedLaw`): a loss for any run, and an optimum where the law has one. It
  is one of the registry, or for a method of a user's own the `LAW` of its module;
- the law with drift and discrepancy of the method answer (`FittedAnswer`): a loss for any run, an optimum anywhere;
- the power laws of approach1 and approach2 (`FittedPowerLaws`): an optimum at any compute, and no loss beside it;
- neither, for a fit that found no numbers, or whose law is only its method's.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from flopscape.answers.evaluator import Evaluator, TokensOfSize
from flopscape.answers.fitted_answer import FittedAnswer, fitted_answer
from flopscape.errors import FlopscapeError
from flopscape.fingerprint import extend_import_path
from flopscape.fitting.methods import shipped_methods
from flopscape.laws import coupled, surface
from flopscape.laws.law import Array, Compute, Inputs, Law, Number, Optimum
from flopscape.laws.registry import LAWS, law_named
from flopscape.laws.surface import Surface
from flopscape.laws.terms import written_law
from flopscape.records.fit_result import FitResult

RATIOS = np.arange(-30.0, 30.0, 0.25)
"""ln D/N among which the data of a size are sought: 10⁻¹³ to 10¹³ tokens a parameter."""
STEP = 1e-3
"""In ln N, of the difference that is the slope of the loss: its error is of the order of the step squared."""
HALVINGS = 40
"""Of a step of `RATIOS`: to 2⁻⁴⁰ of it."""


@dataclass(frozen=True)
class FittedLaw(Evaluator):
    """A law with its parameters. The fields of `parameters` are single numbers, or arrays of shape (R,)."""

    law: Law
    parameters: Any
    compute: Compute
    unique_tokens: float = float("inf")

    @property
    def columns(self) -> list[str]:
        """The law's parameters."""
        return list(self.law.names)

    @property
    def has_optimum(self) -> bool:
        """Laws of N alone or of D alone have none."""
        return self.law.optimum is not None

    def of_draws(self, draws: pd.DataFrame) -> Self:
        """The law with the parameters of each draw."""
        return replace(self, parameters=self.law.kind(**{name: draws[name].to_numpy(float) for name in self.columns}))

    @np.errstate(all="ignore")  # a draw may lie where its law overflows: what is not finite is judged by the reader
    def loss(
        self,
        n_params: Number,
        n_tokens: Number,
        flops: Number | None = None,
        unique_tokens: Number | None = None,
        covariates: Mapping[str, Number] | None = None,
    ) -> Array:
        """The loss that the law gives for each run."""
        # The law may depend on any of N, D, C and the supply: those that were not given follow from those that were. A
        # covariate that was not given has its value at the asked compute.
        n, d = (np.asarray(amount, float) for amount in (n_params, n_tokens))
        c = np.exp(self.compute.curve(np.log(n))[0]) * n * d if flops is None else np.asarray(flops, float)
        supply = np.asarray(self.unique_tokens if unique_tokens is None else unique_tokens, float)
        others = {name: np.asarray(values, float) for name, values in (covariates or {}).items()}
        # Draws stand on an axis of their own before those of the runs, which are as many as the arguments have
        # together.
        axes = np.broadcast(n, d, c, supply, *others.values()).ndim
        return self.law.loss(self._beside(axes), Inputs(n, d, c, supply, others))

    @np.errstate(all="ignore")
    def optimum(self, flops: Number) -> Optimum:
        """The law's own optimum, in closed form or by a search."""
        if self.law.optimum is None:
            raise FlopscapeError(
                f"{self.law.formula} has no optimum at a compute; give n_params (--n-params), or fit a law of N and D"
            )
        return self.law.optimum(self._beside(np.ndim(flops)), flops, self.compute, self.unique_tokens)

    def tokens_of_size(self, n_params: float) -> TokensOfSize:
        """Where the loss neither falls nor rises with N along the line of equal compute, by bisection.

        Below that D the same compute is better spent on a smaller model, and above it on a larger one.
        """
        if not {"n_params", "n_tokens"} <= {*self.law.arguments}:
            raise FlopscapeError(f"{self.law.formula} has no optimal N at a compute; ask a fit of a law of N and D")
        log_n = np.log(n_params) + STEP * np.array([-1.0, 1.0])

        def slope(log_d: Array) -> Array:
            """L a step above N less L a step below, D following from C; of the draws' D (R, g) or of shared ones."""
            log_flops = self.compute.curve(np.log([n_params]))[0] + np.log(n_params) + log_d
            below, above = (self._loss_at(size, self.compute.tokens(size, np.exp(log_flops))) for size in log_n)
            return np.asarray(above - below)

        return first_fall(slope, np.log(n_params) + RATIOS)

    @np.errstate(all="ignore")
    def _loss_at(self, log_n: float, log_d: Array) -> Array:
        """The loss of every draw at D of its own (R, g), or at shared ones (1, g)."""
        n, d = np.full(log_d.shape, np.exp(log_n)), np.exp(log_d)
        flops = np.exp(self.compute.curve(np.array([log_n]))[0]) * n * d
        return self.law.loss(self._beside(1), Inputs(n, d, flops, np.asarray(self.unique_tokens)))

    def near_optimal_sizes(self, flops: float) -> list[float] | None:
        """The range that a surface gives (laws/surface.py); None for any other law."""
        return surface.near_optimal_sizes(self.parameters, flops, self.compute) if self.law is surface.LAW else None

    def _beside(self, axes: int) -> Any:
        """The parameters with so many axes more, so that draws stand before the axes of the arguments.

        An array of shape (R,) becomes (R, 1, …, 1) and broadcasts with arguments of any shape s to (R, *s); a single
        number, of shape (), becomes (1, …, 1) and leaves s as it is.
        """
        numbers = (np.asarray(number, float) for number in self.parameters)
        return self.law.kind(*(number.reshape(number.shape + (1,) * axes) for number in numbers))


def first_fall(slope: Callable[[Array], Array], grid: Array) -> TokensOfSize:
    """Where a function of ln D, of shape (R, g) at points (1, g) or (R, g), first goes from above zero to zero or less.

    The grid tells which two points it lies between, and halving finds it there.
    """
    falls = slope(grid[None]) <= 0
    rows, at = np.arange(len(falls)), np.where(falls.any(axis=1), falls.argmax(axis=1), len(grid) - 1)
    low, high = grid[np.maximum(at - 1, 0)], grid[at]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_beyond = slope(middle[:, None])[rows, 0] <= 0
        low, high = np.where(is_beyond, low, middle), np.where(is_beyond, middle, high)
    return TokensOfSize(high, np.asarray(at == 0), np.asarray(~falls.any(axis=1)))


@dataclass(frozen=True)
class FittedPowerLaws(Evaluator):
    """N* along a power law of C, D* from C = κ(N)·N·D, and L* = E + K·(C/C₀)^−γ.

    That L* has this form follows from the surface at its optimum: Hoffmann et al. 2022 (arXiv 2203.15556), equation 4
    inserted into equation 2. `numbers` are those of records/fit_result.py's PowerLaw around ln C₀ = `center`, single or
    arrays of shape (R,). The draws' laws refer to the same C₀ as the fit's.
    """

    numbers: Mapping[str, Number]
    center: float
    compute: Compute
    method: str

    @property
    def is_searched(self) -> bool:
        """Each optimum is a sum and two exponentials."""
        return False

    @property
    def columns(self) -> list[str]:
        """The numbers of the two laws, without the centre."""
        return list(self.numbers)

    def of_draws(self, draws: pd.DataFrame) -> Self:
        """The laws of each draw, around the same centre."""
        return replace(self, numbers={name: draws[name].to_numpy(float) for name in self.columns})

    def loss(
        self,
        n_params: Number,
        n_tokens: Number,
        flops: Number | None = None,
        unique_tokens: Number | None = None,
        covariates: Mapping[str, Number] | None = None,
    ) -> Array:
        """Nothing is known of the loss beside the optimum: raises FlopscapeError."""
        raise FlopscapeError(f"{self.method} has no loss surface; a prediction at a given size needs one")

    @np.errstate(all="ignore")
    def optimum(self, flops: Number) -> Optimum:
        """N* and L* along their laws, and D* from what C pays for."""
        x = np.log(flops) - self.center
        numbers = (np.asarray(number, float) for number in self.numbers.values())
        # Draws before the axes of C, as in `FittedLaw`.
        log_n, a, E, K, gamma = (number.reshape(number.shape + (1,) * np.ndim(x)) for number in numbers)
        log_best = log_n + a * x
        n_tokens = np.exp(self.compute.tokens(log_best, flops))
        return Optimum(np.exp(log_best), n_tokens, np.asarray(E + K * np.exp(-gamma * x)))

    @np.errstate(all="ignore")
    def tokens_of_size(self, n_params: float) -> TokensOfSize:
        """From ln N = ln N₀ + a·(ln C − ln C₀); a power law that does not rise reaches no other size."""
        log_n, a = (np.atleast_1d(np.asarray(self.numbers[name], float)) for name in ("log_n_params", "a"))
        log_cost = float(self.compute.curve(np.log([n_params]))[0][0]) + np.log(n_params)
        log_d = self.center + (np.log(n_params) - log_n) / np.where(a > 0, a, np.nan) - log_cost
        low, high = np.log(n_params) + RATIOS[[0, -1]]
        at_high = ~(log_d < high)
        return TokensOfSize(np.clip(np.where(at_high, high, log_d), low, high), np.asarray(log_d < low), at_high)


def evaluator(fit: FitResult) -> FittedLaw | FittedPowerLaws | FittedAnswer | None:
    """The fitted law with the fit's estimates; None for a fit that found no numbers, or of a law that nobody knows.

    Raises
    ------
    FlopscapeError
        A fit by a shipped method is of a law that is not in the registry.
    """
    if answer := fit.drifting_law:
        return fitted_answer(answer, compute_of(fit))
    if fit.law_parameters:
        return fitted_law(fit)
    if (law := fit.power_law) is None:
        return None
    numbers = asdict(law)
    # Arguments are evaluated before the call, so that `numbers` holds the laws' numbers without the centre, and those
    # alone are columns of the draws.
    return FittedPowerLaws(numbers, numbers.pop("center_log_flops"), compute_of(fit), fit.method)


def fitted_law(fit: FitResult) -> FittedLaw | None:
    """The law of a fit, the surface or another, with the fit's estimates; None for a fit of no law."""
    if fit.drifting_law or not fit.law_parameters or (law := _law_of(fit)) is None:
        return None
    parameters = law.kind(**{name: number.estimate for name, number in fit.law_parameters.items()})
    return FittedLaw(law, parameters, compute_of(fit), fit.unique_tokens)


def formula_of(fit: FitResult) -> str:
    """The formula of a fit's law of N and D, or of other quantities; empty for a fit of no law."""
    if fit.drifting_law:
        return f"{coupled.LAW.formula}, with an optimum that may drift and a part that this law misses"
    if not (fitted := fitted_law(fit)):
        return ""
    at = ", ".join(f"{name} = {value:g}" for name, value in fitted.law.at.items())
    held = f", with {fit.held}" if fit.held else ""
    return f"{fitted.law.formula}{held}{f', at {at}' if at else ''}"


def _law_of(fit: FitResult) -> Law | None:
    """The law whose parameters a fit has; None where it is one of a user's own that its module does not hold."""
    if fit.surface:
        return surface.LAW
    if fit.composition:
        return written_law(fit.composition).bound_at(fit.at)
    if fit.law in LAWS or fit.method in shipped_methods():
        return law_named(fit.law).bound_at(fit.at)
    # A fit is made again when its module changes (fitting/common/made_from.py), so that the module is that of the fit.
    extend_import_path()
    try:
        law = getattr(importlib.import_module(fit.method), "LAW", None)
    except ImportError:
        return None
    return law if isinstance(law, Law) and law.name == fit.law else None


def surface_of(fit: FitResult) -> Surface | None:
    """The fitted surface; None for a fit of anything else."""
    law = fitted_law(fit) if fit.surface else None
    return law.parameters if law else None


def compute_of(fit: FitResult | None) -> Compute:
    """κ(N) of the fitted runs; C = 6·N·D for a fit that keeps none, or where there is no fit."""
    kappa = fit.kappa if fit else None
    return Compute.from_json(asdict(kappa)) if kappa else Compute.constant()
