"""Losses. Importing this imports no torch."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


NONE = -(2**63)
"""No label is left out of the sum: one of torch's usual -100 would count as a unit without a loss."""


class NextToken:
    """Cross-entropy of the next token, in nats."""

    def __call__(self, module: "nn.Module", batch: "dict[str, Tensor]") -> "tuple[Tensor, int]":
        """Summed loss, and the number of target tokens.

        `batch` holds `tokens`, int64 [batch, context + 1], or `inputs` and `targets`, both int64 [batch, context];
        the module maps [batch, context] to logits [batch, context, vocabulary].
        """
        from torch.nn.functional import cross_entropy

        if "tokens" in batch:
            inputs, targets = batch["tokens"][:, :-1], batch["tokens"][:, 1:]
        else:
            inputs, targets = batch["inputs"], batch["targets"]
        logits = module(inputs).flatten(0, -2)
        return cross_entropy(logits.float(), targets.reshape(-1), reduction="sum", ignore_index=NONE), targets.numel()
