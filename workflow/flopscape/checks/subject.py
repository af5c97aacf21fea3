"""What is checked: plug-ins, the sizes they are meant for, and the data if they are prepared."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from flopscape.plugins.base import Counts, Manifest, Size
from flopscape.plugins.loading import counts_at
from flopscape.training.further_sets import FurtherSet

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Subject:
    """Plug-ins under test; a part that is None is left out, with every check that needs it.

    `sizes` begins with the smallest. `folder` and `manifest` are those of the prepared data, `names` the import paths
    that faults are reported under; `sets` are a study's further held-out sets, if it has any.
    """

    model: Any = None
    loss: Any = None
    dataset: Any = None
    sizes: tuple[Size, ...] = ()
    batch_units: int = 0
    folder: Path | None = None
    manifest: Manifest | None = None
    names: dict[str, str] = field(default_factory=dict)
    sets: tuple[FurtherSet, ...] | None = None

    def has(self, part: str) -> bool:
        """Whether a part is there; `data` is a prepared dataset, `batch` a real batch or an example."""
        if part == "batch":
            return self.has("data") or callable(getattr(self.model, "example_batch", None))
        return getattr(self, "manifest" if part == "data" else part) is not None

    def name(self, part: str) -> str:
        """How a part is called in a fault: `model mymodel:Mine`."""
        return f"{part} {self.names.get(part) or type(getattr(self, part)).__name__}"

    @property
    def smallest(self) -> Size:
        """The size that checks run at."""
        return self.sizes[0]

    def counts(self, size: Size) -> Counts:
        """Declared counts of a size; measured ones where the model declares none."""
        return counts_at(self.model, size, self.loss)

    def module(self, seed: int = 0) -> nn.Module:
        """The model at its smallest size, in memory; torch is seeded before, as for a run."""
        torch.manual_seed(seed)
        module: nn.Module = self.model.build(self.smallest, seed)
        return module

    def batches(self, split: str = "train", units: int = 0, seed: int = 0, start: int = 0) -> Iterator[Batch]:
        """Batches for a single process."""
        return self.share(0, 1, split, units, seed, start)

    def share(
        self, rank: int, world_size: int, split: str = "train", units: int = 0, seed: int = 0, start: int = 0
    ) -> Iterator[Batch]:
        """Batches for one of several processes; `units` is the study's batch when 0."""
        units = units or self.batch_units
        batches: Iterator[Batch] = self.dataset.batches(self.folder, split, units, seed, rank, world_size, start)
        return batches

    @cached_property
    def batch(self) -> Batch:
        """The first training batch, or the model's own example of one."""
        if self.has("data"):
            return next(self.batches())
        example: Batch = self.model.example_batch(self.smallest)
        return example

    @cached_property
    def heldout(self) -> list[Batch]:
        """The whole held-out split."""
        return list(self.batches("heldout"))


def rows(batch: Batch) -> list[bytes]:
    """Each row of a batch as bytes, for comparing and hashing."""
    # Every tensor as [rows, numbers], one of labels as a single column: a row is then all bytes of it, whatever the
    # tensors are called.
    columns = [batch[key].contiguous().flatten(1) if batch[key].dim() > 1 else batch[key][:, None] for key in batch]
    return [b"".join(column[i].numpy().tobytes() for column in columns) for i in range(len(columns[0]))]


def same(one: Batch, other: Batch) -> bool:
    """Whether two batches are equal to the last bit."""
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def first(batches: Iterator[Batch], skip: int = 0) -> Batch | None:
    """The batch after `skip` others, None where there are too few."""
    return next(islice(batches, skip, None), None)
