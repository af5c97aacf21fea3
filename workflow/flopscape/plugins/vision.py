"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) through torchvision, the extra `vision`. Imports no torch.

torchvision downloads, checks and reads the archive when the data are prepared; training does without it.
"""

from contextlib import nullcontext
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

from flopscape.errors import FlopscapeError
from flopscape.plugins.images import ArrayImages

if TYPE_CHECKING:
    from flopscape.plugins.images import Half

N_TRAIN = 50_000


class CIFAR10(ArrayImages):
    """Colour images of 32 × 32 pixels in ten classes: 50,000 to train on, the 10,000 test images held out.

    Parameters
    ----------
    root : str, optional
        Folder with the archive as torchvision keeps it; downloaded into it where it is not. Without one it is
        downloaded and not kept.
    """

    name: ClassVar[str] = "CIFAR10"
    licence = "not stated by the authors"
    split_rule = "the dataset's own test images are held out"

    def __init__(self, root: str | None = None) -> None:
        self.root = root

    def source(self) -> str:
        """The class of torchvision that reads the archive."""
        return f"torchvision.datasets.{self.name}"

    def train_units(self) -> int:
        """Images of one epoch."""
        return N_TRAIN

    def arrays(self) -> "dict[str, Half]":
        """The images by half.

        Raises
        ------
        FlopscapeError
            torchvision is not installed or does not fit torch, or the archive can neither be read nor downloaded.
        """
        try:
            from torchvision import datasets
        except (ImportError, RuntimeError) as error:
            raise FlopscapeError(
                f"{self.source()}: torchvision cannot be imported ({error}); run pip install 'flopscape[vision]' "
                "-c envs/constraints-vision.txt in an environment of its own"
            ) from error
        # By name: torchvision is imported here and not when the plan asks for the class.
        kind = getattr(datasets, self.name)
        with nullcontext(self.root) if self.root else TemporaryDirectory() as root:
            try:
                halves = {"train": kind(root, train=True, download=True), "heldout": kind(root, train=False)}
            except (OSError, RuntimeError) as error:
                raise FlopscapeError(
                    f"{self.source()}: can neither be read nor downloaded ({error}); name a folder that holds it in "
                    "root, or prepare the data where there is a network"
                ) from error
        return {half: _arrays(images) for half, images in halves.items()}


class CIFAR100(CIFAR10):
    """Colour images of 32 × 32 pixels in a hundred classes; otherwise as CIFAR-10."""

    name = "CIFAR100"


def _arrays(images: Any) -> "Half":
    """Images uint8 [n, channels, height, width] and labels int64 [n] of a dataset of torchvision."""
    import numpy as np

    return np.moveaxis(images.data, 3, 1), np.asarray(images.targets, dtype=np.int64)
