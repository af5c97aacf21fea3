"""Labelled images of one shape, as arrays: the base of every image dataset. Imports no torch."""

import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flopscape.errors import FlopscapeError
from flopscape.plugins.base import Manifest
from flopscape.plugins.endless import items_at, ordered_positions, train_positions

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    Half = tuple[np.ndarray, np.ndarray]

NORMALISATION = "normalisation.json"
WHITE = 255
READ_PIXELS = 1 << 19
COUNTED_AT_ONCE = 4096


class ArrayImages:
    """Base of the image datasets: files, checks, repeats, normalisation and batches. A subclass gives `arrays`.

    Pixels are scaled to 0 … 1 and then, by channel, to mean 0 and standard deviation 1 over the training images.
    """

    unit = "image"
    licence: str
    split_rule: str

    def source(self) -> str:
        """Where the images come from; errors begin with it."""
        raise NotImplementedError

    def arrays(self) -> "dict[str, Half]":
        """`train` and `heldout`: images uint8 [n, channels, height, width] and labels int64 [n], counted from 0."""
        raise NotImplementedError

    def train_units(self) -> int | None:
        """Training images where their number is known before preparing, else None."""
        return None

    def prepare(self, folder: Path) -> Manifest:
        """Write images and labels of both halves as .npy files, and the normalisation as JSON, into `folder`.

        A held-out image whose exact bytes occur in training is dropped; `notes` says how many were, the shape of an
        image, and the largest label.

        Raises
        ------
        FlopscapeError
            A half is empty, arrays have other kinds or shapes than `arrays` promises, a label is negative, or all
            training pixels of a channel are equal.
        """
        import numpy as np

        halves = self.arrays()
        for name in ("train", "heldout"):
            self._refuse_unusable(name, *halves[name])
        train, heldout = halves["train"], halves["heldout"]
        if train[0].shape[1:] != heldout[0].shape[1:]:
            raise FlopscapeError(f"{self.source()}: held-out images have another shape than training images")
        # A held-out loss on an image that was trained on would measure memory; the training set stays whole, for D
        # counts it.
        fresh = ~occur_in(heldout[0], train[0])
        if not fresh.any():
            raise FlopscapeError(f"{self.source()}: every held-out image also occurs in training; split it otherwise")
        written = {"train": train, "heldout": (heldout[0][fresh], heldout[1][fresh])}
        for name, (images, labels) in written.items():
            np.save(folder / f"{name}_images.npy", np.ascontiguousarray(images))
            np.save(folder / f"{name}_labels.npy", labels.astype(np.int64))
        (folder / NORMALISATION).write_text(json.dumps(self._normalisation(train[0])) + "\n")
        notes: dict[str, Any] = {
            "image_shape": list(train[0].shape[1:]),
            "largest_label": int(max(labels.max() for _, labels in written.values())),
            "n_heldout_images_dropped": int((~fresh).sum()),
        }
        n_units = {name: len(labels) for name, (_, labels) in written.items()}
        return Manifest("", self.unit, n_units, self.split_rule, self.source(), self.licence, notes)

    def _refuse_unusable(self, name: str, images: "np.ndarray", labels: "np.ndarray") -> None:
        problem = _why_unusable(images, labels)
        if problem:
            raise FlopscapeError(f"{self.source()}: {name}: {problem}")

    def _normalisation(self, images: "np.ndarray") -> dict[str, list[float]]:
        mean, deviation = channel_moments(images)
        if not deviation.all():
            channel = int(deviation.argmin())
            raise FlopscapeError(
                f"{self.source()}: all training pixels of channel {channel} are equal; use other images"
            )
        return {"mean": mean.tolist(), "standard_deviation": deviation.tolist()}

    def batches(
        self, folder: Path, split: str, batch_units: int, seed: int, rank: int, world_size: int, start: int
    ) -> Iterator[dict[str, "Tensor"]]:
        """Batches {"images": float32 [batch, channels, height, width], "labels": int64 [batch]} from step `start` on.

        `train` is endless: every epoch visits each image once, in an order drawn from (seed, epoch). `heldout` is one
        pass in order; its last batch may be short. Rank r has the r-th part of each global batch.

        Raises
        ------
        FlopscapeError
            `batch_units` is not a multiple of `world_size`, or more than the training images.
        """
        if batch_units < 1 or batch_units % world_size:
            raise FlopscapeError(f"batch_units is {batch_units}, not a multiple of {world_size} processes")
        import numpy as np

        images, labels = (np.load(Path(folder) / f"{split}_{name}.npy", mmap_mode="r") for name in ("images", "labels"))
        if split == "train" and len(labels) < batch_units:
            raise FlopscapeError(
                f"{folder}: has {len(labels)} training images, less than a batch of {batch_units}; lower "
                "training.batch_units"
            )
        reader = _Reader(images, labels, json.loads((Path(folder) / NORMALISATION).read_text()))
        share = batch_units // world_size
        if split == "train":
            return reader.endless(share, seed, rank, world_size, start)
        return map(reader.read, ordered_positions(len(labels), start, share, rank, world_size))


