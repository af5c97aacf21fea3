"""Any Hugging Face image dataset, read once, when it is prepared. Imports no torch."""

from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from flopscape.errors import FlopscapeError
from flopscape.plugins.hub import Opened, local_files, open_dataset
from flopscape.plugins.images import ArrayImages, split_by_class

if TYPE_CHECKING:
    import numpy as np

    from flopscape.plugins.images import Half

HELDOUT_SHARE = 0.1


class HubImages(ArrayImages):
    """Labelled images of a dataset on the Hub or in a folder; needs the extra `hub`. All are held in memory once.

    Parameters
    ----------
    path : str
        A name on the Hub, a folder written by `save_to_disk`, or a folder of data files.
    name : str, optional
        Configuration of the dataset.
    revision : str, optional
        Commit, tag or branch; the manifest names the commit that was read.
    split, heldout_split : str
        Splits to train on and to hold out. Without `heldout_split`, images of each class of `split` are held out by
        the hash of their bytes.
    heldout_share : float
        Their share.
    image, label : str
        Columns of the images, and of the classes as integers from 0 up.
    mode : {"RGB", "L"}
        Colour, three channels, or grey, one.
    side : int, optional
        Height and width that images are resized to; all have one shape when left out.
    max_images : int, optional
        Images of `split` to read, in the order of the dataset; then no more is downloaded than they need.
    """

    def __init__(
        self,
        path: str,
        name: str | None = None,
        revision: str | None = None,
        split: str = "train",
        heldout_split: str | None = None,
        heldout_share: float = HELDOUT_SHARE,
        image: str = "image",
        label: str = "label",
        mode: Literal["RGB", "L"] = "RGB",
        side: int | None = None,
        max_images: int | None = None,
    ) -> None:
        if not 0 < heldout_share < 1:
            raise ValueError(f"heldout_share is {heldout_share!r}, not between 0 and 1")
        if mode not in ("RGB", "L"):
            raise ValueError(f"mode is {mode!r}, not RGB or L")
        self.path, self.name, self.revision, self.image, self.label = path, name, revision, image, label
        self.split, self.heldout_split, self.heldout_share = split, heldout_split, heldout_share
        self.mode, self.side, self.max_images = mode, side, max_images
        self.licence, self._source = "not stated", path
        self.split_rule = f"of each class, the {heldout_share:.3g} of images whose SHA-256 comes first are held out"
        if heldout_split:
            self.split_rule = f"the split {heldout_split} is held out"

    def source(self) -> str:
        """The dataset, with its commit once it was opened."""
        return self._source

    def source_files(self) -> list[str]:
        """The files of a folder: when one changes, the data are prepared again."""
        return local_files(self.path)

    def arrays(self) -> "dict[str, Half]":
        """Images and labels of both halves.

        Raises
        ------
        FlopscapeError
            The dataset, a split or a column cannot be had, or rows hold no images, or images of several shapes.
        """
        # With a number of images no more is downloaded than they need; without one, all of it first.
        opened = open_dataset(self.path, self.name, self.revision, stream=self.max_images is not None)
        self._source, self.licence = f"{opened.description}, split {self.split}", opened.licence
        images, labels = self._read(opened, self.split, self.max_images)
        if self.heldout_split:
            return {"train": (images, labels), "heldout": self._read(opened, self.heldout_split, None)}
        train, heldout = split_by_class(images, labels, self.heldout_share)
        return {"train": (images[train], labels[train]), "heldout": (images[heldout], labels[heldout])}

    def _read(self, opened: Opened, split: str, max_images: int | None) -> "Half":
        """A split as images uint8 [n, channels, height, width] and labels [n]."""
        import numpy as np

        images: list[np.ndarray] = []
        labels: list[int] = []
        for number, row in enumerate(islice(opened.rows(split, [self.image, self.label]), max_images)):
            where = f"{opened.description}: row {number} of split {split}"
            images.append(self._pixels(row[self.image], where))
            labels.append(self._class(row[self.label], where))
            # Looked at row by row, so that the first odd one is named and not the whole split read in vain.
            if images[-1].shape != images[0].shape:
                raise FlopscapeError(
                    f"{where}: an image of shape {list(images[-1].shape)} where the first has {list(images[0].shape)}; "
                    "set side to resize all"
                )
        if not images:
            raise FlopscapeError(f"{opened.description}: split {split} holds no rows; use a larger dataset")
        return np.stack(images), np.array(labels, dtype=np.int64)

    def _class(self, label: Any, where: str) -> int:
        if not isinstance(label, int):
            raise FlopscapeError(
                f"{where} has a {type(label).__name__} in column {self.label}, not an integer; name a column of classes"
            )
        return label

    def _pixels(self, image: Any, where: str) -> "np.ndarray":
        """An image as uint8 [channels, height, width], resized if asked for."""
        import numpy as np
        from PIL.Image import Image, Resampling

        if not isinstance(image, Image):
            raise FlopscapeError(
                f"{where} has a {type(image).__name__} in column {self.image}, not an image; name a column of images"
            )
        coloured = image.convert(self.mode)
        if self.side is not None:
            coloured = coloured.resize((self.side, self.side), Resampling.BILINEAR)
        pixels = np.asarray(coloured)
        # Pillow gives [height, width] for grey images, and colours last for others: [height, width, 3].
        return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0)
