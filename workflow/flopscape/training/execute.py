"""One run of the loop, from checked parts to its record."""

import time

import torch
from accelerate import Accelerator
from torch import nn

from flopscape.records import RunRecord
from flopscape.training.describe import describe, judge
from flopscape.training.heldout import HeldoutSet, Score, load_heldout, score
from flopscape.training.loop import Loop
from flopscape.training.machine import Options
from flopscape.training.parts import Parts
from flopscape.training.progress import Progress
from flopscape.training.start import build_module, make_accelerator, make_optimizer


class Scorer:
    """Scores one module on held-out sets, and adds up the time that takes."""

    def __init__(self, parts: Parts, module: nn.Module, accelerator: Accelerator) -> None:
        self.parts, self.module, self.accelerator = parts, module, accelerator
        self.seconds = 0.0

    def __call__(self, heldout: HeldoutSet) -> Score:
        """Score the module as it is now."""
        started = time.perf_counter()
        result = score(self.module, self.parts.loss, heldout, self.accelerator)
        self.seconds += time.perf_counter() - started
        return result


def execute(parts: Parts, options: Options) -> RunRecord | None:
    """Train, score on the held-out set, describe the run; None in every process but the main one.

    Raises
    ------
    FlopscapeError
        Another number of processes started than was asked for, the module has other parameters than its plug-in
        counts, or the dataset cannot make such batches.
    """
    task, settings = parts.task, parts.task.settings
    accelerator = make_accelerator(settings, options.processes)
    torch.manual_seed(task.seed)
    module = build_module(parts).to(accelerator.device)
    rank, world_size = accelerator.process_index, accelerator.num_processes
    batches = parts.dataset.batches(parts.folder, "train", settings.batch_units, task.seed, rank, world_size, 0)
    heldout = load_heldout(parts)
    curve_set = heldout.evenly_spaced(settings.curve_heldout_units)
    scorer = Scorer(parts, module, accelerator)
    untrained = scorer(curve_set)
    loop = Loop(task, accelerator, module, make_optimizer(parts, module), parts.loss)
    progress = Progress(task.n_steps, parts.manifest.unit, quiet=not accelerator.is_main_process)
    outcome = loop.run(batches, lambda: scorer(curve_set).loss, progress)
    final = None if outcome.diverged else scorer(heldout.evenly_spaced(settings.heldout_units))
    if not accelerator.is_main_process:
        return None
    judge(outcome, untrained, final)
    return describe(parts, options, accelerator, outcome, final, scorer.seconds)
