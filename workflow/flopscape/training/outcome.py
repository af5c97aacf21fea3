"""What a run has come to so far: all of its record that training finds out. Imports no torch."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from flopscape.records.run_record import Curve


@dataclass
class Outcome:
    """What training came to so far. It is written into each checkpoint, and at the end into the record.

    Attributes
    ----------
    step : int
        Steps of the optimiser that are done.
    n_units : int
        Units (tokens, images) that the loss has counted up to the curve's last point.
    curve : Curve
        Its points so far; their FLOPs are filled in at the end.
    untrained_loss : float
        Held-out loss before the first step, in nats per unit: a run that ends above it has diverged.
    diverged : str
        Why the run diverged, in words; empty where it did not.
    seconds_training, seconds_evaluation : float
        Of the steps, and of scoring; steps that a kill has lost are in neither.
    seconds_before : float
        What earlier parts of the run took, lost steps included.
    resumed_at : list of int
        Steps after which a run that was killed went on.
    failed_checkpoints : list of str
        Those that could not be written, and why.
    parent : str
        Id of the run whose checkpoint a branch started from; empty for other runs.
    n_units_inherited : int
        Units that the parent had seen by then.
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
        """What `from_json` takes: plain values only."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The outcome that `as_json` wrote; TypeError or KeyError for other data."""
        # JSON has no dataclasses: the curve inside came back as a mapping.
        return cls(**{**data, "curve": Curve(**data["curve"])})


def _finite(value: float | None) -> float | None:
    """JSON has no NaN: None stands for it."""
    return value if value is not None and math.isfinite(value) else None
