"""What a plug-in is: the protocols of models, datasets and losses, and what they tell. Imports no torch."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer


Size = dict[str, Any]


@dataclass(frozen=True)
class Counts:
    """Parameters by part, and training FLOPs (forward and backward) per unit of data.

    Body and head are what is multiplied by, the embedding what is only looked up or added. N is body + head by default,
    and every convention stands in a column of its own in the table of runs. plugins/gpt.py derives the FLOPs.
    """

    n_params_body: int
    n_params_head: int
    n_params_embedding: int
    flops_per_unit: float


@dataclass(frozen=True)
class Manifest:
    """What a prepared dataset is: written as `manifest.json` beside the data, which training depends on.

    Attributes
    ----------
    data_hash : str
        SHA-256 of everything a run can read; `prepare_dataset` fills it in.
    unit : str
        What D counts: `token`, `image`.
    n_units : dict
        Units by split, `train` and `heldout`.
    split_rule, source, licence : str
        How the split was made, where the data are from, and under which licence, in words.
    notes : dict
        Whatever else is known: the largest token or label, which models are compared with, what was dropped. Of text,
        `heldout_text` has the `n_tokens` of the whole held-out text and its `n_bytes`, for losses in bits per byte.
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
    """A loss: a sum in nats with the number of units in it, so that parts of a batch can be added up."""

    def __call__(self, module: "nn.Module", batch: dict[str, "Tensor"]) -> "tuple[Tensor, int]":
        """Summed loss in nats, and the number of units it sums over."""


class MetricPlugin(LossPlugin, Protocol):
    """Something else that a finished run is scored by on held-out rows: a sum over units like a loss, never a mean.

    A metric whose unit begins with the word share sums what lies between 0 and 1 for each unit. `higher_is_better`
    may be left out and is then false, as of a loss.
    """

    unit: str
    """What the mean over units is counted in, such as `share correct`."""
