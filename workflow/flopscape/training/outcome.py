"""What a run has come to so far: all of its record that training finds out. Imports no torch."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from flopscape.records.run_record import Curve


@dataclass
class Outcome:
    """What training came to after `step` steps.

    `n_units` counts up to the curve's last point. `diverged` is empty, or the reason in words. A run that was killed
    went on after the steps in `resumed_at`; `seconds_before` is what its earlier parts took, lost steps included. A
    branch starts from the run `parent`, which had seen `n_units_inherited` by then.
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
    parent: str = ""
    n_units_inherited: int = 0

    def add_point(
        self, step: int, n_units: int, train_loss: float, heldout_loss: float | None, learning_rate: float
    ) -> None:
        """Add a point to the curve, `n_units` after the one before."""
        self.n_units += n_units
        self.curve.step.append(step)
        self.curve.n_tokens.append(self.n_units)
        self.curve.train_loss.append(_finite(train_loss))
        self.curve.heldout_loss.append(_finite(heldout_loss))
        self.curve.learning_rate.append(learning_rate)

    def as_json(self) -> dict[str, Any]:
        """For a checkpoint."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """What `as_json` wrote."""
        return cls(**{**data, "curve": Curve(**data["curve"])})


def _finite(value: float | None) -> float | None:
    """JSON has no NaN: None stands for it."""
    return value if value is not None and math.isfinite(value) else None
