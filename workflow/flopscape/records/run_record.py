"""RunRecord, what one run did: what a trainer writes, and a user's own trainer returns.

A plain dataclass of JSON values, so that a training process needs no pydantic to write one.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Self

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec, read_json, short_hash
from flopscape.files.outputs import write_text
from flopscape.records.field_types import why_wrong_field
from flopscape.records.metrics import OWN

RunStatus = Literal["completed", "diverged", "skipped"]


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


LATER_FIELDS: dict[str, Any] = {
    "parent": "",
    "n_tokens_inherited": 0,
    "in_force": {},
    "metrics": {},
    "heldout_hashes": {},
}
"""What records written before these fields existed mean by their absence."""


@dataclass
class RunRecord:
    """What one run did, not what it was meant to do. `results/{study}/runs/{run_id}.json`.

    Losses are in nats per unit on the held-out set; `loss_se` is the standard error from the held-out set's size,
    common to all runs on that set. `flops_counted` = `flops_per_unit` × `n_tokens_seen`. A run that diverged has
    `loss` None and says why in `reason`. A branch started from a checkpoint of the run `parent`, which had trained
    `n_tokens_inherited` of its `n_tokens_seen`: timings, cost and `flops_spent` leave those out. `in_force` is what
    Accelerate and torch really used, and which variables of the environment were set aside for that. `metrics` are the
    further scores of a completed run by name, each with the fields of `records.metrics.Metric`, and `heldout_hashes`
    the data hashes of the study's further held-out sets.
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
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    heldout_hashes: dict[str, str] = field(default_factory=dict)

    @property
    def n_params(self) -> int:
        """Body + head, without the input embedding: the project's default N."""
        return self.n_params_body + self.n_params_head

    @property
    def flops_counted(self) -> float:
        """FLOPs behind the loss, of the parent too."""
        return float(self.flops_per_unit * self.n_tokens_seen)

    @property
    def flops_spent(self) -> float:
        """What this run's own training took; the rest of `flops_counted` its parent trained."""
        return float(self.flops_per_unit * (self.n_tokens_seen - self.n_tokens_inherited))

    @property
    def flops_6nd(self) -> float:
        """6·N·D, the convention of most papers."""
        return 6.0 * self.n_params * self.n_tokens_seen

    @property
    def data_seen(self) -> dict[str, str]:
        """The hash of the study's data, under `own`, and those of its further held-out sets by their names."""
        return {OWN: self.data_hash} | self.heldout_hashes

    @property
    def is_of_its_spec(self) -> bool:
        """Whether the run id is the hash of the spec; an edited spec, or an edited id, shows here."""
        try:
            return self.run_id == short_hash(self.spec)
        except ValueError:  # NaN and infinities have no JSON
            return False

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
        if why := why_wrong_field(data):
            raise FlopscapeError(f"{path}: {why}; restore the record, or delete it to train the run again")
        values = {f.name: data[f.name] for f in fields(cls)}
        values["curve"] = Curve(**data["curve"])
        record = cls(**values)
        if not record.is_of_its_spec:
            raise FlopscapeError(f"{path}: run_id {record.run_id} is not the hash of the spec inside; delete the file")
        return record


def saw_other_data(records: Iterable[RunRecord], today: Mapping[str, str] | None = None) -> list[str]:
    """Ids of the runs on other data than those of `today`, or, where these are not known, than most of them.

    `today` has the hashes by held-out set, as `RunRecord.data_seen`.
    """
    seen = {record.run_id: record.data_seen for record in records}
    names = dict.fromkeys(name for hashes in seen.values() for name in hashes)
    usual = {name: (today or {}).get(name) or _most_frequent(name, seen.values()) for name in names}
    return [run_id for run_id, hashes in seen.items() if any(usual[name] != value for name, value in hashes.items())]


def _most_frequent(name: str, seen: Iterable[Mapping[str, str]]) -> str:
    return Counter(hashes[name] for hashes in seen if name in hashes).most_common(1)[0][0]
