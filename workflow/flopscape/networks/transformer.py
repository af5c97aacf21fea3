"""What the transformers are made of: attention, MLPs, their initialisation, rotary positions.

Everything is written for tiny networks on CPUs as well as for large ones on GPUs: few operations, each on many numbers.
Tensors hold all tokens of a batch in one dimension wherever a layer does not mix positions.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, rms_norm, scaled_dot_product_attention, silu

ROTARY_BASE = 10_000.0
"""Longest rotary wavelength over 2π, in tokens (Su et al. 2021, arXiv 2104.09864, section 3.2.2)."""


def transformer_layers(width: int, depth: int, head_dim: int, hidden: int, mlp: str, causal: bool) -> nn.ModuleList:
    """Attention and MLP in turn, `depth` of each: what is added to the residual stream."""
    return nn.ModuleList(
        part for _ in range(depth) for part in (Attention(width, head_dim, causal), MLP(width, hidden, mlp))
    )


def initialise(layers: nn.ModuleList) -> None:
    """Matrices ~ N(0, 1/fan_in); those that write to the residual stream divided by √(layers) (Radford et al. 2019).

    A sum of fan_in independent products of size 1 with variance 1/fan_in is of size 1 again. The residual stream adds
    up what all layers write: with L of them, each with variance 1/L, it stays of size 1 however deep the network is.
    """
    for name, matrix in layers.named_modules():
        if isinstance(matrix, nn.Linear):
            # Attention and MLP count as a layer each, so that √(len(layers)) is GPT-2's √(2·depth). Both call the
            # matrix that writes to the residual stream `output`.
            shrink = math.sqrt(len(layers)) if name.endswith("output") else 1
            nn.init.normal_(matrix.weight, std=matrix.in_features**-0.5 / shrink)


class Attention(nn.Module):
    """Multi-head attention: [batch · time, width] → the same; rotary positions where there is a rotation."""

    def __init__(self, width: int, head_dim: int, causal: bool) -> None:
        super().__init__()
        self.head_dim, self.n_heads, self.causal = head_dim, width // head_dim, causal
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, rotation: Tensor | None, batch: int) -> Tensor:
        """Mix positions of each sequence: [batch · time, width] → the same."""
        # One product for all three: [b·t, width] → [b·t, 3·width] → [b, t, 3·heads, q] → [b, 3·heads, t, q]. The first
        # 2·heads of them are queries and keys, which are turned by their positions in one operation; values are not
        # turned.
        heads = self.query_key_value(x).view(batch, -1, 3 * self.n_heads, self.head_dim).transpose(1, 2)
        query_key, value = heads.split((2 * self.n_heads, self.n_heads), dim=1)
        query, key = (query_key if rotation is None else rotate(query_key, rotation)).chunk(2, dim=1)
        # Scores are divided by √q, torch's default: a sum of q products of size 1 is of size √q, at which softmax would
        # be nearly a maximum and its gradient nearly zero (Vaswani et al. 2017, arXiv 1706.03762, section 3.2.1).
        mixed = scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        joined: Tensor = self.output(mixed.transpose(1, 2).reshape(x.shape))
        return joined


class MLP(nn.Module):
    """ReLU² or SwiGLU: [batch · time, width] → the same; the positions are ignored."""

    def __init__(self, width: int, hidden: int, kind: str) -> None:
        super().__init__()
        self.gated = kind == "swiglu"
        self.input = nn.Linear(width, 2 * hidden if self.gated else hidden, bias=False)
        self.output = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor, rotation: Tensor | None, batch: int) -> Tensor:
        """Each position by itself: [batch · time, width] → the same."""
        hidden = self.input(x)
        if self.gated:
            # Two of SwiGLU's three matrices in one product.
            gate, value = hidden.chunk(2, dim=-1)
            activated = silu(gate) * value
        else:
            # ReLU(h)², for where ReLU is not zero it is h.
            activated = hidden * relu(hidden)
        output: Tensor = self.output(activated)
        return output


def normalise(x: Tensor) -> Tensor:
    """RMSNorm without a gain (Zhang and Sennrich 2019, arXiv 1910.07467): x / √(mean of x² over the last dimension)."""
    return rms_norm(x, (x.shape[-1],))


def rotary_table(context: int, head_dim: int) -> Tensor:
    """e^(i·position·frequency), complex64 [context, head_dim / 2].

    Frequencies fall geometrically from 1 towards 1/base over the pairs of a head (Su et al. 2021, arXiv 2104.09864,
    section 3.2.2). Two neighbouring numbers of a head are one complex number, and a scalar product of such pairs is the
    real part of q·k̄. With the query turned by its position m and the key by its position n,

        Re(q·e^(imθ) · conj(k·e^(inθ))) = Re(q·k̄·e^(i(m − n)θ)),

    which depends on the positions by their distance alone. Fast pairs tell neighbours apart, slow ones what is far.
    """
    # θ_i = base^(−2i/q) for the pairs i = 0 … q/2 − 1: q/2 + 1 exponents from 0 to 1, of which the last would be the
    # pair after.
    frequencies = ROTARY_BASE ** -torch.linspace(0, 1, head_dim // 2 + 1)[:-1]
    angles = torch.outer(torch.arange(context), frequencies)
    # Of length 1, so that turning changes no norm.
    return torch.polar(torch.ones_like(angles), angles)


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Turn each pair (x[2i], x[2i + 1]) by its position's angle: [batch, heads, time, head_dim] → the same.

    One complex product is half as many operations as the four real ones, and tiny networks pay for each of them.
    """
    # In float32 also under bf16, for which torch has no complex numbers, and whose 8 bits could not tell angles apart.
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * rotation).flatten(-2).to(x.dtype)
