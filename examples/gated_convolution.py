"""A language model that is no transformer: gated causal convolutions (Dauphin et al. 2017, arXiv 1612.08083)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import glu, pad, rms_norm

from flopscape.plugins.base import Counts


class GatedConvolution:
    """Size {width, depth}; each layer sees the last `kernel` positions of the one below."""

    causal = True  # a promise that `flopscape check-plugin` tests

    def __init__(self, vocab_size: int = 128, kernel: int = 4) -> None:
        self.vocab_size, self.kernel = vocab_size, kernel

    def counts(self, size: dict[str, int]) -> Counts:
        """Six FLOPs a matrix entry and token, forward and backward; biases, gates and lookups multiply nothing."""
        width, depth = size["width"], size["depth"]
        layers, head = depth * self.kernel * width * 2 * width, self.vocab_size * width
        return Counts(
            n_params_body=layers + depth * 2 * width,
            n_params_head=head,
            n_params_embedding=self.vocab_size * width,
            flops_per_unit=6 * (layers + head),
        )

    def build(self, size: dict[str, int], seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Network(self.vocab_size, size["width"], size["depth"], self.kernel)

    def optimizer(self, module: nn.Module, training: dict) -> None:
        """None: the loop's AdamW."""


class Network(nn.Module):
    """Tokens int64 [batch, time] to logits [batch, time, vocabulary]."""

    def __init__(self, vocab_size: int, width: int, depth: int, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.embedding = nn.Embedding(vocab_size, width)
        self.layers = nn.ModuleList(nn.Linear(kernel * width, 2 * width) for _ in range(depth))
        self.head = nn.Linear(width, vocab_size, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens)
        for layer in self.layers:
            past = [pad(x, (0, 0, ago, 0))[:, : x.shape[1]] for ago in range(self.kernel)]
            x = x + glu(layer(torch.cat(past, -1)))
        return self.head(rms_norm(x, x.shape[-1:]))