class _Reader:
    """Reads prepared images at given positions."""

    def __init__(self, images: "np.ndarray", labels: "np.ndarray", normalisation: dict[str, list[float]]) -> None:
        import numpy as np

        self.images, self.labels = images, np.asarray(labels)
        mean, deviation = (np.array(normalisation[name]) for name in ("mean", "standard_deviation"))
        # (pixel/255 − mean) / deviation as one subtraction and one product of the bytes as they are.
        self.shift = (WHITE * mean).astype(np.float32)[:, None, None]
        self.scale = (1 / (WHITE * deviation)).astype(np.float32)[:, None, None]

    def endless(self, share: int, seed: int, rank: int, world_size: int, start: int) -> Iterator[dict[str, "Tensor"]]:
        """Training batches from step `start` on."""
        # Many small batches are read at once: one gather costs as much as a tiny model's whole step otherwise would.
        n_steps = max(1, READ_PIXELS // (share * self.images[0].size))
        epoch_items = partial(_epoch_order, n_images=len(self.labels), seed=seed)
        for first in count(start, n_steps):
            positions = train_positions(first, n_steps, share, rank, world_size)
            batch = self.read(items_at(positions, len(self.labels), epoch_items))
            for images, labels in zip(batch["images"], batch["labels"], strict=True):
                yield {"images": images, "labels": labels}

    def read(self, index: "np.ndarray") -> dict[str, "Tensor"]:
        """Normalised images [*index.shape, channels, height, width] and their labels [*index.shape]."""
        import numpy as np
        import torch

        # One index takes a batch, or the batches of several steps: dimensions of the index come first, those of an
        # image stay.
        images = (self.images[index].astype(np.float32) - self.shift) * self.scale
        return {"images": torch.from_numpy(images), "labels": torch.from_numpy(self.labels[index])}


# Two, for a batch that crosses the end of an epoch asks for both.
@lru_cache(maxsize=2)
def _epoch_order(epoch: int, n_images: int, seed: int) -> "np.ndarray":
    import numpy as np

    return np.random.default_rng([seed, epoch]).permutation(n_images)


def _why_unusable(images: "np.ndarray", labels: "np.ndarray") -> str:
    """What is wrong with one half, in words; empty if nothing is."""
    if images.dtype != "uint8" or images.ndim != 4:
        return f"images are {images.dtype} {list(images.shape)}, not uint8 [images, channels, height, width]"
    if not images.size:
        return "there is no image; use a larger dataset"
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        return f"labels are {labels.dtype} {list(labels.shape)}, not one integer for each of {len(images)} images"
    if labels.min() < 0:
        return f"a label is {labels.min()}; labels count classes from 0"
    return ""


def digests(images: "np.ndarray") -> list[str]:
    """SHA-256 of each image's bytes, in hexadecimal."""
    return [hashlib.sha256(image.tobytes()).hexdigest() for image in images]


def occur_in(images: "np.ndarray", reference: "np.ndarray") -> "np.ndarray":
    """Which images have the exact bytes of one of `reference`: bool [len(images)]."""
    import numpy as np

    return np.isin(digests(images), digests(reference))


def split_by_class(images: "np.ndarray", labels: "np.ndarray", share: float) -> "tuple[np.ndarray, np.ndarray]":
    """Indices of training and held-out images: of each class, `share` is held out, the first by SHA-256 of their bytes.

    Both come in the order of the hashes, in which neighbours are not of one class more often than others.
    """
    import numpy as np

    # By hash: the same images are held out in whichever order a file lists them, and a tie is two equal images.
    order = np.argsort(digests(images), kind="stable")
    heldout = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        heldout[members[: round(share * len(members))]] = True
    return order[~heldout[order]], order[heldout[order]]


def channel_moments(images: "np.ndarray") -> "tuple[np.ndarray, np.ndarray]":
    """Mean and standard deviation of the pixels of each channel, scaled to 0 … 1: both float64 [channels].

    From counts of the 256 levels: whole numbers, the same on every machine, and no copy of the images as floats. With
    the share p_v of pixels at level v: mean = Σ p_v·v/255, variance = Σ p_v·(v/255 − mean)².
    """
    import numpy as np

    levels = np.arange(WHITE + 1) / WHITE
    counts = np.zeros((images.shape[1], len(levels)))
    for first in range(0, len(images), COUNTED_AT_ONCE):
        block = images[first : first + COUNTED_AT_ONCE]
        # Of each level in each channel: 256 numbers say all that mean and variance need.
        counts += [np.bincount(block[:, channel].ravel(), minlength=len(levels)) for channel in range(len(counts))]
    shares = counts / counts.sum(axis=1, keepdims=True)
    mean = shares @ levels
    return mean, np.sqrt((shares * (levels - mean[:, None]) ** 2).sum(axis=1))
