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
        """Matrix products only, forward and backward, per token: 6·(body + head) + 12·depth·width·context.

        *Weights.* In y = x W every weight is multiplied by one number and the product added to a sum: 2 FLOPs a token.
        The backward pass has two products of the same size, xᵀ·∂L/∂y for the gradient of W and ∂L/∂y·Wᵀ for that of x:
        2 FLOPs each. Together 6 a weight and token (Kaplan et al. 2020, arXiv 2001.08361, section 2.1).

        *Attention* also multiplies activations by each other, with no weight between them. With h heads of dimension q,
        so that h·q is the width, and t positions of context, a token's query meets t keys: h·q·t multiplications and
        additions, 2·width·t FLOPs. Its t scores then weigh t values: 2·width·t again. The backward pass has two
        products for each of the two, twice as much: 4 + 8 = 12·width·t a layer. It counts the full square of scores,
        though half of them are masked, as Kaplan et al. 2020 (table 1) and torch's FlopCounterMode do.

        *Nothing* is counted for the embedding, which is looked up and not multiplied by, nor for normalisation,
        activations, rotations and softmax, which are element-wise.

        Raises
        ------
        ValueError
            The size lacks width or depth, or cannot be built.

        Examples
        --------
        At width 64, depth 2 and a context of 64 attention is 13 % of the FLOPs:

        >>> GPT(vocab_size=128, context=64).counts({"width": 64, "depth": 2})
        Counts(n_params_body=98304, n_params_head=8192, n_params_embedding=8192, flops_per_unit=737280)
        >>> 6 * (98304 + 8192) + 12 * 2 * 64 * 64
        737280
        """
        width, depth, _ = self.shape(size)
        hidden = self.hidden_width(width)
        # A layer: queries, keys, values and the output of attention, each width × width; then the MLP's matrices.
        body = depth * (4 * width**2 + MLP_MATRICES[self.mlp] * width * hidden)
        # The two tables are of one size and not tied: only the head's is multiplied by.
        head = embedding = self.vocab_size * width
        flops = 6 * (body + head) + 12 * depth * width * self.context
        return Counts(body, head, embedding, flops)

    def shape(self, size: Size) -> tuple[int, int, int]:
        """Width, depth and head dimension of a size, checked.

        The head dimension is the smallest even divisor of the width that is at least `head_dim`; a narrower model has
        one head. It stays the same along a ladder of widths, so that wider models have more heads and not larger ones.
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
        # By the names of the network's parts. The table of rotations is a buffer, and no parameter.
        kinds = {"embedding": "input", "layers": "hidden", "head": "output"}
        return {kinds[name]: list(part.parameters()) for name, part in module.named_children()}
