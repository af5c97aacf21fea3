"""Loading a plug-in by `module:Class`, and what a model says of itself: its counts, its number of classes.

Importing this imports no torch; a plug-in that is loaded may.
"""

import importlib
import os
import re
from typing import Any

from flopscape.errors import FlopscapeError
from flopscape.fingerprint import extend_import_path
from flopscape.plugins.base import Counts, LossPlugin, ModelPlugin, Size

PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
"""`module:Class`, the module perhaps inside packages."""
LONGEST_PATH = 250


def load_plugin(path: str, kwargs: dict[str, Any] | None = None, needs: tuple[str, ...] = ()) -> Any:
    """Import `module:Class`, also from the working directory, and construct it with `kwargs`.

    Parameters
    ----------
    path : str
        Such as `flopscape.plugins.gpt:GPT`.
    kwargs : dict, optional
        Arguments of its `__init__`.
    needs : tuple of str
        Methods that it must have.

    Raises
    ------
    FlopscapeError
        The path has another form, cannot be imported, names no class, rejects its kwargs, or lacks one of `needs`.

    Examples
    --------
    >>> load_plugin("flopscape.plugins.gpt:GPT", {"context": 128}, needs=("build",)).context
    128
    """
    plugin_class = import_class(path, needs)
    try:
        return plugin_class(**(kwargs or {}))
    except FlopscapeError:
        raise
    except (TypeError, ValueError) as error:
        raise FlopscapeError(f"plugin {path}: cannot be constructed with kwargs {kwargs or {}}: {error}") from error
    except Exception as error:  # the code of a plug-in may raise anything
        kind = type(error).__name__
        raise FlopscapeError(f"plugin {path}: cannot be constructed with kwargs {kwargs}: {kind}: {error}") from error


def is_path(path: str) -> bool:
    """Whether a text has the form `module:Class`."""
    return len(path) <= LONGEST_PATH and PATH.fullmatch(path) is not None


def import_class(path: str, needs: tuple[str, ...] = ()) -> type:
    """The class behind `module:Class`, with the methods `needs`; see `load_plugin` for what is raised."""
    if not is_path(path):
        raise FlopscapeError(f"plugin {path!r}: write it as module:Class, for example flopscape.plugins.gpt:GPT")
    module_name, _, class_name = path.partition(":")
    # A study's own modules lie beside its config, in the folder where the workflow runs.
    extend_import_path()
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise FlopscapeError(f"plugin {path}: {module_name} cannot be imported ({error})") from error
    except Exception as error:  # the code of a module may raise anything
        kind = type(error).__name__
        raise FlopscapeError(f"plugin {path}: {module_name} cannot be imported ({kind}: {error})") from error
    plugin_class = getattr(module, class_name, None)
    if not isinstance(plugin_class, type):
        raise FlopscapeError(f"plugin {path}: {module_name} has no class {class_name}")
    if missing := [name for name in needs if not has_method(plugin_class, name)]:
        raise FlopscapeError(f"plugin {path}: the class has no method {', '.join(missing)}")
    return plugin_class


def source_files(path: str, kwargs: dict[str, Any] | None = None) -> list[str]:
    """Files of the user's that a dataset of the package is made from, seen from the folder where commands run.

    Raises
    ------
    FlopscapeError
        One of them is not there.
    """
    if not path.startswith("flopscape."):
        return []
    files: list[str] = getattr(load_plugin(path, kwargs), "source_files", list)()
    if absent := [file for file in files if not os.path.isfile(file)]:
        seen = "" if all(map(os.path.isabs, absent)) else f", seen from {os.getcwd()}"
        raise FlopscapeError(f"dataset {path}: {', '.join(absent)}: no such file{seen}; correct its kwargs")
    return files


def has_method(plugin_class: type, name: str) -> bool:
    """Whether a class or a base of it defines a method.

    Every class can be called, which makes an instance: only a `__call__` that is defined somewhere makes a loss.

    >>> from flopscape.plugins.losses import NextToken
    >>> has_method(NextToken, "__call__"), has_method(dict, "__call__")
    (True, False)
    """
    defined = any(name in vars(base) for base in plugin_class.__mro__)
    return defined and callable(getattr(plugin_class, name, None))


def load_model(path: str, kwargs: dict[str, Any] | None = None, needs: tuple[str, ...] = ("build",)) -> ModelPlugin:
    """A model plug-in that declares its counts, or has the `example_batch` that they are measured with."""
    measurable = callable(getattr(import_class(path), "example_batch", None))
    model: ModelPlugin = load_plugin(path, kwargs, needs if measurable else ("counts", *needs))
    return model


def class_limit(model: object) -> tuple[str, int] | None:
    """How many tokens or classes a model tells apart, by the attribute that says so: `vocab_size` or `n_classes`.

    >>> from flopscape.plugins.mlp import MLP
    >>> class_limit(MLP(n_classes=10))
    ('n_classes', 10)
    """
    limits = ((name, getattr(model, name, None)) for name in ("vocab_size", "n_classes"))
    return next(((name, int(number)) for name, number in limits if number), None)


def declares_counts(model: object) -> bool:
    """Whether a plug-in has `counts` of its own; `counts = None` is the same as none."""
    return callable(getattr(model, "counts", None))


def counts_at(model: ModelPlugin, size: Size, loss: LossPlugin | None) -> Counts:
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
