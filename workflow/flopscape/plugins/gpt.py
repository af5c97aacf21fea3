"""GPT: a decoder-only transformer, described by its size {width, depth}; the module is in networks/gpt.py."""

from typing import TYPE_CHECKING, Any

from flopscape.plugins.base import Counts, Size
from flopscape.plugins.shape import head_dimension, width_and_depth

if TYPE_CHECKING:
    from torch import Tensor, nn

MLP_MATRICES = {"relu2": 2, "swiglu": 3}


class GPT:
    """Pre-norm decoder with rotary positions, causal SDPA and an untied, zero-initialised head; no gains or biases.

    Parameters
    ----------
    vocab_size, context : int
        Vocabulary and sequence length in tokens.
    head_dim : int
        Least width of one attention head, when the size does not give its own.
    mlp : {"relu2", "swiglu"}
        Kind of the MLP.
    mlp_ratio : float
        Hidden width of the MLP over the model width.
    """

    causal = True
    static_graph = True

    def __init__(
        self, vocab_size: int = 128, context: int = 64, head_dim: int = 16, mlp: str = "relu2", mlp_ratio: float = 4
    ) -> None:
        if mlp not in MLP_MATRICES:
            raise ValueError(f"mlp is {mlp!r}, not one of {', '.join(MLP_MATRICES)}")
        self.vocab_size, self.context, self.head_dim = vocab_size, context, head_dim
        self.mlp, self.mlp_ratio = mlp, mlp_ratio

    def counts(self, size: Size) -> Counts:
        """Matrix multiplications only: 6 FLOPs a parameter of body and head, 12·depth·width·context for attention.

        The attention term counts the full square of scores, as Kaplan et al. 2020 (arXiv 2001.08361, table 1) and
        torch's FlopCounterMode do.
        """
        width, depth, _ = self.shape(size)
        hidden = self.hidden_width(width)
        body = depth * (4 * width**2 + MLP_MATRICES[self.mlp] * width * hidden)
        head = embedding = self.vocab_size * width
        flops = 6 * (body + head) + 12 * depth * width * self.context
        return Counts(body, head, embedding, flops)

    def shape(self, size: Size) -> tuple[int, int, int]:
        """Width, depth and head dimension of a size, checked.

        The head dimension is the smallest even divisor of the width that is at least `head_dim`; a narrower model has
        one head.
        """
        width, depth = width_and_depth(size, "a GPT", ("head_dim",))
        if width % 2:
            raise ValueError(f"size {size}: width is {width}, but rotary positions need an even one")
        return width, depth, head_dimension(width, size.get("head_dim", self.head_dim), multiple_of=2)

    def hidden_width(self, width: int) -> int:
        """Hidden width of the MLP."""
        return round(self.mlp_ratio * width)

    def build(self, size: Size, seed: int) -> "nn.Module":
        """The initialised module; see networks/gpt.py."""
        from flopscape.networks.gpt import GPTNetwork

        width, depth, head_dim = self.shape(size)
        return GPTNetwork(
            self.vocab_size, self.context, width, depth, head_dim, self.hidden_width(width), self.mlp, seed=seed
        )

    def example_batch(self, size: Size) -> "dict[str, Tensor]":
        """Two sequences of random tokens."""
        import torch

        generator = torch.Generator().manual_seed(0)
        return {"tokens": torch.randint(self.vocab_size, (2, self.context + 1), generator=generator)}

    def optimizer(self, module: "nn.Module", training: dict[str, Any]) -> None:
        """None: the loop's AdamW."""

    def mup_kinds(self, module: "nn.Module") -> "dict[str, list[nn.Parameter]]":
        """Parameters by kind, for `learning_rate_scaling: mup`.

        The initialisation is µP's as it is (Yang et al. 2022, arXiv 2203.03466, table 3): hidden variances are
        ∝ 1/fan_in, embeddings have fan-in of the vocabulary's size, and the head is zero. Heads keep their dimension
        while the width grows, so that the paper's 1/d and the usual 1/√d of the scores differ by no power of width.
        """
        kinds = {"embedding": "input", "layers": "hidden", "head": "output"}
        return {kinds[name]: list(part.parameters()) for name, part in module.named_children()}
