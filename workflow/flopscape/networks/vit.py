"""The encoder behind plugins/vit.py, apart from it because it needs torch and the plan does not."""

import torch
from torch import Tensor, nn

from flopscape.networks.transformer import initialise, normalise, transformer_layers


class ViTNetwork(nn.Module):
    """Vision transformer without gains and biases: images float32 [batch, channels, height, width] → [batch, classes].

    RMSNorm before every block and before the head; ReLU² MLP. The patches' projection starts at N(0, 1/fan_in),
    positions at N(0, 1), layers as in networks/transformer.py, and query and head at zero, so that an untrained
    network pools by the plain mean and scores ln(classes) exactly.

    Parameters
    ----------
    image_shape : tuple of int
        Channels, height and width.
    n_classes, patch : int
        Classes, and the side of a patch in pixels.
    pool : bool
        Whether the head reads a mean of the positions weighted by a learned query, and not all of them side by side.
    width, depth, head_dim, hidden : int
        Residual width, layers, width of a head, hidden width of the MLP.
    seed : int
        Seed of the weights.
    """

    def __init__(
        self,
        image_shape: tuple[int, ...],
        n_classes: int,
        patch: int,
        pool: bool,
        width: int,
        depth: int,
        head_dim: int,
        hidden: int,
        seed: int,
    ) -> None:
        super().__init__()
        channels, height, breadth = image_shape
        n_positions = height // patch * (breadth // patch)
        self.patch = patch
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.projection = nn.Linear(channels * patch**2, width, bias=False)
            self.positions = nn.Parameter(torch.randn(n_positions, width))
            self.layers = transformer_layers(width, depth, head_dim, hidden, "relu2", causal=False)
            self.query = nn.Linear(width, 1, bias=False) if pool else None
            self.head = nn.Linear(width if pool else n_positions * width, n_classes, bias=False)
            nn.init.normal_(self.projection.weight, std=self.projection.in_features**-0.5)
            initialise(self.layers)
        # A query of zeros weighs all positions alike, and a head of zeros gives every class the same logit.
        for matrix in (self.query, self.head):
            if matrix is not None:
                nn.init.zeros_(matrix.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of the classes."""
        batch = len(images)
        # [b·positions, c·side²] → [b·positions, width] → [b, positions, width]; the positions' vectors are added to
        # every image.
        x = self.projection(patches(images, self.patch)).unflatten(0, (batch, -1)) + self.positions
        x = x.flatten(0, 1)
        for layer in self.layers:
            x = x + layer(normalise(x), None, batch)
        x = normalise(x)
        # Flattened [b, positions·width], or the mean [b, width] that a query weighs.
        logits: Tensor = self.head(x.view(batch, -1) if self.query is None else pool(x, self.query(x), batch))
        return logits


def patches(images: Tensor, side: int) -> Tensor:
    """Square patches, row by row: [batch, channels, height, width] → [batch · positions, channels · side²]."""
    # [b, c, H, W] → [b, c, H/s, s, W/s, s]: which patch, and which pixel inside it, along each side.
    tiles: Tensor = images.unflatten(3, (-1, side)).unflatten(2, (-1, side))
    # → [b, H/s, W/s, c, s, s]: the patch first, its numbers last, then each joined to one dimension.
    return tiles.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(0, 2)


def pool(x: Tensor, scores: Tensor, batch: int) -> Tensor:
    """Mean over an image's positions weighted by softmax(scores): [batch · positions, width] → [batch, width]."""
    # [b, 1, positions] @ [b, positions, width] is a weighted sum over positions; softmax makes the weights add up to 1.
    weights = scores.view(batch, 1, -1).softmax(dim=-1)
    mean: Tensor = (weights @ x.unflatten(0, (batch, -1))).squeeze(1)
    return mean
