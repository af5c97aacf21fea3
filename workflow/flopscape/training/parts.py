"""The checked parts of a run: its plug-ins, counts and data. Imports no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flopscape.errors import FlopscapeError
from flopscape.plugins.base import Counts, DatasetPlugin, LossPlugin, Manifest, ModelPlugin, load_plugin
from flopscape.plugins.prepare import verify_data
from flopscape.training.spec import Task


@dataclass(frozen=True)
class Parts:
    """Everything a run needs besides torch."""

    task: Task
    model: ModelPlugin
    dataset: DatasetPlugin
    loss: LossPlugin
    counts: Counts
    manifest: Manifest
    folder: Path


def load_parts(task: Task, folder: Path) -> Parts:
    """Load a run's plug-ins and check that they and the data in `folder` belong together.

    Raises
    ------
    FlopscapeError
        A plug-in cannot be loaded, the model refuses the size, the data are not those that were prepared, or model
        and data differ in vocabulary or context.
    """
    mup = ("mup_kinds",) if task.settings.learning_rate_scaling == "mup" else ()
    model = _load(task.spec["model"], "counts", "build", "optimizer", *mup)
    dataset = _load(task.spec["dataset"], "prepare", "batches")
    loss = _load(task.spec["loss"], "__call__")
    try:
        counts = model.counts(task.size)
    except (ValueError, KeyError, TypeError) as error:
        raise FlopscapeError(f"spec: {task.spec['model']['plugin']} refuses the size: {error}") from error
    parts = Parts(task, model, dataset, loss, counts, verify_data(folder, task.spec["dataset"]), folder)
    _check_vocabulary(parts)
    _check_context(parts)
    return parts


def _load(part: dict[str, Any], *needs: str) -> Any:
    return load_plugin(part["plugin"], part.get("kwargs"), needs)


def _check_vocabulary(parts: Parts) -> None:
    vocabulary, largest = getattr(parts.model, "vocab_size", None), parts.manifest.notes.get("largest_token")
    if vocabulary is not None and largest is not None and largest >= vocabulary:
        raise FlopscapeError(
            f"{parts.folder}: the data hold token {largest}, beyond the model's vocabulary of {vocabulary}; set the "
            f"model's vocab_size to at least {largest + 1}"
        )


def _check_context(parts: Parts) -> None:
    """A model counts its attention's FLOPs for its own context: the data must come in windows of that length."""
    models, datasets = getattr(parts.model, "context", None), getattr(parts.dataset, "context", None)
    if models is not None and datasets is not None and models != datasets:
        raise FlopscapeError(f"spec: the model's context is {models} and the dataset's {datasets}; make them equal")
