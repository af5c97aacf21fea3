"""Parameters that a step did not use."""

from torch import nn

from flopscape.errors import FlopscapeError


def unused_parameters(module: nn.Module) -> list[str]:
    """Names of the parameters that want a gradient and have none after a backward pass."""
    return [name for name, value in module.named_parameters() if value.requires_grad and value.grad is None]


def refuse_unused(module: nn.Module) -> None:
    """Refuse to train on when the first backward pass left parameters out: they would count in N and learn nothing."""
    if names := unused_parameters(module):
        raise FlopscapeError(
            f"the first backward pass gives no gradient to {', '.join(names)}; use them in forward, remove them, or "
            "set requires_grad to False"
        )
