"""What a run has come to so far: all of its record that training finds out. Imports no torch."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from flopscape.records import Curve


@dataclass
class Outcome:
    """What training came to after `step` steps.

    `n_units` counts up to the curve's last point. `diverged` is empty, or the reason in words. A run that was killed
    went on after the steps in `resumed_at`; `seconds_before` is what its earlier parts took, lost steps included.
    """

    step: int = 0
    n_units: int = 0
    curve: Curve = field(default_factory=Curve)
    untrained_loss: float = 0.0
    diverged: str = ""
    seconds_training: float = 0.0
    seconds_evaluation: float = 0.0
    seconds_before: float = 0.0
    resumed_at: list[int] = field(default_factory=list)
    failed_checkpoints: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(**{**data, "curve": Curve(**data["curve"])})
