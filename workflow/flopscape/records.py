"""The three things that cross a stage boundary: PlanRow, RunRecord and FitResult.

They are plain dataclasses of JSON values, so that a training process needs no pydantic to write one.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

from flopscape.errors import FlopscapeError
from flopscape.outputs import write_text
from flopscape.record_types import wrong_field
from flopscape.written import listed

RunStatus = Literal["completed", "diverged", "skipped"]
FitStatus = Literal["ok", "weak", "boundary", "refused"]
RunColumn = Literal[
    "n_params", "n_tokens", "loss", "flops", "budget", "unique_tokens", "run_id", "seed", "status", "simulated"
]
"""Columns of a table of runs that a fit reads; any other is carried along."""
Spec = dict[str, Any]


def canonical(spec: Any) -> str:
    """The one JSON text of a spec: sorted keys, no spaces, integral floats written as integers."""
    return json.dumps(_integral_floats_to_int(spec), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _integral_floats_to_int(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _integral_floats_to_int(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_integral_floats_to_int(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def short_hash(value: Any, digits: int = 12) -> str:
    """First hex digits of the SHA-256 of a value's canonical JSON text."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:digits]


def dataset_id(dataset: Spec) -> str:
    """Folder name of a prepared dataset under `results/data/`: its class, then a hash of plug-in and kwargs."""
    class_name = dataset["plugin"].rpartition(":")[2]
    return f"{class_name.lower()}-{short_hash(dataset, 8)}"


def sha256(path: str | os.PathLike[str]) -> str:
    """Hash of a file's bytes in hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class PlanRow:
    """One planned run.

    `flops` is what the run will really cost, `flops_per_unit` × `n_tokens`; `budget` is what was asked for (None for
    explicit rows and grids) and `budget_remainder` = budget − flops, at most half a batch either way. `parent` is the
    run whose checkpoint this one can start from, after `n_tokens_shared` of its tokens; it decides no result.
    """

    run_id: str
    budget: float | None
    size: dict[str, Any]
    seed: int
    n_params_body: int
    n_params_head: int
    n_params_embedding: int
    flops_per_unit: float
    n_tokens: int
    n_steps: int
    spec: Spec
    parent: str = ""
    n_tokens_shared: int = 0

    @property
    def n_params(self) -> int:
        """Body + head, without the input embedding: the project's default N."""
        return self.n_params_body + self.n_params_head

    @property
    def flops(self) -> float:
        return float(self.flops_per_unit * self.n_tokens)

    @property
    def budget_remainder(self) -> float | None:
        return None if self.budget is None else self.budget - self.flops


@dataclass
class Curve:
    """A training curve, column by column, at most 512 points.

    `n_tokens` and `flops` are cumulative; `train_loss` is the mean over the steps since the point before, in nats per
    unit; `heldout_loss` is None where nothing was evaluated.
    """

    step: list[int] = field(default_factory=list)
    n_tokens: list[int] = field(default_factory=list)
    flops: list[float] = field(default_factory=list)
    train_loss: list[float | None] = field(default_factory=list)
    heldout_loss: list[float | None] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)


NO_FIT = "name the file of a fit, or make this one again"
"""What to do about a file that should be a fit: perhaps it is whole, and something else."""
LATER_FIELDS: dict[str, Any] = {"parent": "", "n_tokens_inherited": 0, "in_force": {}}
"""What records written before these fields existed mean by their absence."""


