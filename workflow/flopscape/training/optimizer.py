"""The optimiser of a run: its plug-in's own, or AdamW with one rate or with the rates of µP.

µP, the maximal update parametrisation (Yang et al. 2022, arXiv 2203.03466), asks for rates at which a step changes the
activations equally much at every width. Why those are what `rate_groups` says: let h = W x with x of n coordinates,
each of size about 1, and W drawn with variance 1/n, so that h is of size 1 as a sum of n independent terms.

- Adam divides each gradient by its own size, so that a step moves *every* weight by about the rate η, whatever n is.
- The gradient of W is an outer product g xᵀ, so that the step is about −η·sign(g_i)·sign(x_j), which is aligned with x:
  Δh_i = −η·sign(g_i)·Σ_j |x_j|, a sum of n terms of *one* sign. It grows as η·n, not as η·√n.
- So Δh is of size 1 at every width only if η ∝ 1/n: for hidden matrices, and for the output's, which sum over n too.
- A row of the embedding is picked and not summed: one term, whatever the width is, and the rate stays.

Output weights must not start with variance 1/n, under which the n aligned changes would be added to an output of size 1
that tells nothing: they start smaller, or at zero as here.
"""

from typing import Any

from torch import nn
from torch.optim import AdamW, Optimizer

from flopscape.errors import FlopscapeError
from flopscape.training.components import Parts

KINDS = ("input", "hidden", "output")


def make_optimizer(parts: Parts, module: nn.Module) -> Optimizer:
    """The plug-in's own optimiser, or AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101).

    Parameters
    ----------
    parts : Parts
        The run; its recipe has every number that AdamW takes.
    module : nn.Module
        On its device already: the optimiser's state follows the parameters there.

    Raises
    ------
    FlopscapeError
        µP is asked for and the model has an optimiser of its own, or sorts its parameters wrongly.
    """
    settings, learning_rate = parts.task.settings, parts.task.learning_rate
    # A plug-in's own optimiser gets the peak rate of this size, after the rule of the recipe, and not the setting as
    # written.
    optimizer = parts.model.optimizer(module, settings.as_dict() | {"learning_rate": learning_rate})
    if optimizer is not None and settings.learning_rate_scaling == "mup":
        raise FlopscapeError("learning_rate_scaling mup sets the rates of AdamW, but this model has its own optimiser")
    if optimizer is not None:
        return optimizer
    # One kernel for all parameters where torch has one: a tiny model's step is mostly the start of kernels.
    fused = next(module.parameters()).device.type in ("cpu", "cuda")
    betas = (settings.beta1, settings.beta2)
    return AdamW(_groups(parts, module), lr=learning_rate, betas=betas, weight_decay=settings.weight_decay, fused=fused)


def _groups(parts: Parts, module: nn.Module) -> list[dict[str, Any]]:
    """All parameters with one rate, or under `mup` a group for each rate."""
    settings, task = parts.task.settings, parts.task
    if settings.learning_rate_scaling != "mup":
        # Weight decay for all of them: the shipped networks have neither gains nor biases, which other recipes spare.
        return [{"params": list(module.parameters())}]
    widening = settings.widening(task.size)
    return rate_groups(module, parts.model, task.learning_rate, settings.weight_decay, widening)


def rate_groups(
    module: nn.Module, model: Any, learning_rate: float, weight_decay: float, widening: float
) -> list[dict[str, Any]]:
    """Groups of parameters with the rates of Adam under µP (Yang et al. 2022, arXiv 2203.03466, table 3).

    Input weights, whose fan-in does not grow, keep the rate; those of hidden and output matrices are ∝ 1/width: with
    m = width / base width their rate is η/m. A step of AdamW also shrinks weights by the factor 1 − ηλ, which would
    come nearer to 1 with the width: their decay is λ·m, so that ηλ stays. At the base width, m = 1, all this is the
    recipe without µP, to the last digit.

    Parameters
    ----------
    module, model
        The network, and its plug-in, whose `mup_kinds(module)` sorts the parameters.
    learning_rate, weight_decay
        At the base width.
    widening
        width / base width.

    Raises
    ------
    FlopscapeError
        The plug-in names another kind, or leaves a parameter out, or lists one twice.
    """
    kinds: dict[str, list[nn.Parameter]] = model.mup_kinds(module)
    _check(module, kinds)
    narrow = {"params": kinds.get("input", []), "lr": learning_rate, "weight_decay": weight_decay}
    matrices = [*kinds.get("hidden", []), *kinds.get("output", [])]
    wide = {"params": matrices, "lr": learning_rate / widening, "weight_decay": weight_decay * widening}
    # Two rates, for hidden and output matrices have one: it is the initialisation in which they differ.
    return [group for group in (narrow, wide) if group["params"]]


def _check(module: nn.Module, kinds: dict[str, list[nn.Parameter]]) -> None:
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise FlopscapeError(f"mup_kinds of the model names {', '.join(unknown)}; kinds are {', '.join(KINDS)}")
    # By identity: tensors compare element by element, and two that are equal are not one.
    listed = [id(parameter) for parameters in kinds.values() for parameter in parameters]
    wrong = [name for name, parameter in module.named_parameters() if listed.count(id(parameter)) != 1]
    if wrong:
        raise FlopscapeError(f"mup_kinds of the model must list every parameter once; correct {', '.join(wrong)}")
