"""Counts of every size of a study, without importing torch here.

The package's own plug-ins are asked directly. A user's plug-in may import torch, or declare no counts and have to be
measured, so it is asked in a process of its own (plan/ask.py).
"""

from dataclasses import asdict
from typing import Any

from flopscape.config.plugins import Plugin
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec
from flopscape.plan.ask import answer_of
from flopscape.plugins.base import Counts, Size
from flopscape.plugins.loading import counts_at, load_model, load_plugin


def count_sizes(model: Plugin, sizes: list[Size], loss: Plugin | None = None) -> list[Counts]:
    """Counts of `sizes`, in order; a model that declares none is measured under `loss`.

    Parameters
    ----------
    model : Plugin
        The study's model.
    sizes : list of dict
        Sizes as the study writes them, such as ``{"width": 32, "depth": 2}``.
    loss : Plugin, optional
        The study's loss.

    Raises
    ------
    FlopscapeError
        The plug-in cannot be loaded, lacks a method, or refuses a size.
    """
    if model.plugin.startswith("flopscape."):
        return counts_of(model.plugin, model.kwargs, sizes)
    question: Spec = {"model": model.spec(), "sizes": sizes} | ({"loss": loss.spec()} if loss else {})
    modules = [plugin.plugin.partition(":")[0] for plugin in (model, loss) if plugin]
    subject = f"model {model.plugin}: counting its sizes failed"
    reply = answer_of("flopscape.plan.sizes", question, [*modules, "flopscape.plugins.measured"], subject)
    return [Counts(**counts) for counts in reply["counts"]]


def counts_of(plugin: str, kwargs: dict[str, Any] | None, sizes: list[Size], loss: Spec | None = None) -> list[Counts]:
    """Counts from the plug-in itself; its ValueErrors become one sentence that names the plug-in and the size."""
    model = load_model(plugin, kwargs)
    try:
        built_loss = load_plugin(loss["plugin"], loss.get("kwargs")) if loss else None
        counts = [counts_at(model, size, built_loss) for size in sizes]
    except FlopscapeError:
        raise
    except (ValueError, TypeError) as error:
        raise FlopscapeError(f"model {plugin}: {error}") from error
    except Exception as error:  # the code of a plug-in may raise anything
        raise FlopscapeError(f"model {plugin}: {type(error).__name__}: {error}") from error
    for size, count in zip(sizes, counts, strict=True):
        # Parameters and FLOPs both positive, in one chain of comparisons; N is body and head.
        if not (isinstance(count, Counts) and count.n_params_body + count.n_params_head > 0 < count.flops_per_unit):
            raise FlopscapeError(f"model {plugin}: counts({size}) gives {count}, not a Counts with positive numbers")
    return counts


def answer(question: Spec) -> Spec:
    """What plan/ask.py asks for: the counts of a user's model."""
    model = question["model"]
    counts = counts_of(model["plugin"], model.get("kwargs"), question["sizes"], question.get("loss"))
    return {"counts": [asdict(count) for count in counts]}
