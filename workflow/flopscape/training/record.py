"""The end of a run: whether its processes hold one model, whether it diverged, and its RunRecord.

Nothing is judged by the plan here: a record says what was seen, counted and used, and the tables compare it with what
was planned.
"""

import hashlib
import math
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import nn

from flopscape.errors import FlopscapeError
from flopscape.fingerprint import run_fingerprint
from flopscape.machine.measured import Options, cost, hardware, in_force, peak_memory_mb, seconds_since_start, versions
from flopscape.records.run_record import RunRecord
from flopscape.training.components import Parts
from flopscape.training.heldout import Score
from flopscape.training.outcome import Outcome


class Agreement(NamedTuple):
    """The SHA-256 of the trained parameters, empty where one process has no other to compare with; and peak memory."""

    parameters_sha256: str
    memory: dict[str, float]


def agree(module: nn.Module, accelerator: Accelerator) -> Agreement:
    """Compare the parameters of all processes, bit by bit; memory is that of the process that took most.

    Raises
    ------
    FlopscapeError
        The processes ended with different parameters: the run trained several models and none of them as planned.
    """
    memory = peak_memory_mb(accelerator.device)
    if accelerator.num_processes == 1:
        return Agreement("", memory)
    # A hash a process, and not the parameters: of a large model they would not fit into the main one's memory.
    states: list[Any] = gather_object([(parameters_hash(module), memory)])
    hashes = [state[0] for state in states]
    if differing := [rank for rank, value in enumerate(hashes) if value != hashes[0]]:
        raise FlopscapeError(
            f"the parameters of process {differing[0]} differ from those of process 0 at the end of the run; no record "
            f"is written. Look for what changes parameters in one process only, in the model, its optimiser or the loss"
        )
    return Agreement(hashes[0], {name: max(state[1][name] for state in states) for name in memory})


def parameters_hash(module: nn.Module) -> str:
    """SHA-256 of all parameters, in their order."""
    # As bytes, so that a NaN equals itself and −0 is not 0: this asks whether processes did the same arithmetic.
    digest = hashlib.sha256()
    for parameter in module.parameters():
        digest.update(parameter.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def judge(outcome: Outcome, final: Score | None) -> None:
    """Call a run diverged whose final loss is not finite, or above that of the untrained model."""
    if final is None:
        return
    if not math.isfinite(final.loss):
        outcome.diverged = "the final held-out loss is not finite"
    elif final.loss > outcome.untrained_loss:
        outcome.diverged = (
            f"the final held-out loss {final.loss:.4f} is above the untrained model's {outcome.untrained_loss:.4f}"
        )


def describe(
    parts: Parts,
    options: Options,
    accelerator: Accelerator,
    outcome: Outcome,
    final: Score | None,
    agreement: Agreement,
    metrics: dict[str, dict[str, Any]],
) -> RunRecord:
    """The record of a run that was judged; `final` is None where training broke off, and `metrics` are empty then.

    The curve gets its FLOPs here, and the run's own loss as its last held-out one.
    """
    task, counts, curve = parts.task, parts.counts, outcome.curve
    # A run that `judge` called diverged has a final score and no loss: a number would find its way into a fit.
    completed = final if not outcome.diverged else None
    seconds_total = outcome.seconds_before + seconds_since_start()
    # From units that were seen, not planned. A branch's curve has its trunk's points too, so that its FLOPs are those
    # of the whole way.
    curve.flops = [n_tokens * counts.flops_per_unit for n_tokens in curve.n_tokens]
    curve.heldout_loss[-1] = completed.loss if completed else None
    return RunRecord(
        run_id=task.run_id,
        spec=task.spec,
        status="completed" if completed else "diverged",
        reason=outcome.diverged,
        simulated=False,
        unit=parts.manifest.unit,
        n_params_body=counts.n_params_body,
        n_params_head=counts.n_params_head,
        n_params_embedding=counts.n_params_embedding,
        flops_per_unit=counts.flops_per_unit,
        n_tokens_planned=task.n_tokens,
        n_tokens_seen=outcome.n_units,
        parent=outcome.parent,
        n_tokens_inherited=outcome.n_units_inherited,
        loss=completed.loss if completed else None,
        loss_se=completed.standard_error if completed else None,
        n_heldout_units=completed.n_units if completed else 0,
        curve=curve,
        data_hash=parts.manifest.data_hash,
        code_fingerprint=run_fingerprint(task.spec),
        timings=timings(outcome, seconds_total, counts.flops_per_unit, options),
        cost=cost(seconds_total, torch.get_num_threads(), accelerator.device.type, options),
        versions=versions(),
        hardware=hardware(accelerator) | facts_of_processes(agreement) | interruptions(outcome),
        in_force=in_force(accelerator, task.settings.compile, options),
        metrics=metrics,
        heldout_hashes={one.name: one.manifest.data_hash for one in parts.sets if not one.is_own},
    )


def timings(outcome: Outcome, seconds_total: float, flops_per_unit: float, options: Options) -> dict[str, float]:
    """Seconds by kind, rates of the training part, and the share of the peak FLOP/s if a peak was given.

    Those of a branch are its own part's. Seconds add up over all parts of a run that was resumed; only those of
    `seconds_total` include steps done twice.

    `mfu` is model FLOPs utilisation (Chowdhery et al. 2022, arXiv 2204.02311, appendix B): the FLOPs that the model
    needs by its counts, a second, over those that the devices could do. What is computed twice, to save memory, does
    not count.

    Parameters
    ----------
    outcome : Outcome
        Units and seconds.
    seconds_total : float
        From the start of the process to now, and of the run's earlier parts.
    flops_per_unit : float
        Forward and backward.
    options : Options
        `peak_flops` of one process, and how many there are.
    """
    # What the trunk had seen cost this branch no time: its speed is that of its own part.
    units_per_second = (outcome.n_units - outcome.n_units_inherited) / outcome.seconds_training
    rates = {"units_per_second": units_per_second, "flops_per_second": units_per_second * flops_per_unit}
    if options.peak_flops is not None:
        rates["mfu"] = rates["flops_per_second"] / (options.peak_flops * options.processes)
    seconds = {
        "seconds_total": seconds_total,
        "seconds_training": outcome.seconds_training,
        "seconds_evaluation": outcome.seconds_evaluation,
    }
    return seconds | rates


def facts_of_processes(agreement: Agreement) -> dict[str, Any]:
    """Peak memory, and what several processes agreed on."""
    agreed = {"parameters_sha256": agreement.parameters_sha256} if agreement.parameters_sha256 else {}
    return agreed | agreement.memory


def interruptions(outcome: Outcome) -> dict[str, Any]:
    """Steps after which the run was resumed, and the checkpoints that could not be written."""
    return {"resumed_at_steps": outcome.resumed_at, "failed_checkpoints": outcome.failed_checkpoints}
