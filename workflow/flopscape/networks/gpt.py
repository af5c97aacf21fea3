"""The decoder behind plugins/gpt.py."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, rms_norm, scaled_dot_product_attention, silu

ROTARY_BASE = 10_000.0
"""Longest rotary wavelength over 2π, in tokens (Su et al. 2021, arXiv 2104.09864, section 3.2.2)."""


class GPTNetwork(nn.Module):
    """Decoder-only transformer without gains and biases: tokens int64 [batch, time] → logits [batch, time, vocabulary].

    RMSNorm before every block and before the head; rotary positions; ReLU² (So et al. 2021, arXiv 2109.08668) or SwiGLU
    (Shazeer 2020, arXiv 2002.05202) MLP. Matrices start at N(0, 1/fan_in), those that write to the residual stream
    divided by √(2·depth) (Radford et al. 2019), embeddings at N(0, 1) and the untied head at zero, so that an untrained
    network scores ln(vocabulary) exactly.

    Parameters
    ----------
    vocab_size, context : int
        Vocabulary, and the longest sequence, in tokens.
    width, depth, head_dim, hidden : int
        Residual width, layers, width of a head, hidden width of the MLP.
    mlp : {"relu2", "swiglu"}
        Kind of the MLP.
    seed : int
        Seed of the weights.
    """

    rotation: Tensor

    def __init__(
        self, vocab_size: int, context: int, width: int, depth: int, head_dim: int, hidden: int, mlp: str, seed: int
    ) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embedding = nn.Embedding(vocab_size, width)
            self.layers = nn.ModuleList(
                part for _ in range(depth) for part in (Attention(width, head_dim), MLP(width, hidden, mlp))
            )
            self.head = nn.Linear(width, vocab_size, bias=False)
            self._initialise()
        self.register_buffer("rotation", rotary_table(context, head_dim), persistent=False)

    def _initialise(self) -> None:
        nn.init.normal_(self.embedding.weight)
        nn.init.zeros_(self.head.weight)
        for name, matrix in self.layers.named_modules():
            if isinstance(matrix, nn.Linear):
                shrink = math.sqrt(len(self.layers)) if name.endswith("output") else 1
                nn.init.normal_(matrix.weight, std=matrix.in_features**-0.5 / shrink)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of the next token at every position."""
        batch, time = tokens.shape
        rotation = self.rotation[:time]
        # Tokens stay in one dimension between the layers: on a CPU a 2-d nn.Linear takes half the time of a 3-d one.
        x = self.embedding(tokens.reshape(-1))
        for layer in self.layers:
            x = x + layer(normalise(x), rotation, batch)
        return self.head(normalise(x)).unflatten(0, (batch, time))


class Attention(nn.Module):
    """Causal multi-head attention: [batch · time, width] → the same."""

    def __init__(self, width: int, head_dim: int) -> None:
        super().__init__()
        self.head_dim, self.n_heads = head_dim, width // head_dim
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, rotation: Tensor, batch: int) -> Tensor:
        heads = self.query_key_value(x).view(batch, -1, 3 * self.n_heads, self.head_dim).transpose(1, 2)
        query_key, value = heads.split((2 * self.n_heads, self.n_heads), dim=1)
        query, key = rotate(query_key, rotation).chunk(2, dim=1)
        mixed = scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.output(mixed.transpose(1, 2).reshape(x.shape))


class MLP(nn.Module):
    """ReLU² or SwiGLU: [batch · time, width] → the same; the positions are ignored."""

    def __init__(self, width: int, hidden: int, kind: str) -> None:
        super().__init__()
        self.gated = kind == "swiglu"
        self.input = nn.Linear(width, 2 * hidden if self.gated else hidden, bias=False)
        self.output = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor, rotation: Tensor, batch: int) -> Tensor:
        hidden = self.input(x)
        if self.gated:
            gate, value = hidden.chunk(2, dim=-1)
            return self.output(silu(gate) * value)
        return self.output(hidden * relu(hidden))


def normalise(x: Tensor) -> Tensor:
    """RMSNorm without a gain (Zhang and Sennrich 2019, arXiv 1910.07467)."""
    return rms_norm(x, (x.shape[-1],))


def rotary_table(context: int, head_dim: int) -> Tensor:
    """e^(i·position·frequency), complex64 [context, head_dim / 2]."""
    frequencies = ROTARY_BASE ** -torch.linspace(0, 1, head_dim // 2 + 1)[:-1]
    angles = torch.outer(torch.arange(context), frequencies)
    return torch.polar(torch.ones_like(angles), angles)


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Turn each pair (x[2i], x[2i + 1]) by its position's angle: [batch, heads, time, head_dim] → the same.

    One complex product is half as many operations as the four real ones, and tiny networks pay for each of them.
    """
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * rotation).flatten(-2).to(x.dtype)
