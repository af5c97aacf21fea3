"""ViT: a vision transformer of size {width, depth}; the module is in networks/vit.py."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flopscape.plugins.base import Counts, Size
from flopscape.plugins.shape import ImageInput, head_dimension, width_and_depth

if TYPE_CHECKING:
    from torch import nn

POOLINGS = ("flatten", "attention")


class ViT(ImageInput):
    """Pre-norm encoder of square patches with learned positions (Dosovitskiy et al. 2021, arXiv 2010.11929).

    No class token, gains or biases; ReLU² MLP; a zero-initialised head.

    Parameters
    ----------
    image_shape, n_classes
        See `ImageInput`.
    patch : int
        Side of a patch in pixels; divides the image's height and width.
    pooling : {"flatten", "attention"}
        What the head reads: all positions side by side, or their mean weighted by a learned query.
    head_dim : int
        Least width of one attention head.
    mlp_ratio : float
        Hidden width of the MLP over the model width.
    """

    def __init__(
        self,
        image_shape: Sequence[int] = (1, 28, 28),
        n_classes: int = 10,
        patch: int = 7,
        pooling: str = "flatten",
        head_dim: int = 16,
        mlp_ratio: float = 4,
    ) -> None:
        super().__init__(image_shape, n_classes)
        _, height, width = self.image_shape
        if patch < 1 or height % patch or width % patch:
            raise ValueError(f"patch is {patch}, which does not divide an image of {height} × {width} pixels")
        if pooling not in POOLINGS:
            raise ValueError(f"pooling is {pooling!r}, not one of {', '.join(POOLINGS)}")
        self.patch, self.pooling, self.head_dim, self.mlp_ratio = patch, pooling, head_dim, mlp_ratio
        self.n_positions = height // patch * (width // patch)

    def counts(self, size: Size) -> Counts:
        """Matrix products only, forward and backward, per image; plugins/gpt.py derives 6 a weight and 12·width·t.

        With p positions (patches) an image costs p·(4·projection + 6·layers + 12·depth·width·p) + head:

        - *projection* of a patch's pixels onto the width: 4 FLOPs a weight and position, 2 forward and 2 for the
          weight's own gradient; the third 2 would be for the gradient of the pixels, which nobody asks for;
        - *layers*: 4·width² of attention and 2·width·hidden of the MLP each, 6 FLOPs a weight and position;
        - *attention*: each of p positions meets all p, 12·width·p a layer and position, as for a token with a context
          of p, and here no score is masked;
        - *head*: see `_head`.

        The projection is a matrix product and so counts as body. Embedding are the learned positions: they are added,
        not multiplied by, and cost nothing.

        Raises
        ------
        ValueError
            The size lacks width or depth, or cannot be built.

        Examples
        --------
        >>> ViT(patch=7).counts({"width": 32, "depth": 1})
        Counts(n_params_body=13856, n_params_head=5120, n_params_embedding=512, flops_per_unit=1409024)
        """
        width, depth, _ = self.shape(size)
        # channels · patch² numbers of a patch, each with a weight for each of `width` sums.
        projection = self.n_pixels // self.n_positions * width
        layers = depth * width * (4 * width + 2 * self.hidden_width(width))
        attention = 12 * depth * width * self.n_positions
        head, head_flops = self._head(width)
        flops = self.n_positions * (4 * projection + 6 * layers + attention) + head_flops
        return Counts(projection + layers, head, self.n_positions * width, flops)

    def _head(self, width: int) -> tuple[int, int]:
        """Parameters of the head, and its FLOPs per image.

        Flattened, it reads p·width numbers once: 6 a weight. Under attention pooling a query of `width` weights scores
        every position (6·width·p) and the scores weigh a mean of them: a product of p scores with p × width numbers,
        2·width·p forward and two as large backward (6·width·p). What is pooled has `width` numbers for the classes.
        """
        if self.pooling == "flatten":
            n_params = self.n_positions * width * self.n_classes
            return n_params, 6 * n_params
        return width * (self.n_classes + 1), 6 * width * self.n_classes + 12 * width * self.n_positions

    def shape(self, size: Size) -> tuple[int, int, int]:
        """Width, depth and head dimension of a size, checked."""
        width, depth = width_and_depth(size, "a ViT")
        return width, depth, head_dimension(width, self.head_dim)

    def hidden_width(self, width: int) -> int:
        """Hidden width of the MLP."""
        return round(self.mlp_ratio * width)

    def build(self, size: Size, seed: int) -> "nn.Module":
        """The initialised module; see networks/vit.py."""
        from flopscape.networks.vit import ViTNetwork

        width, depth, head_dim = self.shape(size)
        attend = self.pooling == "attention"
        hidden = self.hidden_width(width)
        return ViTNetwork(self.image_shape, self.n_classes, self.patch, attend, width, depth, head_dim, hidden, seed)

    def optimizer(self, module: "nn.Module", training: dict[str, Any]) -> None:
        """None: the loop's AdamW."""
