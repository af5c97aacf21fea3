"""Saving a run so that it can go on: when, by all its processes together, and how it is put back.

Every process decides alone that a step is over, but a checkpoint is of all of them at one step, so that each has to
know what the others will do. They ask each other in one small sum (an all-reduce by NCCL on GPUs, by gloo on CPUs)
about once a second and not at every step: waiting for the slowest at each of a tiny model's thousand steps a second
would cost more than the steps. `_agree` counts the steps until the next question from the pace that all of them report.
"""

import math
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec
from flopscape.fingerprint import run_fingerprint
from flopscape.machine.lease import Lease
from flopscape.machine.measured import seconds_since_start
from flopscape.machine.slurm import job_end
from flopscape.training.branches import Branch
from flopscape.training.checkpoint_files import SHARED, newest_checkpoint, rank_file, saving_folder, seal
from flopscape.training.components import Parts
from flopscape.training.loop import Loop
from flopscape.training.outcome import Outcome
from flopscape.training.state import Tree, load_tree, random_state, save_tree, set_random_state
from flopscape.training.stopping import Interrupted

CHECKPOINT_SECONDS = 180.0
"""Between checkpoints: what a kill may cost. Shorter would cost large models more in writing than it saves them."""
MOST_SAVING = 0.05
"""Largest share of the time that goes into checkpoints, where writing one is slow."""
AGREEMENT_SECONDS = 1.0
"""How often several processes ask each other whether to save or stop; a SLURM job has 30 s from SIGTERM to SIGKILL."""
STEPS_VARIABLE = "FLOPSCAPE_CHECKPOINT_STEPS"
"""Environment variable: save every so many steps and not by the clock."""


