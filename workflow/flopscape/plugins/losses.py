"""Losses: cross-entropy in nats, summed over a batch; and a metric, accuracy. Importing this imports no torch.

A loss returns a *sum* and the number of units in it, never a mean: means of micro-batches, processes and groups could
not be put together again where they hold different numbers of units.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

NO_LABEL = -(2**63)
"""No label is left out of the sum: one of torch's usual -100 would count as a unit without a loss."""


class NextToken:
    """Cross-entropy of the next token, in nats."""

    def __call__(self, module: "nn.Module", batch: "dict[str, Tensor]") -> "tuple[Tensor, int]":
        """Summed loss, and the number of target tokens.

        `batch` holds `tokens`, int64 [batch, context + 1], or `inputs` and `targets`, both int64 [batch, context];
        the module maps [batch, context] to logits [batch, context, vocabulary].
        """
        from torch.nn.functional import cross_entropy

        inputs, targets = _next_tokens(batch)
        # [batch, context, vocabulary] → [batch · context, vocabulary]: to the sum every position is one choice among
        # classes.
        logits = module(inputs).flatten(0, -2)
        # In float32: a loss is the difference of the label's logit and the logarithm of a sum over all, of which the 8
        # bits of a bf16 number would leave two or three digits.
        loss = cross_entropy(logits.float(), targets.reshape(-1), reduction="sum", ignore_index=NO_LABEL)
        return loss, targets.numel()


class Classification:
    """Cross-entropy of an image's class, in nats."""

    def __call__(self, module: "nn.Module", batch: "dict[str, Tensor]") -> "tuple[Tensor, int]":
        """Summed loss, and the number of images.

        `batch` holds `images`, float32 [batch, channels, height, width], and `labels`, int64 [batch]; the module maps
        images to logits [batch, classes]. torch raises IndexError on a CPU where a label is no class, and a GPU stops
        with an error of its own: the loop names the labels (training/faults.py).
        """
        from torch.nn.functional import cross_entropy

        logits, labels = module(batch["images"]), batch["labels"]
        return cross_entropy(logits.float(), labels, reduction="sum", ignore_index=NO_LABEL), len(labels)


class Accuracy:
    """Share of next tokens, or of images, for which the model gives no other choice a higher logit: a metric."""

    unit = "share correct"
    higher_is_better = True

    def __call__(self, module: "nn.Module", batch: "dict[str, Tensor]") -> "tuple[Tensor, int]":
        """Number of right choices, and of choices.

        `batch` is one of `Classification` where it holds `images`, else one of `NextToken`. Of equal logits torch's
        argmax chooses.
        """
        inputs, targets = (batch["images"], batch["labels"]) if "images" in batch else _next_tokens(batch)
        right = module(inputs).argmax(-1) == targets
        return right.sum(), right.numel()


def _next_tokens(batch: "dict[str, Tensor]") -> "tuple[Tensor, Tensor]":
    """Inputs and targets of a batch of text, both int64 [batch, context]."""
    if "tokens" in batch:
        return batch["tokens"][:, :-1], batch["tokens"][:, 1:]
    return batch["inputs"], batch["targets"]
