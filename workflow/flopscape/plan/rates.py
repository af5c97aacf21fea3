"""Learning rate and batch of one run, where rules make them: the spec of a run holds the numbers.

A rule in a spec would be a number that changes with the rule's code; a number stays what the run was trained with. It
is rounded to four digits, for `exp` and `pow` differ in the last bit between machines, and an id hashes every digit.
"""

import math
from dataclasses import replace
from typing import Any

from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.plugins.base import Counts, Size
from flopscape.plugins.loading import load_plugin
from flopscape.recipe.rate_laws import BATCHES, LEARNING_RATES, PowerLaw
from flopscape.recipe.settings import TrainingSettings

DIGITS = 4
"""Significant digits of a rate by rule."""


def batch_of(study: Study, counts: Counts, n_tokens: float) -> int:
    """Units in a batch of a run of about `n_tokens` units: `batch_units`, or the law's value in whole windows.

    A batch is a multiple of windows × processes, for every process takes whole windows; at least one of them.
    """
    settings = study.training
    if settings.batch_scaling == "fixed":
        return settings.batch_units
    law = _law(settings.batch_law, BATCHES)
    quantum = window_of(study) * study.resources.processes
    return quantum * max(1, round(_value(law, counts, n_tokens) / quantum))


def resolved(study: Study, size: Size, counts: Counts, n_tokens: int, batch_units: int) -> TrainingSettings:
    """The study's recipe for one run, with numbers where rules were.

    Raises
    ------
    FlopscapeError
        A size without the width that its rule needs, or with one outside the table of `by_width`.
    """
    settings = study.training
    scaling = settings.learning_rate_scaling
    # A simulated size may be a number of parameters alone: nothing trains at its rate.
    if settings.needs_width and "width" not in size and (scaling == "by_width" or not study.simulated):
        raise FlopscapeError(f"training.learning_rate_scaling {scaling}: size {size} has no width")
    if settings.batch_scaling != "fixed":
        settings = replace(settings, batch_scaling="fixed", batch_law=None, batch_units=batch_units)
    if scaling == "power_law":
        rate = _value(_law(settings.learning_rate_law, LEARNING_RATES), counts, n_tokens)
        return _fixed(settings, rate)
    if scaling == "by_width":
        return _fixed(settings, _interpolated(settings.learning_rate_by_width or {}, size))
    return settings


def _fixed(settings: TrainingSettings, rate: float) -> TrainingSettings:
    # d.ddd·10^e, DIGITS digits in all.
    rounded = float(f"{rate:.{DIGITS - 1}e}")
    cleared: dict[str, Any] = {"learning_rate_law": None, "learning_rate_by_width": None}
    return replace(settings, learning_rate_scaling="fixed", learning_rate=rounded, **cleared)


def _value(law: PowerLaw, counts: Counts, n_tokens: float) -> float:
    n_params = counts.n_params_body + counts.n_params_head
    return law.at(n_params, n_tokens, counts.flops_per_unit * n_tokens)


def _law(named: Any, published: Any) -> PowerLaw:
    law: PowerLaw = published[named] if isinstance(named, str) else named
    return law


def window_of(study: Study) -> int:
    """Units that stay together: a window of tokens; one image. A user's dataset names them in its kwargs."""
    dataset = study.dataset
    if dataset is None:
        return 1
    if not dataset.plugin.startswith("flopscape."):
        return int(dataset.kwargs.get("context", 1))
    return int(getattr(load_plugin(dataset.plugin, dataset.kwargs), "context", 1))


def _interpolated(table: dict[int, float], size: Size) -> float:
    """The rate at a size's width, linear in ln rate and ln width between the table's widths."""
    width, widths = size["width"], sorted(table)
    if not widths[0] <= width <= widths[-1]:
        raise FlopscapeError(
            f"training.learning_rate_by_width: width {width} lies outside {widths[0]} to {widths[-1]}; "
            "add a rate there, or use learning_rate_scaling: power_law"
        )
    above = next(other for other in widths if other >= width)
    below = max(other for other in widths if other <= width)
    # A width of the table is its own neighbour on both sides: its rate stays as it was written.
    share = math.log(width / below) / math.log(above / below) if above > below else 0.0
    return table[below] * math.pow(table[above] / table[below], share)
