"""The recipe of one training run. Imports no torch: the config, the plan and the trainer share it."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal


@dataclass(frozen=True)
class TrainingSettings:
    """How a run is trained. Only fields that differ from these defaults enter a run's spec and so its id."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  (read by pydantic, a ClassVar to everyone else)

    batch_units: int = 256
    """Units (tokens, images) in a batch; a multiple of the dataset's context."""
    learning_rate: float = 0.012
    """Peak learning rate; with `width` scaling the rate at `base_width`."""
    learning_rate_scaling: Literal["fixed", "width"] = "fixed"
    """`fixed`: one rate for every size. `width`: proportional to base_width / width."""
    base_width: int = 32
    """Width at which `learning_rate` holds under `width` scaling."""
    warmup_fraction: float = 0.1
    """Share of the steps spent on linear warm-up."""
    warmup_units: int = 0
    """Units of linear warm-up, the same for runs of any length, in place of `warmup_fraction`; 0 leaves it to that."""
    decay_fraction: float = 0.2
    """Share of the steps spent on linear decay to zero, at the end; constant in between."""
    beta1: float = 0.9
    """AdamW's first-moment decay."""
    beta2: float = 0.98
    """AdamW's second-moment decay."""
    weight_decay: float = 0.0
    """AdamW's decoupled weight decay."""
    gradient_clip: float = 1.0
    """Largest norm of the whole gradient."""
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    """Precision under Accelerate; `no` is fp32."""
    heldout_units: int = 131072
    """Units of the fixed held-out set that every run is scored on; 0 takes all of it."""
    curve_points: int = 128
    """Points on the training curve, at most 512."""
    curve_heldout_units: int = 8192
    """Units of the held-out set scored at each of `curve_heldout_points`."""
    curve_heldout_points: int = 8
    """How many of the curve's points also get a held-out loss; the last point always has the run's own."""

    def __post_init__(self) -> None:
        for name in ("batch_units", "base_width", "curve_points"):
            _require(getattr(self, name) >= 1, name, "at least 1")
        for name in ("heldout_units", "curve_heldout_units", "curve_heldout_points", "weight_decay", "warmup_units"):
            _require(getattr(self, name) >= 0, name, "zero or more")
        for name in ("learning_rate", "gradient_clip"):
            _require(0 < getattr(self, name) < math.inf, name, "positive")
        for name in ("beta1", "beta2"):
            _require(0 <= getattr(self, name) < 1, name, "in [0, 1)")
        for name in ("warmup_fraction", "decay_fraction"):
            _require(0 <= getattr(self, name) <= 1, name, "a share between 0 and 1")
        _require(self.warmup_fraction + self.decay_fraction <= 1, "warmup_fraction + decay_fraction", "at most 1")
        _require(self.curve_points <= 512, "curve_points", "at most 512")

    def has_room(self, n_units: int) -> bool:
        """Whether a run of so many units can hold warm-up and decay, one after the other."""
        return self.warmup_units + self.decay_fraction * n_units <= n_units

    def changes(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default}

    def as_dict(self) -> dict[str, Any]:
        """Every field, for a plug-in's own optimiser."""
        return asdict(self)


def _require(holds: bool, name: str, words: str) -> None:
    if not holds:
        raise ValueError(f"{name} must be {words}")
