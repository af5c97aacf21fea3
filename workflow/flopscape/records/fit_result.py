"""FitResult, one fit of one table: what `flopscape fit` writes and all that follows reads.

A plain dataclass of JSON values, so that no pydantic is needed to write one. What other code reads of a method's own
numbers are the typed properties at the end; see fit_parts.py.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import read_json
from flopscape.files.outputs import write_text
from flopscape.records.fit_parts import (
    Choice,
    CurveTest,
    FitWarning,
    Goodness,
    HeldOut,
    Kappa,
    PowerLaw,
    ProfileGrid,
    Sampled,
    Vertex,
    WarningKind,
    kind_of,
    part,
    row_names,
)
from flopscape.text.written import listed

FitStatus = Literal["ok", "weak", "boundary", "refused"]


NO_FIT = "name the file of a fit, or make this one again"
"""What to do about a file that should be a fit: perhaps it is whole, and something else."""
SAMPLED = "sampled"
"""Where a result's diagnostics keep the ranges of compute and size of its runs."""


@dataclass
class Estimate:
    """A number with its 95 % interval; `low` and `high` are None where the method has none."""

    estimate: float
    low: float | None = None
    high: float | None = None


@dataclass
class Prediction:
    """The compute-optimal run at one budget: `flops` is given, the rest is estimated.

    `near_optimal_n_params` is the range of N that wastes at most 1 % of the compute; None without a surface.
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
    N* ∝ C^a, D* ∝ C^b; `optima` the vertices that approach2 finds per budget, or approach1 along its envelope (budget,
    n_params, n_tokens, loss; approach2 adds standard errors, n_runs, used, reason, and the curve's shape with its
    numbers: see fitting/isoflop/curves.py); `conventions` the column behind each of N, D and C; `diagnostics` numbers
    by name, of which the properties below give what others read. `interval` says how the intervals were made;
    `warnings` are sentences on what to distrust, some of a kind, which the file keeps as `warning_kinds`. D counts the
    `unit`. `made_from` says of a fit that was written which table, options and code it is of and which draws are its
    own (see fitting/common/made_from.py); it is empty in files of version 0.1.
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

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the fit as JSON, the kinds of its warnings beside them; a number that is not finite is a ValueError."""
        data = asdict(self) | {"warning_kinds": [kind_of(warning) for warning in self.warnings]}
        write_text(path, json.dumps(data, indent=1, allow_nan=False) + "\n")

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a fit; a broken file raises FlopscapeError with its path."""
        data = read_json(path, NO_FIT)
        try:
            kinds = data.pop("warning_kinds", [])
            return cls(**{**data, **_nested(data), "warnings": _warnings(data.get("warnings", []), kinds)})
        except (TypeError, KeyError, AttributeError) as error:
            raise FlopscapeError(f"{path}: not a fit ({error}); {NO_FIT}") from error

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
    def outliers(self) -> list[str]:
        """Run ids of the rows with improbable residuals, which stayed in the fit."""
        return row_names(self.diagnostics.get("outliers", []))

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
    def points(self) -> str:
        """Which loss of the training curves approach1 read; empty where it read none."""
        return str(self.diagnostics.get("points") or "")


def _warnings(sentences: list[str], kinds: list[WarningKind]) -> list[str]:
    """The sentences with their kinds; those of a file that keeps none have none."""
    kind_at = dict(enumerate(kinds))
    return [FitWarning(sentence, kind_at.get(place, "")) for place, sentence in enumerate(sentences)]


def _nested(data: dict[str, Any]) -> dict[str, Any]:
    """The fields of a FitResult that hold dataclasses, rebuilt from plain JSON."""
    quantities = ("n_params", "n_tokens", "loss", "tokens_per_param")
    return {
        "surface": data["surface"] and {k: Estimate(**v) for k, v in data["surface"].items()},
        "exponents": data["exponents"] and {k: Estimate(**v) for k, v in data["exponents"].items()},
        "parameters": data.get("parameters") and {k: Estimate(**v) for k, v in data["parameters"].items()},
        "predictions": [
            Prediction(**{**p, **{q: p[q] and Estimate(**p[q]) for q in quantities}}) for p in data["predictions"]
        ],
        "excluded": [Exclusion(**e) for e in data["excluded"]],
    }
