"""One run of the loop, from checked parts to its record.

The order matters to the last digit, for random numbers come from one stream: torch is seeded, the module is built, the
untrained module is scored, and then trained. A run that goes on from a checkpoint does not score the untrained module
again, and has its generators put back after all else.
"""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import nn

from flopscape.machine.lease import Lease
from flopscape.machine.measured import Options
from flopscape.records.run_record import RunRecord
from flopscape.training.branches import Branch, Branching
from flopscape.training.build import WAIT_MINUTES, build_module, make_accelerator, micro_batches_of, repeatable
from flopscape.training.checkpoint_files import checkpoint_folder
from flopscape.training.checkpointing import Checkpointer
from flopscape.training.components import Parts
from flopscape.training.faults import Batch, NamedLabels, checked_batches, named_gpu_errors, named_partings
from flopscape.training.heldout import HeldoutSet, Score, load_heldout, score
from flopscape.training.logbook import Logbook
from flopscape.training.loop import Loop
from flopscape.training.metrics import final_metrics, refuse_wrong_metrics
from flopscape.training.optimizer import make_optimizer
from flopscape.training.outcome import Outcome
from flopscape.training.record import agree, describe, judge
from flopscape.training.stopping import ended_by_signals


class Scorer:
    """Scores one module on held-out sets, and adds up the time that takes."""

    def __init__(self, parts: Parts, module: nn.Module, accelerator: Accelerator, outcome: Outcome) -> None:
        self.parts, self.module, self.accelerator, self.outcome = parts, module, accelerator, outcome

    def __call__(self, heldout: HeldoutSet) -> Score:
        """Score the module as it is now."""
        started = time.perf_counter()
        result = score(self.module, self.parts.loss, heldout, self.accelerator)
        self.outcome.seconds_evaluation += time.perf_counter() - started
        return result


def execute(parts: Parts, options: Options, out: Path, lease: Lease | None, signals: list[str]) -> RunRecord | None:
    """Train, from a checkpoint if there is one, score on the held-out set, describe the run.

    The record is None in every process but the main one, which alone holds the lease.

    Raises
    ------
    FlopscapeError
        Another number of processes started than was asked for, the module has other parameters than its plug-in
        counts, the dataset cannot make such batches, the batch is no whole number of micro-batches, a tracker cannot be
        started, the checkpoint was made under other conditions, or the processes ended with different parameters.
    Interrupted
        A name appeared in `signals`; the run was saved.
    """
    settings, n_pieces = parts.task.settings, micro_batches_of(parts, options)
    # Gradients gathered over micro-batches need a graph that DistributedDataParallel may see change.
    static_graph = n_pieces == 1 and getattr(parts.model, "static_graph", False)
    with (
        repeatable(settings.deterministic, options.threads),
        named_gpu_errors(),
        named_partings(options.processes, WAIT_MINUTES),
    ):
        # While the processes wait for each other, inside torch, a signal ends this one at once: nothing is to be saved
        # yet.
        release = lease.release if lease else lambda: None
        with ended_by_signals(signals, release) if options.processes > 1 else nullcontext():
            accelerator = make_accelerator(settings, options, static_graph)
        keeper = Checkpointer(parts, accelerator, checkpoint_folder(out), lease, signals)
        return _train(parts, options, out, accelerator, keeper, n_pieces)


def _train(
    parts: Parts, options: Options, out: Path, accelerator: Accelerator, keeper: Checkpointer, n_pieces: int
) -> RunRecord | None:
    task, settings = parts.task, parts.task.settings
    parts = replace(parts, loss=NamedLabels(parts.loss, parts.model))
    # Before the module is built: a checkpoint of other conditions refuses the run at once, and the data start at its
    # step.
    checkpoint, outcome = keeper.find()
    torch.manual_seed(task.seed)
    module = build_module(parts).to(accelerator.device)
    if settings.compile:
        module.compile()  # in place, so that names of parameters in checkpoints stay
    batches = _batches_from(outcome.step, parts, accelerator)
    heldout = load_heldout(parts)
    curve_set = heldout.evenly_spaced(settings.curve_heldout_units)
    scorer = Scorer(parts, module, accelerator, outcome)
    if checkpoint is None:
        outcome.untrained_loss = scorer(curve_set).loss
        refuse_wrong_metrics(parts, module, accelerator)
    branches = [Branch(task.branch(n_tokens), accelerator) for n_tokens in options.branches]
    loop = Loop(task, accelerator, module, make_optimizer(parts, module), parts.loss, outcome, n_pieces, branches)
    if checkpoint is not None:
        keeper.restore(loop, checkpoint)

    def score_curve() -> float:
        return scorer(curve_set).loss

    branching = Branching(branches, score_curve, keeper.leave)

    def after_step(loop: Loop) -> None:
        # Branches first: a checkpoint of the trunk then knows that they have theirs, and going on from it does not
        # leave them a second time.
        branching.after_step(loop)
        keeper.after_step(loop)

    with Logbook(parts, options, out, accelerator, outcome) as logbook:
        loop.run(batches, score_curve, logbook, after_step if branches else keeper.after_step)
        # Compared even where the run diverged, and before the final score, in which all processes must have one model.
        agreement = agree(module, accelerator)
        final = None if outcome.diverged else scorer(heldout.evenly_spaced(settings.heldout_units))
        # By all processes, which have one outcome and one score: what is scored next is scored by all or by none.
        judge(outcome, final)
        metrics = final_metrics(parts, module, accelerator, outcome, final) if final and not outcome.diverged else {}
        # The others have done their part of the scores, and have nothing to write.
        if not accelerator.is_main_process:
            return None
        record = describe(parts, options, accelerator, outcome, final, agreement, metrics)
        logbook.finish(record)
    return record


def _batches_from(step: int, parts: Parts, accelerator: Accelerator) -> Iterator[Batch]:
    """The share of this process in the training batches after a step."""
    # The order of the data is a function of seed and position (plugins/endless.py), so that they begin at the step of a
    # checkpoint without reading what came before it.
    task, rank, world_size = parts.task, accelerator.process_index, accelerator.num_processes
    units = task.settings.batch_units
    batches = parts.dataset.batches(parts.folder, "train", units, task.seed, rank, world_size, step)
    return checked_batches(batches, task.spec["dataset"]["plugin"], step)
