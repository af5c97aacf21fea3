"""The classifier behind plugins/mlp.py, apart from it because it needs torch and the plan does not."""

import torch
from torch import nn


class MLPNetwork(nn.Sequential):
    """Fully connected: images float32 [batch, channels, height, width] → logits [batch, classes].

    Matrices start at N(0, 2/fan_in) (He et al. 2015, arXiv 1502.01852, equation 10) and the head at zero, so that an
    untrained network scores ln(classes) exactly.

    Parameters
    ----------
    n_pixels, n_classes : int
        Numbers in an image, and classes.
    width, depth : int
        Units of a hidden layer, and hidden layers.
    seed : int
        Seed of the weights.
    """

    def __init__(self, n_pixels: int, n_classes: int, width: int, depth: int, seed: int) -> None:
        super().__init__(nn.Flatten())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            # h = Σ w·x over fan_in terms has the variance fan_in·Var(w)·E[x²]. ReLU sets the negative half of a
            # symmetric input to zero, and so halves E[x²]: with Var(w) = 2/fan_in the next layer is as large as this
            # one.
            for fan_in in [n_pixels] + [width] * (depth - 1):
                matrix = nn.Linear(fan_in, width, bias=False)
                nn.init.normal_(matrix.weight, std=(2 / fan_in) ** 0.5)
                self.extend([matrix, nn.ReLU()])
            head = nn.Linear(width, n_classes, bias=False)
        nn.init.zeros_(head.weight)
        self.append(head)
