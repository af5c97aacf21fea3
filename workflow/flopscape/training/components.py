"""The checked parts of a run: its plug-ins, counts and data. Imports no torch."""

from dataclasses import dataclass, replace
from pathlib import Path

from flopscape.errors import FlopscapeError
from flopscape.plugins.base import Counts, DatasetPlugin, LossPlugin, Manifest, ModelPlugin
from flopscape.plugins.loading import counts_at, load_model
from flopscape.plugins.prepare import verify_data
from flopscape.training.further_sets import FurtherSet, PreparedData, load_part, load_sets
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
    sets: tuple[FurtherSet, ...] = ()


def load_parts(task: Task, folder: Path) -> Parts:
    """Load a run's plug-ins and check that they and the data in `folder` belong together.

    The data of further held-out sets lie beside `folder`, each in the folder of its id.

    Raises
    ------
    FlopscapeError
        A plug-in cannot be loaded, the model refuses the size, the data are not those that were prepared, or model
        and data differ in vocabulary, context, classes or the shape of an image.
    """
    # Asked for now, and not when the optimiser is made: data and GPUs would be waited for in vain.
    mup = ("mup_kinds",) if task.settings.learning_rate_scaling == "mup" else ()
    model = load_model(task.spec["model"]["plugin"], task.spec["model"].get("kwargs"), ("build", "optimizer", *mup))
    dataset = load_part(task.spec["dataset"], "prepare", "batches")
    loss = load_part(task.spec["loss"], "__call__")
    try:
        # The code of a plug-in that was never meant to see such a size: whatever it trips over, the size is what to
        # change.
        counts = counts_at(model, task.size, loss)
    except (ValueError, KeyError, TypeError) as error:
        raise FlopscapeError(f"spec: {task.spec['model']['plugin']} refuses the size: {error}") from error
    parts = Parts(task, model, dataset, loss, counts, verify_data(folder, task.spec["dataset"]), folder)
    own = PreparedData(dataset, parts.manifest, folder)
    parts = replace(parts, sets=load_sets(task.spec.get("heldout", {}), own))
    for data in (own, *parts.sets):
        refuse_misfit(model, data)
    return parts


def refuse_misfit(model: ModelPlugin, data: PreparedData) -> None:
    """FlopscapeError where model and data differ in vocabulary, classes, the shape of an image, or context."""
    _check_vocabulary(model, data)
    _check_images(model, data)
    _check_context(model, data)


def _check_vocabulary(model: ModelPlugin, data: PreparedData) -> None:
    vocabulary, notes = getattr(model, "vocab_size", None), data.manifest.notes
    largest, tokenizer = notes.get("largest_token"), notes.get("tokenizer", {})
    # The tokeniser's size is asked first: a rare token may be missing in the data that were prepared and come in the
    # next. A plug-in of the user's own may declare neither, and then nothing is compared.
    if vocabulary is not None and tokenizer.get("size", 0) > vocabulary:
        raise FlopscapeError(
            f"{data.folder}: the tokenizer {tokenizer['name']} has {tokenizer['size']} tokens, more than the model's "
            f"vocabulary of {vocabulary}; set the model's vocab_size to at least {tokenizer['size']}"
        )
    if vocabulary is not None and largest is not None and largest >= vocabulary:
        raise FlopscapeError(
            f"{data.folder}: the data hold token {largest}, beyond the model's vocabulary of {vocabulary}; set the "
            f"model's vocab_size to at least {largest + 1}"
        )


def _check_images(model: ModelPlugin, data: PreparedData) -> None:
    classes, largest = getattr(model, "n_classes", None), data.manifest.notes.get("largest_label")
    if classes is not None and largest is not None and largest >= classes:
        raise FlopscapeError(
            f"{data.folder}: the data hold label {largest}, beyond the model's {classes} classes; set the model's "
            f"n_classes to at least {largest + 1}"
        )
    of_model, of_data = getattr(model, "image_shape", None), data.manifest.notes.get("image_shape")
    if of_model is not None and of_data is not None and list(of_model) != list(of_data):
        raise FlopscapeError(
            f"{data.folder}: images are {of_data} (channels, height, width) and the model reads {list(of_model)}; set "
            "the model's image_shape"
        )


def _check_context(model: ModelPlugin, data: PreparedData) -> None:
    """A model counts its attention's FLOPs for its own context: the data must come in windows of that length."""
    of_model, of_data = getattr(model, "context", None), getattr(data.dataset, "context", None)
    if of_model is not None and of_data is not None and of_model != of_data:
        raise FlopscapeError(f"spec: the model's context is {of_model} and the dataset's {of_data}; make them equal")
