"""What the two steps find, as plain data, and its file: numbers in JSON with what they were made from."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import read_json
from flopscape.files.outputs import write_text
from flopscape.records.fit_result import Estimate

NO_NUMBERS = "make it again with flopscape downstream"


class Untold(FlopscapeError):
    """Runs or a fit from which no accuracy can be told: nothing that is asked is wrong, and a study goes on."""


@dataclass(frozen=True)
class Target:
    """One prediction; `n_params` and `n_tokens` are those of the compute-optimal run unless they were given."""

    flops: float
    n_params: float | None
    n_tokens: float | None
    given: bool
    loss: Estimate
    accuracy: Estimate


@dataclass(frozen=True)
class Downstream:
    """All that `flopscape downstream` finds, in JSON values.

    `floor`, `ceiling`, `middle` (L₀) and `steepness` (k) are the curve's; `sigma` is the standard deviation of
    accuracies about it, and `items_sigma` that of as many questions. `along_loss` and `along_flops` are the curve to be
    drawn, `runs` what it was fitted to.
    """

    accuracy: str
    loss: str
    loss_unit: str
    fit: str
    chance: float | None
    items: float | None
    n_runs: int
    floor: Estimate
    ceiling: Estimate
    tells_ceiling: bool
    middle: Estimate
    steepness: Estimate
    sigma: float
    items_sigma: float | None
    targets: list[Target]
    along_loss: list[tuple[float, Estimate]]
    along_flops: list[tuple[float, Estimate]]
    runs: list[tuple[float, float, float]]
    warnings: list[str]
    simulated: bool

    def to_json(self) -> dict[str, Any]:
        """Nested mappings and lists of JSON values; the entries of `runs` are C, loss and accuracy."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        told = {name: Estimate(**data[name]) for name in ("floor", "ceiling", "middle", "steepness")}
        along = {name: [(x, Estimate(**y)) for x, y in data[name]] for name in ("along_loss", "along_flops")}
        runs = [(flops, loss, share) for flops, loss, share in data["runs"]]
        targets = [Target(**{**at, **{name: Estimate(**at[name]) for name in SPREAD}}) for at in data["targets"]]
        return cls(**{**data, **told, **along, "targets": targets, "runs": runs})


SPREAD = ("loss", "accuracy")
"""What has an interval of a `Target`."""


@dataclass(frozen=True)
class Refused:
    """That no accuracy can be told of a task, and why; `accuracy` is its column and `fit` that of the loss."""

    accuracy: str
    fit: str
    refused: str
    simulated: bool

    def to_json(self) -> dict[str, Any]:
        """A mapping of JSON values."""
        return asdict(self)


def write_numbers(found: Downstream | Refused, path: Path, made_from: str) -> None:
    """Write all numbers, or why there are none, with the stamp of what they were made from."""
    write_text(path, json.dumps(found.to_json() | {"made_from": made_from}, indent=1, allow_nan=False) + "\n")


def read_numbers(path: Path) -> Downstream | Refused:
    """Read what `write_numbers` wrote.

    Raises
    ------
    FlopscapeError
        The file cannot be read, or is another; its path is named.
    """
    data = read_json(path, NO_NUMBERS)
    try:
        data.pop("made_from", None)
        return Refused(**data) if "refused" in data else Downstream.from_json(data)
    except (TypeError, KeyError, ValueError) as error:
        raise FlopscapeError(f"{path}: no accuracies of a task ({error}); {NO_NUMBERS}") from error
