"""Counts of a model: those it declares, or those measured on the meta device. Importing this imports no torch."""

from typing import Any

from flopscape.plugins.base import Counts, LossPlugin, ModelPlugin, Size, import_class, load_plugin


def load_model(path: str, kwargs: dict[str, Any] | None = None, needs: tuple[str, ...] = ("build",)) -> ModelPlugin:
    """A model plug-in that declares its counts, or has the `example_batch` that they are measured with."""
    measurable = callable(getattr(import_class(path), "example_batch", None))
    model: ModelPlugin = load_plugin(path, kwargs, needs if measurable else ("counts", *needs))
    return model


def declares_counts(model: object) -> bool:
    """Whether a plug-in has `counts` of its own; `counts = None` is the same as none."""
    return callable(getattr(model, "counts", None))


def counts_at(model: Any, size: Size, loss: LossPlugin | None) -> Counts:
    """Counts of one size.

    Raises
    ------
    ValueError
        The model refuses the size, or declares nothing and cannot be measured.
    """
    if declares_counts(model):
        return model.counts(size)
    from flopscape.plugins.measured import measure_counts

    return measure_counts(model, size, loss)
