"""Modules of the working directory can be imported, as under `python -m`.

The plug-in protocols, and loading a plug-in by `module:Class`. Imports no torch.
"""

import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from flopscape.errors import FlopscapeError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from flopscape.records.json_text import Spec
    from flopscape.records.run_record import RunRecord


def importable() -> None:
    """Put the working directory at the end of the import path."""
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))


Size = dict[str, Any]
PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
"""`module:Class`, the module perhaps inside packages."""
LONGEST_PATH = 250


@dataclass(frozen=True)
class Counts:
    """Parameters by part, and training FLOPs (forward and backward) per unit of data."""

    n_params_body: int
    n_params_head: int
    n_params_embedding: int
    flops_per_unit: float


@dataclass(frozen=True)
class Manifest:
    """What a prepared dataset is: written as `manifest.json` beside the data, which training depends on.

    `data_hash` is the SHA-256 of everything a run can read; `n_units` counts units by split (`train`, `heldout`).
    """

    data_hash: str
    unit: str
    n_units: dict[str, int]
    split_rule: str
    source: str
    licence: str
    notes: dict[str, Any] = field(default_factory=dict)


class ModelPlugin(Protocol):
    """An architecture. `kwargs` from the study go to `__init__`.

    A plug-in may leave `counts` out and have `example_batch(size)` instead, a batch as the loss takes it: then
    parameters and FLOPs are measured on the meta device (plugins/measured.py), and an attribute `head` may name the
    submodule whose parameters are the head. An attribute `causal = True` claims that no output depends on a later
    input; `vocab_size` or `n_classes` and `context` are compared with the data's; `static_graph = True` promises that
    every training step uses the same parameters in the same way, which spares several processes the search for them.

    For `learning_rate_scaling: mup` it also has `mup_kinds(module) -> dict`: every parameter under `input`, `hidden` or
    `output`. Its initialisation must be that of Yang et al. 2022 (arXiv 2203.03466, table 3): variances ∝ 1/fan_in, of
    output weights ∝ 1/fan_in² or zero.
    """

    def counts(self, size: Size) -> Counts:
        """Exact counts of one size; a pure function. Raises ValueError for a size that cannot be built."""

    def build(self, size: Size, seed: int) -> "nn.Module":
        """The initialised module; the same seed gives the same weights. Works under torch.device("meta") too."""

    def optimizer(self, module: "nn.Module", training: dict[str, Any]) -> "Optimizer | None":
        """An optimiser of the plug-in's own, or None for the loop's AdamW."""


class DatasetPlugin(Protocol):
    """A dataset. `unit` names what D counts (`token`, `image`)."""

    unit: str

    def prepare(self, folder: Path) -> Manifest:
        """Write the data into `folder`, once; the network is allowed here and nowhere else.

        A dataset made from files of the user's may also have `source_files() -> list[str]`: when one of them changes,
        the data are prepared again.
        """

    def batches(
        self, folder: Path, split: str, batch_units: int, seed: int, rank: int, world_size: int, start: int
    ) -> Iterator[dict[str, "Tensor"]]:
        """Batches from step `start` on: endless for `train`, one ordered pass for `heldout`."""


class LossPlugin(Protocol):
    """A loss."""

    def __call__(self, module: "nn.Module", batch: dict[str, "Tensor"]) -> "tuple[Tensor, int]":
        """Summed loss in nats, and the number of units it sums over."""


class TrainerPlugin(Protocol):
    """A trainer other than the loop."""

    def train(self, spec: "Spec") -> "RunRecord":
        """Carry out one run."""


def load_plugin(path: str, kwargs: dict[str, Any] | None = None, needs: tuple[str, ...] = ()) -> Any:
    """Import `module:Class`, also from the working directory, and construct it with `kwargs`.

    Raises
    ------
    FlopscapeError
        The path has another form, cannot be imported, names no class, rejects its kwargs, or lacks one of `needs`.
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
    importable()
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise FlopscapeError(f"plugin {path}: {module_name} cannot be imported ({error})") from error
    except Exception as error:  # the code of a module may raise anything
        kind = type(error).__name__
        raise FlopscapeError(f"plugin {path}: {module_name} cannot be imported ({kind}: {error})") from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        raise FlopscapeError(f"plugin {path}: {module_name} has no class {class_name}")
    if missing := [name for name in needs if not callable(getattr(found, name, None))]:
        raise FlopscapeError(f"plugin {path}: the class has no method {', '.join(missing)}")
    return found
