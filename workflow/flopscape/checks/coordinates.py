"""The coordinate check (Yang et al. 2022, section D.1): do activations keep their size while the width grows?

Under µP a few steps of training change every activation equally much at every width (training/optimizer.py derives it);
under one rate for all widths the change grows with the width. So a model is trained for some steps at several widths,
and the slope of ln mean |activation| in ln width is taken for each layer: about 0 where µP is implemented rightly, and
clearly above it where it is not.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec
from flopscape.plan.rows import plan_rows
from flopscape.recipe.settings import SCALED_BY_PLAN
from flopscape.text.terminal import aligned
from flopscape.training.build import build_module
from flopscape.training.components import load_parts
from flopscape.training.optimizer import make_optimizer
from flopscape.training.spec import check_spec

FEWEST_WIDTHS = 3
Sizes = dict[str, float]
"""Mean |coordinate| of the output of each layer, by its name."""


def coordinate_check(spec: Spec, widths: Sequence[int], n_steps: int, data: Path) -> dict[int, Sizes]:
    """Train the spec's model at each width for some steps at its peak rate, and measure its activations.

    Returns
    -------
    dict
        Width → layer → mean absolute value of the coordinates of its output after the last step.

    Raises
    ------
    FlopscapeError
        Fewer than three widths, no step, or a spec that cannot be trained.
    """
    if len(set(widths)) < FEWEST_WIDTHS or n_steps < 1:
        raise FlopscapeError(f"coord-check: give at least {FEWEST_WIDTHS} widths and one step")
    return {width: _measured(spec | {"size": {**spec["size"], "width": width}}, n_steps, data) for width in widths}


def slopes(sizes: dict[int, Sizes]) -> Sizes:
    """Least-squares slope of ln mean |coordinate| against ln width of each layer; under µP they are flat."""
    x = torch.tensor([math.log(width) for width in sizes], dtype=torch.float64)
    # With x centred, Σ x·ȳ = 0, so that the slope Σ x·(y − ȳ) / Σ x² needs no centred y.
    x = x - x.mean()
    layers = next(iter(sizes.values()))
    logs = {name: torch.tensor([math.log(at[name]) for at in sizes.values()], dtype=torch.float64) for name in layers}
    return {name: float(x @ y / (x @ x)) for name, y in logs.items()}


def study_check(study: Study, widths: Sequence[int], n_steps: int, scalings: Sequence[str], data: Path | None) -> str:
    """The check of a study's first run, as a table for each scaling: its own where none is named."""
    spec = plan_rows(study)[0].spec
    folder = data or check_spec(spec).data
    names = scalings or [study.training.learning_rate_scaling]
    return check_text(
        {name: spec_of(spec, name) for name in names},
        widths,
        n_steps,
        folder,
    )


def check_text(specs: dict[str, Spec], widths: Sequence[int], n_steps: int, data: Path) -> str:
    """A table for each way of scaling the rate: layers, their sizes by width, and the slope."""
    parts = []
    for scaling, spec in specs.items():
        sizes = coordinate_check(spec, widths, n_steps, data)
        steep = slopes(sizes)
        rows = [[name, *(f"{at[name]:.3g}" for at in sizes.values()), f"{steep[name]:+.2f}"] for name in steep]
        header = ["layer", *(f"width {width}" for width in sizes), "slope"]
        words = f"learning_rate_scaling {scaling}: mean |coordinate| after {n_steps} steps; slope in ln width"
        parts.append(f"{words}\n{aligned([header, *rows], right=range(1, len(header)))}")
    return "\n\n".join(parts)


def spec_of(spec: Spec, scaling: str) -> Spec:
    """The spec with another scaling of the rate.

    Raises
    ------
    FlopscapeError
        A rule that depends on N and D, for which a width alone has no rate.
    """
    if scaling in SCALED_BY_PLAN:
        raise FlopscapeError(f"coord-check: {scaling} has no rate for a width alone; check fixed, width or mup")
    return spec | {"training": {**spec.get("training", {}), "learning_rate_scaling": scaling}}


def _measured(spec: Spec, n_steps: int, data: Path) -> Sizes:
    task = check_spec(spec)
    parts = load_parts(task, data)
    module = build_module(parts)
    optimizer = make_optimizer(parts, module)
    batches = parts.dataset.batches(data, "train", task.settings.batch_units, task.seed, 0, 1, 0)
    # The range comes first: zip asks it first, and takes no batch too many from the stream.
    for _, batch in zip(range(n_steps), batches, strict=False):
        _step(module, optimizer, parts.loss, batch)
    # On one more batch, after the steps: what is measured are activations of the trained weights.
    with _recorded(module) as sizes, torch.no_grad():
        parts.loss(module, next(batches))
    return sizes


def _step(module: nn.Module, optimizer: torch.optim.Optimizer, loss: Any, batch: dict[str, Tensor]) -> None:
    value, count = loss(module, batch)
    optimizer.zero_grad()
    (value / count).backward()
    optimizer.step()


@contextmanager
def _recorded(module: nn.Module) -> Iterator[Sizes]:
    """Mean absolute output of every layer without parts of its own, filled while the module runs."""
    sizes: Sizes = {}
    # Modules without children are the layers: what they return is an activation.
    leaves = {name: part for name, part in module.named_modules() if not list(part.children())}

    def hook(name: str) -> Any:
        return lambda part, inputs, output: sizes.__setitem__(name, float(output.abs().mean()))

    handles = [part.register_forward_hook(hook(name)) for name, part in leaves.items()]
    yield sizes
    for handle in handles:
        handle.remove()
