"""The last scores of a run: its loss on further held-out sets, their metrics, and bits for each byte of text.

They are made once, after the run's own final score and in the same way (heldout.py): the same share of each set for
every run of a study, the same groups, and so a standard error that is common to all of them. A run that diverged has
none. Before the first step a few rows of each set are scored by the untrained module, so that a metric that does not
work costs no training.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from flopscape.errors import FlopscapeError
from flopscape.plugins.base import LossPlugin, Manifest
from flopscape.records.metrics import BITS, LOSS, OWN, Metric, name_of
from flopscape.training.components import Parts
from flopscape.training.faults import NamedLabels
from flopscape.training.further_sets import FurtherSet, why_wrong_sum
from flopscape.training.heldout import Score, load_heldout, score
from flopscape.training.outcome import Outcome

if TYPE_CHECKING:
    from accelerate import Accelerator

REHEARSED_ROWS = 2
"""Rows of each set that are scored before the first step: enough to call a metric, and no time."""


def refuse_wrong_metrics(parts: Parts, module: nn.Module, accelerator: "Accelerator") -> None:
    """Call every metric on a few rows of its set: FlopscapeError where it returns no sum over units."""
    for one in parts.sets:
        heldout = load_heldout(parts, one)
        rows = {key: value[:REHEARSED_ROWS].to(accelerator.device) for key, value in heldout.rows.items()}
        for name, measure, unit in _measures(parts, one):
            total, count = measured(measure, module, rows)
            if why := why_wrong_sum(total, count, unit):
                raise FlopscapeError(f"heldout: {name} {why}")


@torch.no_grad()
def measured(measure: LossPlugin, module: nn.Module, rows: dict[str, Any]) -> tuple[float, float]:
    """The sum and the number of units that a loss or a metric returns, outside training."""
    was_training = module.training
    module.eval()
    total, count = measure(module, rows)
    module.train(was_training)
    return float(total), float(count)


def final_metrics(
    parts: Parts, module: nn.Module, accelerator: "Accelerator", outcome: Outcome, final: Score
) -> dict[str, dict[str, Any]]:
    """Every further score of a run that has completed, by its name; all processes take part.

    Parameters
    ----------
    parts, module, accelerator
        The run, the trained module that is not wrapped, and its processes.
    outcome : Outcome
        Gets the time that scoring takes.
    final : Score
        Of the run's own held-out rows.
    """
    started = time.perf_counter()
    found = _bits(OWN, final, parts.manifest)
    for one in parts.sets:
        # One set at a time, and no longer than it is scored: a run should need no more memory for having several.
        heldout = load_heldout(parts, one).evenly_spaced(parts.task.settings.heldout_units)
        for name, measure, unit in _measures(parts, one):
            result = score(module, measure, heldout, accelerator)
            found[name] = _metric(result, unit)
            if name == name_of(LOSS, one.name):
                found |= _bits(one.name, result, one.manifest)
    outcome.seconds_evaluation += time.perf_counter() - started
    return {name: asdict(metric) for name, metric in found.items()}


def _measures(parts: Parts, one: FurtherSet) -> Iterator[tuple[str, LossPlugin, str]]:
    """What a set is scored by: name, loss or metric, and unit. The loss on the study's own rows is the run's own."""
    if not one.is_own:
        yield name_of(LOSS, one.name), parts.loss, f"nats per {one.manifest.unit}"
    for name, metric in one.metrics.items():
        yield name_of(name, one.name), NamedLabels(metric, parts.model), metric.unit


def _metric(result: Score, unit: str) -> Metric:
    """A score as a record has it, which knows no NaN."""
    value = result.loss if math.isfinite(result.loss) else None
    return Metric(value, result.standard_error, result.n_units, unit)


def _bits(name: str, result: Score, manifest: Manifest) -> dict[str, Metric]:
    """The loss in bits for each byte of the held-out text, where its bytes were counted when it was prepared.

    A text of T tokens and B bytes has T·loss/ln 2 bits: divided by B, texts under different tokenisers compare. T and B
    are those of the whole held-out text, also where a part of it is scored.
    """
    text = manifest.notes.get("heldout_text")
    if not text or not math.isfinite(result.loss):
        return {}
    factor = text["n_tokens"] / text["n_bytes"] / math.log(2)
    error = None if result.standard_error is None else result.standard_error * factor
    return {name_of(BITS, name): Metric(result.loss * factor, error, result.n_units, "bits per byte")}
