"""Checks that the models share: sizes, and shapes of images. Raise ValueError, which names the size or the key."""

from collections.abc import Sequence
from math import prod

from flopscape.plugins.base import Size

LARGEST = 10_000_000
"""Of a width or a depth: heads are divided up by trying, which ends at once below this."""


def width_and_depth(size: Size, model: str, options: tuple[str, ...] = ()) -> tuple[int, int]:
    """`width` and `depth` of a size that has both, perhaps some of `options`, and nothing else; all whole numbers."""
    needed = ("width", "depth")
    if not set(needed) <= set(size) <= {*needed, *options}:
        may = f", and may have {', '.join(options)}" if options else ""
        raise ValueError(f"size {size}: {model}'s size has width and depth{may}")
    for name, value in size.items():
        if not _is_count(value):
            raise ValueError(f"size {size}: {name} is {value!r}, not a positive integer")
        if value > LARGEST:
            raise ValueError(f"size {size}: {name} is {value}, more than {LARGEST:,}: no model is so large")
    return size["width"], size["depth"]


def head_dimension(width: int, at_least: int, multiple_of: int = 1) -> int:
    """The smallest divisor of a width that is `at_least` so large and a multiple; of a narrower model, its width.

    >>> head_dimension(48, at_least=16), head_dimension(8, at_least=16), head_dimension(50, at_least=16)
    (16, 8, 25)
    """
    if not _is_count(at_least):
        raise ValueError(f"head_dim is {at_least!r}, not a positive integer")
    # Heads share the width without a rest, so that their dimension divides it; the width itself always does.
    first = min(at_least, width)
    return next(d for d in range(first, width + 1) if width % d == 0 and d % multiple_of == 0)


class ImageInput:
    """Base of the image models: what they read, and how many classes they tell apart.

    Parameters
    ----------
    image_shape : sequence of int
        Channels, height and width of an image.
    n_classes : int
        Classes; labels are 0 … n_classes − 1.
    """

    def __init__(self, image_shape: Sequence[int] = (1, 28, 28), n_classes: int = 10) -> None:
        if len(image_shape) != 3 or not all(map(_is_count, image_shape)):
            raise ValueError(f"image_shape is {list(image_shape)}, not [channels, height, width]")
        if not _is_count(n_classes) or n_classes < 2:
            raise ValueError(f"n_classes is {n_classes!r}, not an integer from 2 up")
        self.image_shape, self.n_classes = tuple(image_shape), n_classes

    @property
    def n_pixels(self) -> int:
        """Numbers in an image."""
        return prod(self.image_shape)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
