"""FitResult, one fit of one table: what a method returns and all that follows reads; fit_file.py keeps it in a file.

A plain dataclass of JSON values. A method puts what it has found among `diagnostics` and `optima`. What other code
reads of these are typed parts, which the properties at the end give, so that their keys stand here and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flopscape.errors import listed
from flopscape.records.fit_parts import (
    Choice,
    CovariateOfRuns,
    CurveTest,
    DriftingLaw,
    Goodness,
    HeldOut,
    Kappa,
    PowerLaw,
    ProfileGrid,
    Sampled,
    Vertex,
    part,
)
from flopscape.records.metrics import LOSS

FitStatus = Literal["ok", "weak", "boundary", "refused"]
SAMPLED = "sampled"
"""Where a result's diagnostics keep the ranges of compute and size of its runs."""
COVARIATES = "covariates"
"""Where they keep what the law's covariates are among the runs."""
EXTRAPOLATES = 1.05
"""Factor beyond the runs from which on an asked compute is an extrapolation. Runs cost up to some per cent less than
their budget, for tokens are rounded to whole batches. At a = 0.5 it moves N* by 2.5 %, less than any interval."""


@dataclass
class Estimate:
    """A number with its 95 % interval; `low` and `high` are None where the method has none."""

    estimate: float
    low: float | None = None
    high: float | None = None


@dataclass
class Prediction:
    """The compute-optimal run at one budget: `flops` is given, the rest is estimated.

    `near_optimal_n_params` is the range of N that wastes at most 1 % of the compute; None for a fit that cannot tell.
    """

    flops: float
    n_params: Estimate | None
    n_tokens: Estimate | None
    loss: Estimate | None
    tokens_per_param: Estimate | None
    near_optimal_n_params: list[float] | None = None


@dataclass
class Exclusion:
    """Rows left out of a fit: which (run ids or row numbers), and why."""

    rows: list[str]
    reason: str

    @property
    def words(self) -> str:
        """For a sentence: 2 rows (row 2, row 7): loss is empty."""
        names = f" ({listed(self.rows, 5)})" if self.rows else ""
        return f"{len(self.rows):,} row{'' if len(self.rows) == 1 else 's'}{names}: {self.reason}"