class Checkpointer:
    """Saves a run after some of its steps.

    Saved are the module's parameters and buffers, the optimiser's state, all generators, the place in the data and the
    outcome so far. What a plug-in keeps elsewhere, such as a loss that counts its calls, is not.

    Parameters
    ----------
    parts, accelerator
        The run and its processes.
    folder : Path
        Where its checkpoints are.
    lease : Lease or None
        Held by the main process; None in every other, which makes it the mark of the main one.
    signals : list of str
        Names of the signals received so far: it grows while the run trains.
    """

    def __init__(
        self, parts: Parts, accelerator: Accelerator, folder: Path, lease: Lease | None, signals: list[str]
    ) -> None:
        self.parts, self.accelerator, self.folder, self.lease, self.signals = parts, accelerator, folder, lease, signals
        self.every_steps = _every_steps()
        self.saved_step: int | None = None
        self._due = time.perf_counter() + CHECKPOINT_SECONDS
        self._longest_save, self._job_end = 0.0, math.inf
        self._asked_at, self._asked_step, self._next_question = time.perf_counter(), 0, 0
        # What besides the spec decides the digits: a run that goes on under another of these is another run.
        self.conditions = {
            "code": run_fingerprint(parts.task.spec),
            "data": parts.manifest.data_hash,
            "torch": torch.__version__,
            "device": accelerator.device.type,
            "processes": accelerator.num_processes,
        }

    def find(self) -> tuple[Path | None, Outcome]:
        """The checkpoint from which the run goes on, if there is one; the same in all processes."""
        # The main process alone looks and sets damaged ones aside; were each to look for itself, two could see
        # different folders on a network disk and go on from different steps.
        newest: list[Any] = [None]
        if self.lease:
            newest = [newest_checkpoint(self.folder, self.parts.task.spec, self.conditions)]
        if self.accelerator.num_processes > 1:
            broadcast_object_list(newest)
        checkpoint, outcome = newest[0] or (None, Outcome())
        # From here on all processes have the same outcome: a decision that follows from it needs no further exchange.
        self.saved_step = outcome.step if checkpoint else None
        self._asked_step = outcome.step
        if self.lease:
            # The dead holder's lease knows of the steps that its last checkpoint does not.
            outcome.seconds_before = max(outcome.seconds_before, self.lease.inherited_seconds)
            self.lease.note_seconds(outcome.seconds_before)
        return checkpoint, outcome

    def restore(self, loop: Loop, checkpoint: Path) -> None:
        """Put a run back to where its checkpoint left it."""
        outcome = loop.outcome
        loop.set_shared_state(load_tree(checkpoint / SHARED))
        of_rank = load_tree(checkpoint / rank_file(self.accelerator.process_index))
        loop.set_own_state(of_rank["own"])
        # The trunk's checkpoint is where a branch begins: it was not interrupted there.
        branched = outcome.parent and outcome.step == self.parts.task.branching_step
        if not branched:
            outcome.resumed_at.append(outcome.step)
        if self.lease:
            how = f"branched off run {outcome.parent}" if branched else "resumed"
            print(f"{how} after step {outcome.step:,} of {self.parts.task.n_steps:,} from {checkpoint}", flush=True)
        # Last of all, for putting things back may draw random numbers.
        set_random_state(of_rank["random"], self.accelerator.device)

    def after_step(self, loop: Loop) -> None:
        """Save if it is time to; Interrupted where a signal asked to stop, or the SLURM job is about to end."""
        step = loop.outcome.step
        if step < self._next_question:
            return
        stop, due = self._agree(step, bool(self.signals) or self._job_ends(), self._is_due(step))
        if not (stop or due):
            return
        with loop.paused():
            started = time.perf_counter()
            self._save(loop)
            # All processes stop at the same step, though a signal may have reached one of them only.
            if stop:
                raise Interrupted(self._why_stopped(loop.outcome))
            self._note_times(time.perf_counter() - started)

    def _note_times(self, saving_seconds: float) -> None:
        """When to save next, and when to stop: the main process asks SLURM, whose limit may have been raised.

        Saves of s seconds every s / 0.05 take 5 % of the time at most, however large the model and slow the disk.
        """
        self._due = time.perf_counter() + max(CHECKPOINT_SECONDS, saving_seconds / MOST_SAVING)
        self._longest_save = max(self._longest_save, saving_seconds)
        if self.lease:
            self._job_end = job_end(os.environ)

    def _job_ends(self) -> bool:
        """Whether the job ends within twice what a checkpoint takes: one of minutes would be killed half-way."""
        return time.time() > self._job_end - 2 * self._longest_save

    def _is_due(self, step: int) -> bool:
        if self.every_steps:
            return step % self.every_steps == 0
        return time.perf_counter() >= self._due

    def _agree(self, step: int, stop: bool, due: bool) -> tuple[bool, bool]:
        """Whether to stop, which any process may be asked to, and whether to save, which the main one's clock decides.

        It also sets the step of the next question.

        Each of P processes has taken `pace` seconds a step since the last question. Their sum over P is the mean pace,
        so that AGREEMENT_SECONDS·P / Σ pace steps take about as long as that. All compute it from the same sum: none
        can ask when the others do not, which would leave it waiting for ever.
        """
        self._next_question = step + 1
        if self.accelerator.num_processes == 1:
            return stop, due
        now = time.perf_counter()
        pace = (now - self._asked_at) / (step - self._asked_step)
        # Both flags and the pace in one sum: a flag of any process makes its sum positive.
        votes = torch.tensor([stop, due and self.lease is not None, pace], dtype=torch.float64)
        n_stop, n_due, paces = self.accelerator.reduce(votes.to(self.accelerator.device), reduction="sum").tolist()
        self._asked_at, self._asked_step = now, step
        if not self.every_steps:
            # Rounded down, so that slow steps of over a second are followed by a question each.
            self._next_question += int(AGREEMENT_SECONDS * self.accelerator.num_processes / paces)
        return n_stop > 0, n_due > 0

    def _save(self, loop: Loop) -> None:
        """Write a checkpoint; one that cannot be written is named and the run goes on, the one before it untouched."""
        # This process may have been stopped for so long that another took the run over: its files are that one's now.
        if self.lease:
            self.lease.check()
        outcome = loop.outcome
        # In a copy: the outcome in memory goes on counting from its own start, and `seconds_before` of a checkpoint is
        # for the process that goes on from it.
        spent = replace(outcome, seconds_before=outcome.seconds_before + seconds_since_start())
        error = self._write(self.folder, loop, loop.own_state(), self.parts.task.spec, spent)
        if not error:
            self.saved_step = outcome.step
            return
        outcome.failed_checkpoints.append(f"step {outcome.step}: {error}")
        if self.lease:
            print(f"flopscape: no checkpoint at {outcome.failed_checkpoints[-1]}; training goes on", file=sys.stderr)

    def leave(self, loop: Loop, branch: Branch) -> None:
        """Write the checkpoint that a branch starts from; without it the branch is trained from its own step 1."""
        run_id = branch.task.run_id
        # Weights, optimiser and generators are the trunk's as they are, for at this step the branch's would be the
        # same; sums and outcome are the branch's. Nobody holds a lease there: the workflow starts branches after their
        # trunk.
        own = {"sums": branch.sums.state(), "branches": {}}
        error = self._write(self.folder.with_name(run_id), loop, own, branch.task.spec, branch.start(loop))
        if self.lease:
            why = f"no checkpoint for the branch {run_id}: {error}" if error else f"left a checkpoint for run {run_id}"
            print(f"{why} at step {branch.last_step:,}", file=sys.stderr if error else sys.stdout, flush=True)

    def _write(self, folder: Path, loop: Loop, own: Tree, spec: Spec, outcome: Outcome) -> str:
        """Write a whole checkpoint, all processes together, and return what went wrong in any of them, or nothing."""
        saving = saving_folder(folder, outcome.step)
        # Two rounds, each of which waits for all: the main process hashes and renames what every process has written,
        # and does neither where one of them failed.
        errors = self._errors(self._write_own_files, loop, own, saving)
        if not errors:
            errors = self._errors(self._seal, saving, spec, outcome)
        if errors and self.lease:
            shutil.rmtree(saving, ignore_errors=True)
        return errors[0] if errors else ""

    def _errors(self, act: Callable[..., None], *arguments: Any) -> list[str]:
        """Do something in all processes, wait for them, and return what went wrong in any of them.

        A full disk may stop one of them. If it raised alone, the others would wait for it in the next exchange.
        """
        errors = []
        try:
            act(*arguments)
        except OSError as error:
            errors = [str(error)]
        return list(gather_object(errors))

    def _write_own_files(self, loop: Loop, own: Tree, saving: Path) -> None:
        rank, device = self.accelerator.process_index, self.accelerator.device
        saving.mkdir(parents=True, exist_ok=True)
        save_tree(saving / rank_file(rank), {"own": own, "random": random_state(device)})
        if self.lease:
            save_tree(saving / SHARED, loop.shared_state())

    def _seal(self, saving: Path, spec: Spec, outcome: Outcome) -> None:
        if self.lease:
            seal(saving, self.accelerator.num_processes, spec, self.conditions, outcome)

    def _why_stopped(self, outcome: Outcome) -> str:
        """The sentence for a run that was asked to stop: where it stopped, and from where it will go on."""
        others = "the end of its SLURM job" if self._job_ends() else "another process"
        why = f"stopped by {self.signals[0] if self.signals else others} after step {outcome.step:,}"
        if self.saved_step is None:
            return f"{why} without a checkpoint ({outcome.failed_checkpoints[-1]}); started again, the run begins anew"
        return f"{why}; started again, the run goes on after step {self.saved_step:,}"


def _every_steps() -> int | None:
    """Steps between checkpoints, where the environment sets them; FlopscapeError where that is no number."""
    text = os.environ.get(STEPS_VARIABLE)
    if text is None:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise FlopscapeError(f"{STEPS_VARIABLE} is {text!r}, not a number of steps; unset it to save by the clock")
    return int(text)
