"""Classes that a study names: its model, data, loss and trainer, and its held-out sets with their metrics."""

import re
from collections.abc import Mapping
from typing import Any, Self

from pydantic import model_validator

from flopscape.config.model import Model, Plain
from flopscape.files.json_text import Spec, canonical
from flopscape.records.metrics import ERROR, LOSS, OWN
from flopscape.text.written import shown

LOOP = "loop"
WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}")
"""What may be part of a column's name: no `@`, which stands between a metric and its set, no comma and no space."""
TAKEN = (LOSS, "bits_per_byte")
"""Names of what every set is scored by without being asked for it."""


class Plugin(Model):
    """A class loaded by import path."""

    plugin: str
    """`module:Class`, from the package or any importable path, the working directory included. Its code is run."""
    kwargs: Plain = {}
    """Arguments of the class."""

    def spec(self) -> Spec:
        """The part of a run's spec: kwargs only when there are some."""
        return {"plugin": self.plugin} | ({"kwargs": self.kwargs} if self.kwargs else {})


class HeldoutSet(Model):
    """Held-out rows that the end of every run is scored on too."""

    dataset: Plugin | None = None
    """Dataset plug-in, whose held-out split is scored. The set `own`, the study's own held-out rows, has none."""
    metrics: dict[str, Plugin] = {}
    """Metric plug-ins by name, which are scored beside the study's loss."""

    @model_validator(mode="after")
    def metrics_can_be_columns(self) -> Self:
        """`accuracy` of the set `code` becomes the column `accuracy@code`."""
        for name in self.metrics:
            refuse_no_column(name, "metric")
            if name in TAKEN:
                raise ValueError(f"metrics: {name} is scored without being asked for; name another, or none")
        return self

    def spec(self) -> Spec:
        """The part of a run's spec: only what there is."""
        dataset = {"dataset": self.dataset.spec()} if self.dataset else {}
        metrics = {name: plugin.spec() for name, plugin in self.metrics.items()}
        return dataset | ({"metrics": metrics} if metrics else {})


def refuse_no_column(name: str, kind: str) -> None:
    """Refuse the name of a set or of a metric that cannot be part of a column's name."""
    if not WORD.fullmatch(name) or name.endswith(ERROR):
        raise ValueError(
            f"{kind} name {shown(name)}: it becomes part of a column's name; begin with a letter, use letters, digits, "
            f"'.', '_' and '-', at most 60, and do not end in {ERROR}, which marks standard errors"
        )


def refuse_unclear_sets(sets: Mapping[str, HeldoutSet], dataset: Plugin | None) -> None:
    """Refuse held-out sets that are named alike, score one thing twice, or score nothing.

    Parameters
    ----------
    sets : mapping
        The sets by name.
    dataset : Plugin or None
        The study's own.
    """
    seen: dict[str, str] = {}
    data: dict[str, str] = {canonical(dataset.spec()): OWN} if dataset else {}
    for name, one in sets.items():
        refuse_no_column(name, "set")
        if (other := seen.setdefault(name.lower(), name)) != name:
            raise ValueError(f"the sets {other} and {name} are named alike; choose another name for one of them")
        _refuse_wrong_own(name, one)
        spec: Any = one.dataset and canonical(one.dataset.spec())
        if spec and (other := data.setdefault(spec, name)) != name:
            cure = "give its metrics to the set `own`" if other == OWN else "give one set all the metrics"
            raise ValueError(f"{name}: has the dataset of {other}; {cure}")


def _refuse_wrong_own(name: str, one: HeldoutSet) -> None:
    if name == OWN and one.dataset:
        raise ValueError("own: is the study's own held-out rows and has no dataset; choose another name for this set")
    if name == OWN and not one.metrics:
        raise ValueError("own: names no metrics, and the study's loss on its own rows is every run's loss already")
    if name != OWN and not one.dataset:
        raise ValueError(f"{name}.dataset is missing; only the set `own` has none, the study's own held-out rows")
