"""MLP: a fully connected classifier of images of size {width, depth}; the module is in networks/mlp.py."""

from typing import TYPE_CHECKING, Any

from flopscape.plugins.base import Counts, Size
from flopscape.plugins.shape import ImageInput, width_and_depth

if TYPE_CHECKING:
    from torch import nn


class MLP(ImageInput):
    """Pixels, `depth` hidden ReLU layers of `width` units, and a zero-initialised head; no biases. See `ImageInput`."""

    def counts(self, size: Size) -> Counts:
        """Matrix products only: 6 FLOPs a weight and image, 4 in the first layer; no embedding.

        A weight costs 2 FLOPs in the forward pass, 2 for its own gradient and 2 for its input's (Kaplan et al. 2020,
        arXiv 2001.08361, section 2.1); nobody asks for the gradient of the pixels. The first layer is body: it is a
        matrix product like the others, and with one hidden layer it is nearly the whole model.

        >>> MLP().counts({"width": 16, "depth": 1})
        Counts(n_params_body=12544, n_params_head=160, n_params_embedding=0, flops_per_unit=51136)
        """
        width, depth = width_and_depth(size, "an MLP")
        first, hidden, head = self.n_pixels * width, (depth - 1) * width**2, width * self.n_classes
        return Counts(first + hidden, head, 0, 4 * first + 6 * (hidden + head))

    def build(self, size: Size, seed: int) -> "nn.Module":
        """The initialised module; see networks/mlp.py."""
        from flopscape.networks.mlp import MLPNetwork

        return MLPNetwork(self.n_pixels, self.n_classes, *width_and_depth(size, "an MLP"), seed=seed)

    def optimizer(self, module: "nn.Module", training: dict[str, Any]) -> None:
        """None: the loop's AdamW."""
