"""Held-out sets that a run is scored on besides its own, and their metrics, loaded and checked. Imports no torch."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec, dataset_id
from flopscape.plugins.base import DatasetPlugin, Manifest, MetricPlugin
from flopscape.plugins.loading import load_plugin
from flopscape.plugins.prepare import verify_data
from flopscape.records.metrics import OWN

SHARE = "share"
"""How the unit of a metric begins whose values lie between 0 and 1."""


@dataclass(frozen=True)
class PreparedData:
    """A dataset and where it was prepared."""

    dataset: DatasetPlugin
    manifest: Manifest
    folder: Path


@dataclass(frozen=True)
class FurtherSet(PreparedData):
    """A held-out set with its prepared data, and the metrics of a study on it by name.

    The set `own` has the data of the study itself.
    """

    name: str
    metrics: dict[str, MetricPlugin]

    @property
    def is_own(self) -> bool:
        """Whether these are the study's own held-out rows, on which its loss is scored already."""
        return self.name == OWN


def load_sets(sets: Spec, own: PreparedData) -> tuple[FurtherSet, ...]:
    """The further held-out sets of a run's spec, in the order of their names.

    Parameters
    ----------
    sets : dict
        The part `heldout` of the spec.
    own : PreparedData
        The study's own data. Those of other sets lie beside them, each in a folder named by its id.

    Raises
    ------
    FlopscapeError
        A plug-in cannot be loaded, a metric has no unit, or data are missing, changed, or counted in another unit than
        the study's own.
    """
    loaded = []
    # By name and not as written: specs that differ in the order of their keys have one id, and one run.
    for name, one in sorted(sets.items()):
        metrics = {metric: _load_metric(spec) for metric, spec in sorted(one.get("metrics", {}).items())}
        if name == OWN:
            loaded.append(FurtherSet(own.dataset, own.manifest, own.folder, name, metrics))
            continue
        folder = own.folder.parent / dataset_id(one["dataset"])
        manifest = verify_data(folder, one["dataset"])
        if manifest.unit != own.manifest.unit:
            raise FlopscapeError(
                f"spec: heldout.{name}: its dataset counts {manifest.unit}s and the study's {own.manifest.unit}s; name "
                "a dataset that the model can read"
            )
        loaded.append(FurtherSet(load_part(one["dataset"], "prepare", "batches"), manifest, folder, name, metrics))
    return tuple(loaded)


def load_part(part: dict[str, Any], *needs: str) -> Any:
    """A plug-in as a spec names it, with its kwargs."""
    return load_plugin(part["plugin"], part.get("kwargs"), needs)


def _load_metric(spec: Spec) -> MetricPlugin:
    metric: MetricPlugin = load_part(spec, "__call__")
    if not isinstance(unit := getattr(metric, "unit", None), str) or not unit:
        raise FlopscapeError(
            f"plugin {spec['plugin']}: a metric needs an attribute unit, in words, such as unit = 'share correct'"
        )
    return metric


def why_wrong_sum(total: float, count: float, unit: str) -> str:
    """What is wrong with the sum that a metric returned for so many units, as the end of a sentence; or nothing.

    >>> why_wrong_sum(3.0, 2, "share correct")
    'returned 3 for 2 units, and a share lies between 0 and 1: return the sum over units and their number'
    """
    if not math.isfinite(total):
        return f"returned {total:g}, which is no number; return a finite sum"
    if not count > 0:
        return f"counted {count:g} units; return the sum over units and their number, which is positive"
    # A sum of many ones in float32 may be rounded up by its last digit.
    if unit.startswith(SHARE) and not -1e-6 <= total / count <= 1 + 1e-6:
        return (
            f"returned {total:g} for {count:g} units, and a share lies between 0 and 1: return the sum over units and "
            "their number"
        )
    return ""
