"""The three things that cross a stage boundary: PlanRow, RunRecord and FitResult.

They are plain dataclasses of JSON values, so that a training process needs no pydantic to write one.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import read_json
from flopscape.files.outputs import write_text
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
    by name. `interval` says how the intervals were made; `warnings` are sentences on what to distrust. D counts
    the `unit`. `made_from` says of a fit that was written which table, options and code it is of and which draws are
    its own (see fitting/common/made_from.py); it is empty in files of version 0.1.
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
        """Write the fit as JSON; a number that is not finite is a ValueError."""
        write_text(path, json.dumps(asdict(self), indent=1, allow_nan=False) + "\n")

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a fit; a broken file raises FlopscapeError with its path."""
        data = read_json(path, NO_FIT)
        try:
            return cls(**{**data, **_nested(data)})
        except (TypeError, KeyError, AttributeError) as error:
            raise FlopscapeError(f"{path}: not a fit ({error}); {NO_FIT}") from error


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