@dataclass
class FitResult:
    """One fit of one table. `results/{study}/fits/{fit}.json`; a refused fit is a valid one.

    `surface` holds E, A, B, alpha, beta; `parameters` those of another `law`, by name; `exponents` a and b of
    N* ∝ C^a, D* ∝ C^b; `optima` what `vertices` reads; `conventions` the column behind each of N, D and C;
    `diagnostics` numbers by name. `interval` says how the intervals were made; `warnings` are sentences on what to
    distrust, some of a kind. D counts the `unit`. `made_from` (fitting/common/made_from.py) names table, options, code.
    """

    status: FitStatus
    reason: str
    method: str
    law: str
    objective: str
    surface: dict[str, Estimate] | None = None
    exponents: dict[str, Estimate] | None = None
    parameters: dict[str, Estimate] | None = None
    predictions: list[Prediction] = field(default_factory=list)
    optima: list[dict[str, Any]] = field(default_factory=list)
    diagnostics: dict[str, Any] = field(default_factory=dict)
    excluded: list[Exclusion] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    interval: str = ""
    conventions: dict[str, str] = field(default_factory=dict)
    n_runs: int = 0
    simulated: bool = False
    seed: int = 0
    input_hash: str = ""
    unit: str = "token"
    made_from: dict[str, Any] = field(default_factory=dict)

    @property
    def metric(self) -> str:
        """The column that was fitted as the loss: `loss` itself, or another metric such as `loss@code`."""
        return self.conventions.get(LOSS, LOSS)

    @property
    def law_parameters(self) -> dict[str, Estimate]:
        """The parameters of the fitted law by name, the surface's or another's; empty where no law was fitted."""
        return self.surface or self.parameters or {}

    @property
    def kappa(self) -> Kappa | None:
        """κ in C = κ(N)·N·D, along which optima are taken."""
        return part(Kappa, self.diagnostics.get("kappa"))

    @property
    def power_law(self) -> PowerLaw | None:
        """N*(C) and L*(C) of a fit that has no law of N and D."""
        return part(PowerLaw, self.diagnostics.get("power_law"))

    @property
    def drifting_law(self) -> DriftingLaw | None:
        """The law, its drift and its discrepancy of the method answer; None of any other."""
        return part(DriftingLaw, self.diagnostics.get("drifting_law"))

    @property
    def inferred_noise(self) -> float | None:
        """Standard deviation of a run's loss where the method infers it beside what its law misses; None elsewhere."""
        noise = self.diagnostics.get("scales", {}).get("noise")
        return float(noise["estimate"]) if noise else None

    @property
    def vertices(self) -> list[Vertex]:
        """The optima of the budgets, smallest budget first."""
        return [vertex for entry in self.optima if (vertex := part(Vertex, {**entry, "curve": entry}))]

    @property
    def sampled(self) -> Sampled | None:
        """The ranges of the fitted runs; None in files of older versions and for an empty table."""
        return part(Sampled, self.diagnostics.get(SAMPLED))

    @property
    def goodness(self) -> Goodness:
        """How far the fit is from its runs."""
        return part(Goodness, self.diagnostics) or Goodness()

    @property
    def held_out(self) -> HeldOut:
        """The error of predicting the largest budget from the others."""
        return part(HeldOut, self.diagnostics.get("predict_largest")) or HeldOut()

    @property
    def curve_test(self) -> CurveTest | None:
        """A parabola for each budget against the form."""
        return part(CurveTest, self.diagnostics.get("budget_curves"))

    @property
    def profile_grid(self) -> ProfileGrid | None:
        """Joint regions of α and β, where the method or the runs allow one."""
        return part(ProfileGrid, self.diagnostics.get("profile_grid"))

    @property
    def loss_unit(self) -> str:
        """What the loss is measured in."""
        return str(self.diagnostics.get("loss_unit") or f"nats per {self.unit}")

    @property
    def outliers(self) -> list[str]:
        """Run ids of the rows with improbable residuals, which stayed in the fit."""
        rows = self.diagnostics.get("outliers", [])  # a surface describes each, other fits name it
        return [row["run_id"] if isinstance(row, Mapping) else row for row in rows]

    @property
    def choice(self) -> Choice:
        """Which rows the fit was told to leave out."""
        return part(Choice, self.diagnostics) or Choice()

    @property
    def n_rows(self) -> int:
        """Rows that were fitted; more than runs where rows are checkpoints."""
        return int(self.diagnostics.get("n_rows", self.n_runs))

    @property
    def unique_tokens(self) -> float:
        """Distinct tokens at an asked compute, infinite unless the law depends on them."""
        return float(self.diagnostics.get("unique_tokens") or "inf")

    @property
    def composition(self) -> dict[str, Any]:
        """The terms of a law that a study wrote, as laws/composition.py reads them; empty for a law by its name."""
        return dict(self.diagnostics.get("composition") or {})

    @property
    def at(self) -> dict[str, float]:
        """Values of the law's covariates at an asked compute; empty for a law without."""
        return dict(self.diagnostics.get("at") or {})

    @property
    def covariates(self) -> dict[str, CovariateOfRuns]:
        """What the law's covariates are among the runs; empty for a law without, and in files of older versions."""
        written = self.diagnostics.get(COVARIATES) or {}
        return {term: one for term, values in written.items() if (one := part(CovariateOfRuns, values))}

    @property
    def held(self) -> str:
        """Which parameters were given, in words: E fixed at 1.6, beta tied to alpha; empty where all are free."""
        fixed, tied, bounds = (self.diagnostics.get(key) or {} for key in ("fixed", "tied", "bounds"))
        words = [f"{name} fixed at {value:g}" for name, value in fixed.items()]
        words += [f"{name} tied to {leader}" for name, leader in tied.items()]
        return ", ".join([*words, *(f"{name} within {low:g} to {high:g}" for name, (low, high) in bounds.items())])

    @property
    def free_parameters(self) -> list[str]:
        """The law's parameters that were found: neither fixed nor tied to another."""
        given = {**(self.diagnostics.get("fixed") or {}), **(self.diagnostics.get("tied") or {})}
        return [name for name in self.law_parameters if name not in given]

    @property
    def points(self) -> str:
        """Which loss of the training curves approach1 read; empty where it read none."""
        return str(self.diagnostics.get("points") or "")
