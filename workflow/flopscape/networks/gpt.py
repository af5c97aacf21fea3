"""The decoder behind plugins/gpt.py, apart from it because it needs torch and the plan does not."""

import torch
from torch import Tensor, nn

from flopscape.networks.transformer import initialise, normalise, rotary_table, transformer_layers


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
        # The seed alone decides the weights, and the caller's generator goes on where it was.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embedding = nn.Embedding(vocab_size, width)
            self.layers = transformer_layers(width, depth, head_dim, hidden, mlp, causal=True)
            self.head = nn.Linear(width, vocab_size, bias=False)
            nn.init.normal_(self.embedding.weight)
            nn.init.zeros_(self.head.weight)
            initialise(self.layers)
        # Not saved in checkpoints: it follows from the size.
        self.register_buffer("rotation", rotary_table(context, head_dim), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of the next token at every position."""
        batch, time = tokens.shape
        # A shorter sequence uses the first positions: angles depend on the position alone.
        rotation = self.rotation[:time]
        # Tokens stay in one dimension between the layers: on a CPU a 2-d nn.Linear takes half the time of a 3-d one.
        x = self.embedding(tokens.reshape(-1))
        # Pre-norm: layers read a normalised copy and add to x itself, so that the gradient reaches every layer along a
        # sum.
        for layer in self.layers:
            x = x + layer(normalise(x), rotation, batch)
        logits: Tensor = self.head(normalise(x)).unflatten(0, (batch, time))
        return logits
