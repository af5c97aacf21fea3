"""Reading and checking the spec of one run. Imports no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec, parse_object, read_json, short_hash
from flopscape.plugins.base import Size
from flopscape.plugins.prepare import data_folder
from flopscape.recipe.schedule import branching_step
from flopscape.recipe.settings import TrainingSettings
from flopscape.records.metrics import OWN

REQUIRED = ("model", "size", "dataset", "loss", "n_tokens", "seed", "recipe")
OPTIONAL = ("trainer", "training", "heldout")


@dataclass(frozen=True)
class Task:
    """A spec whose every part has been checked, and what follows from it: steps, rates, folders.

    >>> task = check_spec({"model": {"plugin": "m:M"}, "dataset": {"plugin": "d:D"}, "loss": {"plugin": "l:L"},
    ...                    "size": {"width": 32}, "n_tokens": 25600, "seed": 0, "recipe": 1})
    >>> task.n_steps, task.warmup_steps, task.branching_step
    (100, 10.0, 80)
    """

    spec: Spec
    settings: TrainingSettings

    @property
    def run_id(self) -> str:
        """The run's name everywhere: 12 hexadecimal digits of the SHA-256 of its spec."""
        return short_hash(self.spec)

    @property
    def size(self) -> Size:
        """The size, as its plug-in takes it."""
        return dict(self.spec["size"])

    @property
    def n_tokens(self) -> int:
        """Units of data to train on."""
        return int(self.spec["n_tokens"])

    @property
    def n_steps(self) -> int:
        """Steps of a whole batch each."""
        return self.n_tokens // self.settings.batch_units

    @property
    def warmup_steps(self) -> float:
        """Steps of the warm-up, not rounded."""
        if self.settings.warmup_units:
            return self.settings.warmup_units / self.settings.batch_units
        return self.settings.warmup_fraction * self.n_steps

    @property
    def branching_step(self) -> int:
        """The last step before the decay."""
        return branching_step(self.n_steps, self.settings.decay_fraction)

    @property
    def seed(self) -> int:
        """Seed of weights and data order."""
        return int(self.spec["seed"])

    @property
    def learning_rate(self) -> float:
        """Peak learning rate of this size, by the rule of the recipe."""
        return self.settings.rate_at(self.size)

    def branch(self, n_tokens: int) -> "Task":
        """The same run with fewer tokens; FlopscapeError where it cannot start from this one's checkpoint."""
        branch = check_spec(self.spec | {"n_tokens": n_tokens})
        # With one warm-up and one peak the rates are equal up to the shorter run's decay, and so is all that follows.
        # Below 1 there is no step in common; from the trunk's own decay on, its rates are no longer the branch's.
        same_rates = (branch.warmup_steps, branch.learning_rate) == (self.warmup_steps, self.learning_rate)
        if not (same_rates and 0 < branch.branching_step < self.branching_step):
            raise FlopscapeError(
                f"spec: a run of {n_tokens} units is no branch of one of {self.n_tokens}: it must be shorter, and both "
                "must have one peak rate and one warm-up, which training.warmup_units gives"
            )
        return branch

    @property
    def data(self) -> Path:
        """Where the workflow prepares this run's dataset."""
        return data_folder(self.spec["dataset"])


def read_spec(text: str) -> Spec:
    """A spec from JSON text, a JSON file, or a RunRecord's file.

    Raises
    ------
    FlopscapeError
        The text is not whole JSON, or the file cannot be read.
    """
    if text.lstrip().startswith("{"):
        return parse_object(text, "SPEC", "quote it as one argument")
    # A record holds its spec, so that any finished run can be trained again from its own file.
    data = read_json(text, "give a file that holds a spec or a run record")
    return data["spec"] if "run_id" in data and isinstance(data.get("spec"), dict) else data


def check_spec(spec: Spec) -> Task:
    """Check a spec of the loop.

    Raises
    ------
    FlopscapeError
        A key is missing, unknown or of the wrong kind; or the tokens are not a whole number of batches.
    """
    missing = [key for key in REQUIRED if key not in spec]
    unknown = [key for key in spec if key not in REQUIRED + OPTIONAL]
    if missing or unknown:
        words = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has unknown {', '.join(unknown)}"] * bool(unknown)
        raise FlopscapeError(f"spec {' and '.join(words)}; it needs {', '.join(REQUIRED)}")
    for key in ("model", "dataset", "loss"):
        _require(_names_plugin(spec[key]), key, "a mapping with plugin")
    _require(_names_sets(spec.get("heldout", {})), "heldout", "a mapping of sets, each with dataset, metrics or both")
    _require(isinstance(spec["size"], dict), "size", "a mapping")
    _require(_is_integer(spec["seed"]) and spec["seed"] >= 0, "seed", "an integer from 0 up")
    _require(_is_integer(spec["n_tokens"]) and spec["n_tokens"] > 0, "n_tokens", "a positive integer")
    # What follows asks the settings, and so comes after they are known to be of the right kinds.
    task = Task(spec, _settings(spec.get("training", {})))
    batch_units = task.settings.batch_units
    _require(spec["n_tokens"] % batch_units == 0, "n_tokens", f"a multiple of batch_units = {batch_units}")
    _require(task.settings.has_room(spec["n_tokens"]), "n_tokens", "enough for warmup_units and decay_fraction")
    _require(
        not task.settings.needs_plan, "training", "numbers: `flopscape plan` turns power_law and by_width into them"
    )
    needs_width = task.settings.needs_width
    _require(not needs_width or "width" in task.size, "size", "a mapping with width, which learning_rate_scaling needs")
    return task


def _settings(changes: dict[str, Any]) -> TrainingSettings:
    try:
        return TrainingSettings(**changes)
    except (TypeError, ValueError) as error:
        # Python words an unknown argument in terms of the constructor: the user wrote a key.
        reason = str(error).replace("TrainingSettings.__init__() got an ", "")
        raise FlopscapeError(f"spec: training: {reason}") from error


def _names_plugin(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("plugin"), str)


def _names_sets(sets: Any) -> bool:
    """Whether these are held-out sets as a plan writes them: the study's own rows, `own`, have no dataset."""
    if not isinstance(sets, dict):
        return False
    for name, one in sets.items():
        metrics = one.get("metrics", {}) if isinstance(one, dict) else None
        if not isinstance(metrics, dict) or not {*one} <= {"dataset", "metrics"}:
            return False
        plugins = [*metrics.values(), *([] if name == OWN else [one.get("dataset")])]
        if not all(map(_names_plugin, plugins)) or (name == OWN and "dataset" in one):
            return False
    return True


def _is_integer(value: Any) -> bool:
    # To Python `true` is an integer too.
    return isinstance(value, int) and not isinstance(value, bool)


def _require(holds: bool, key: str, words: str) -> None:
    if not holds:
        raise FlopscapeError(f"spec: {key} must be {words}")
