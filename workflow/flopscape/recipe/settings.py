"""The recipe of one training run. Imports no torch: the config, the plan and the trainer share it.

One class is the section `training` of a study, what a run's spec may hold, and what the loop reads: a new setting is
declared here, with its default and its words, and nowhere else. Only what differs from a default enters a run's id, so
that a new setting with a default leaves every finished run valid.
"""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from flopscape.recipe.rate_laws import PowerLaw, PublishedLaw
from flopscape.recipe.schedule import Schedule
from flopscape.text.written import Integer, Number, Switch

SCHEDULES = get_args(Schedule)
Scaling = Literal["fixed", "width", "mup", "power_law", "by_width"]
Precision = Literal["no", "bf16", "fp16"]
PRECISIONS = get_args(Precision)
BatchScaling = Literal["fixed", "power_law"]
BATCH_SCALINGS = get_args(BatchScaling)
KINDS: dict[type, tuple[Any, str]] = {
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
    str: (str, "text"),
}
"""For the kind of a default: the types that a value may have, and their name."""
SCALED_BY_PLAN = ("power_law", "by_width")
"""Rules of the rate that the plan replaces by their value: a run's spec holds the number."""


@dataclass(frozen=True)
class TrainingSettings:
    """How a run is trained. Only fields that differ from these defaults enter a run's spec and so its id."""

    __pydantic_config__ = {"extra": "forbid", "use_attribute_docstrings": True}  # noqa: RUF012  (read by pydantic, a ClassVar to everyone else)

    batch_units: Integer = 256
    """Units (tokens, images) in a batch; a multiple of the dataset's context."""
    learning_rate: Number = 0.012
    """Peak learning rate; with `width` and `mup` scaling the rate at `base_width`."""
    learning_rate_scaling: Scaling = "fixed"
    """`fixed`: one rate for every size. `width`: proportional to base_width / width. `mup`: the same, but of hidden and
    output matrices only; the embedding keeps the rate. `power_law`: `learning_rate_law`. `by_width`: a table."""
    base_width: Integer = 32
    """Width at which `learning_rate` holds under `width` and `mup` scaling."""
    learning_rate_law: PublishedLaw | PowerLaw | None = None
    """Under `power_law`: a published law, or {coefficient, n_params, n_tokens, flops} of c·N^n·D^d·C^f."""
    learning_rate_by_width: dict[Integer, Number] | None = None
    """Under `by_width`: the rate at some widths; between them it is interpolated on log axes."""
    batch_scaling: BatchScaling = "fixed"
    """`fixed`: `batch_units` for every run. `power_law`: `batch_law`, in whole windows × processes."""
    batch_law: PublishedLaw | PowerLaw | None = None
    """Under `power_law`: as `learning_rate_law`, of the units in a batch."""
    schedule: Schedule = "wsd"
    """After the warm-up: `wsd` constant, then linear decay; `cosine` to a tenth of the peak; `constant`."""
    warmup_fraction: Number = 0.1
    """Share of the steps spent on linear warm-up."""
    warmup_units: Integer = 0
    """Units of linear warm-up, the same for runs of any length, in place of `warmup_fraction`; 0 leaves it to that."""
    decay_fraction: Number = 0.2
    """Of `wsd`: share of the steps spent on linear decay to zero, at the end; constant in between."""
    beta1: Number = 0.9
    """AdamW's first-moment decay."""
    beta2: Number = 0.98
    """AdamW's second-moment decay."""
    weight_decay: Number = 0.0
    """AdamW's decoupled weight decay."""
    gradient_clip: Number | None = 1.0
    """Largest norm of the whole gradient; null clips nothing."""
    mixed_precision: Precision = "no"
    """Precision under Accelerate; `no` is fp32."""
    compile: Switch = False
    """Compile the module with torch.compile: faster on GPUs, half a minute a size on CPUs, and rounded differently."""
    deterministic: Switch = False
    """Use only algorithms that repeat to the last digit on one kind of machine; slower on GPUs, no change on CPUs."""
    heldout_units: Integer = 131072
    """Units of the fixed held-out set that every run is scored on; 0 takes all of it."""
    curve_points: Integer = 128
    """Points on the training curve, at most 512."""
    curve_heldout_units: Integer = 8192
    """Units of the held-out set scored at each of `curve_heldout_points`."""
    curve_heldout_points: Integer = 8
    """How many of the curve's points also get a held-out loss; the last point always has the run's own."""

    def __post_init__(self) -> None:
        self._check_kinds()
        for name in ("batch_units", "base_width", "curve_points"):
            _require(getattr(self, name) >= 1, name, "at least 1")
        for name in ("heldout_units", "curve_heldout_units", "curve_heldout_points", "weight_decay", "warmup_units"):
            _require(getattr(self, name) >= 0, name, "zero or more")
        _require(0 < self.learning_rate < math.inf, "learning_rate", "positive")
        _require(self.gradient_clip is None or 0 < self.gradient_clip < math.inf, "gradient_clip", "positive, or null")
        for name in ("beta1", "beta2"):
            _require(0 <= getattr(self, name) < 1, name, "in [0, 1)")
        for name in ("warmup_fraction", "decay_fraction"):
            _require(0 <= getattr(self, name) <= 1, name, "a share between 0 and 1")
        _require(self.schedule in SCHEDULES, "schedule", f"one of {', '.join(SCHEDULES)}")
        _require(self.warmup_fraction + self.decay_fraction <= 1, "warmup_fraction + decay_fraction", "at most 1")
        _require(self.curve_points <= 512, "curve_points", "at most 512")
        self._check_rules()

    def _check_kinds(self) -> None:
        """Values of the kind that the default is of: a run's spec may come from JSON that no config has checked."""
        for entry in fields(self):
            kind, value = type(entry.default), getattr(self, entry.name)
            # Laws and tables are objects of their own, and check themselves.
            if kind not in KINDS or (entry.name == "gradient_clip" and value is None):
                continue
            types, words = KINDS[kind]
            # To Python true is an integer too: as a number it is refused, and a number as a switch.
            _require(isinstance(value, types) and isinstance(value, bool) == (kind is bool), entry.name, words)
        for name, known_words in (("mixed_precision", PRECISIONS), ("batch_scaling", BATCH_SCALINGS)):
            _require(getattr(self, name) in known_words, name, f"one of {', '.join(known_words)}")

    def _check_rules(self) -> None:
        """Every rule has what it needs, and no law or table is there that no rule reads."""
        law, table, batch = self.learning_rate_law, self.learning_rate_by_width, self.batch_law
        scaling = self.learning_rate_scaling
        _require(scaling in get_args(Scaling), "learning_rate_scaling", f"one of {', '.join(get_args(Scaling))}")
        for name, value, rule, on in (
            ("learning_rate_law", law, "learning_rate_scaling: power_law", scaling == "power_law"),
            ("learning_rate_by_width", table, "learning_rate_scaling: by_width", scaling == "by_width"),
            ("batch_law", batch, "batch_scaling: power_law", self.batch_scaling == "power_law"),
        ):
            _require(bool(value) == on, name, f"given with {rule}, and only then")
        positive = all(0 < rate < math.inf and width > 0 for width, rate in (table or {}).items())
        _require(positive, "learning_rate_by_width", "a mapping of positive widths to positive rates")

    @property
    def needs_plan(self) -> bool:
        """Whether a rule is left whose value depends on a run's N, D and C, which the plan knows."""
        return self.learning_rate_scaling in SCALED_BY_PLAN or self.batch_scaling != "fixed"

    @property
    def needs_width(self) -> bool:
        """Whether a size without a width has no learning rate."""
        return self.learning_rate_scaling in ("width", "mup", "by_width")

    def widening(self, size: dict[str, Any]) -> float:
        """width / base_width of a size, under `width` and `mup` scaling; else 1.

        >>> TrainingSettings(learning_rate_scaling="mup", base_width=32).widening({"width": 128})
        4.0
        """
        return size["width"] / self.base_width if self.learning_rate_scaling in ("width", "mup") else 1.0

    def rate_at(self, size: dict[str, Any]) -> float:
        """Peak learning rate of a size; under `mup` that of the embedding, the highest.

        `width` follows the rate of Adam's hidden matrices (Yang et al. 2022, arXiv 2203.03466, table 3) for all alike.

        >>> TrainingSettings(learning_rate=0.012, learning_rate_scaling="width").rate_at({"width": 64})
        0.006
        """
        if self.learning_rate_scaling != "width":
            return self.learning_rate
        return self.learning_rate * self.base_width / float(size["width"])

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