@dataclass
class RunRecord:
    """What one run did, not what it was meant to do. `results/{study}/runs/{run_id}.json`.

    Losses are in nats per unit on the held-out set; `loss_se` is the standard error from the held-out set's size,
    common to all runs on that set. `flops_counted` = `flops_per_unit` × `n_tokens_seen`. A run that diverged has
    `loss` None and says why in `reason`. A branch started from a checkpoint of the run `parent`, which had trained
    `n_tokens_inherited` of its `n_tokens_seen`: timings, cost and `flops_spent` leave those out. `in_force` is what
    Accelerate and torch really used, and which variables of the environment were set aside for that.
    """

    run_id: str
    spec: Spec
    status: RunStatus
    simulated: bool
    unit: str
    n_params_body: int
    n_params_head: int
    n_params_embedding: int
    flops_per_unit: float
    n_tokens_planned: int
    n_tokens_seen: int
    loss: float | None
    loss_se: float | None
    n_heldout_units: int
    curve: Curve
    reason: str = ""
    data_hash: str = ""
    code_fingerprint: str = ""
    timings: dict[str, float] = field(default_factory=dict)
    cost: dict[str, float | None] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    hardware: dict[str, Any] = field(default_factory=dict)
    parent: str = ""
    n_tokens_inherited: int = 0
    in_force: dict[str, Any] = field(default_factory=dict)

    @property
    def n_params(self) -> int:
        """Body + head, without the input embedding: the project's default N."""
        return self.n_params_body + self.n_params_head

    @property
    def flops_counted(self) -> float:
        return float(self.flops_per_unit * self.n_tokens_seen)

    @property
    def flops_spent(self) -> float:
        """What this run's own training took; the rest of `flops_counted` its parent trained."""
        return float(self.flops_per_unit * (self.n_tokens_seen - self.n_tokens_inherited))

    @property
    def flops_6nd(self) -> float:
        return 6.0 * self.n_params * self.n_tokens_seen

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the record as JSON; NaN and infinities are refused (a ValueError), they mean `diverged`."""
        write_text(path, json.dumps(asdict(self), indent=1, allow_nan=False) + "\n")

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read and check one record.

        Raises
        ------
        FlopscapeError
            The file is empty, cut short, lacks a field, has one of another kind, or holds another run than its name
            says.
        """
        data = read_json(path, "delete it and run snakemake again")
        data = LATER_FIELDS | data
        missing = [f.name for f in fields(cls) if f.name not in data]
        if missing:
            raise FlopscapeError(
                f"{path}: a run record without {', '.join(missing)}; delete it and run snakemake again"
            )
        if wrong := wrong_field(data):
            raise FlopscapeError(f"{path}: {wrong}; restore the record, or delete it to train the run again")
        known = {f.name: data[f.name] for f in fields(cls)}
        known["curve"] = Curve(**data["curve"])
        record = cls(**known)
        try:
            says_so = record.run_id == short_hash(record.spec)
        except ValueError:  # NaN and infinities have no JSON
            says_so = False
        if not says_so:
            raise FlopscapeError(f"{path}: run_id {record.run_id} is not the hash of the spec inside; delete the file")
        return record


def saw_other_data(records: Iterable[RunRecord], data_hash: str | None = None) -> list[str]:
    """Ids of the runs on other data than `data_hash`, or, where that is not known, than most of them."""
    hashes = {record.run_id: record.data_hash for record in records}
    usual = data_hash or next((value for value, _ in Counter(hashes.values()).most_common(1)), "")
    return [run_id for run_id, value in hashes.items() if value != usual]


def read_json(path: str | os.PathLike[str], fix: str) -> dict[str, Any]:
    """Parse a JSON object from a file; a broken one raises FlopscapeError with its path, the place and the fix."""
    try:
        return parse_object(Path(path).read_text(encoding="utf-8"), str(path), fix)
    except OSError as error:
        raise FlopscapeError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise FlopscapeError(f"{path}: not a text file ({error}); {fix}") from error


def parse_object(text: str, place: str, fix: str) -> dict[str, Any]:
    """Parse a JSON object from text; anything else raises FlopscapeError with the place and the fix."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits and lists in lists among them
        raise FlopscapeError(f"{place}: not whole JSON ({error}); {fix}") from error
    if not isinstance(data, dict):
        raise FlopscapeError(f"{place}: holds no JSON object; {fix}")
    return data


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
    numbers: see fitting/optimum_curve.py); `conventions` the column behind each of N, D and C; `diagnostics` numbers by
    name. `interval` says how the intervals were made; `warnings` are sentences on what to distrust. D counts
    the `unit`. `made_from` says of a fit that was written which table, options and code it is of and which draws are
    its own (see fitting/made_from.py); it is empty in files of version 0.1.
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
