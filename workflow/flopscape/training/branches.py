"""Branches: shorter runs that start from a checkpoint which a longer one of their size and seed, the trunk, leaves.

With a warm-up that does not depend on their length, the runs of one size and seed are one and the same until the
shortest of them decays: Hägele et al. 2024 (arXiv 2405.18392) train a model once at a constant rate and cool it down
from several of its checkpoints. Here the trunk is the longest run itself. It leaves each branch what the branch
would have saved just before its decay, had it been trained alone: the branch goes on as a run that was interrupted.

That holds to the last digit, because up to there both runs have the same weights, rates, batches and generators. What
differs is the curve: its points lie at shares of a run's own length, so that a trunk keeps one set of sums for each
branch beside its own (`Branch`), and scores the held-out set where the branch would.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from accelerate import Accelerator

from flopscape.recipe.schedule import curve_steps, heldout_steps
from flopscape.training.outcome import Outcome
from flopscape.training.running_means import RunningMeans
from flopscape.training.spec import Task
from flopscape.training.state import Tree

if TYPE_CHECKING:
    from flopscape.training.loop import Loop


class Branch:
    """A shorter run up to its decay: the curve that it would have alone, from the steps of its trunk."""

    def __init__(self, task: Task, accelerator: Accelerator) -> None:
        self.task, self.outcome, self.sums = task, Outcome(), RunningMeans(accelerator)
        self.last_step = task.branching_step
        points = curve_steps(task.n_steps, task.settings.curve_points)
        self.with_score = heldout_steps(points, task.settings.curve_heldout_points)
        self.points = {step for step in points if step < self.last_step}

    def add_point(self, step: int, score: Callable[[], float], learning_rate: float) -> None:
        """Add a point to the curve, as the loop does; that of the last step is the branch's own."""
        train_loss, n_units, _ = self.sums.take()
        heldout_loss = score() if step in self.with_score else None
        self.outcome.add_point(step, n_units, train_loss, heldout_loss, learning_rate)

    def start(self, trunk: "Loop") -> Outcome:
        """The outcome that the branch starts from: its curve so far, and no seconds, for those were its trunk's."""
        # `n_units` goes up to the branch's last point: what was seen since then is still in the sums.
        inherited = self.outcome.n_units + self.sums.mean()[1]
        parent, untrained_loss = trunk.task.run_id, trunk.outcome.untrained_loss
        return replace(
            self.outcome, step=self.last_step, parent=parent, n_units_inherited=inherited, untrained_loss=untrained_loss
        )

    def state(self) -> Tree:
        """The sums and the outcome as a tree, which `set_state` puts back."""
        return {"sums": self.sums.state(), "outcome": self.outcome.as_json()}

    def set_state(self, state: Tree) -> None:
        """Put back what `state` returned."""
        self.sums.set_state(state["sums"])
        self.outcome = Outcome.from_json(state["outcome"])


class Branching:
    """Serves the branches of a run after each of its steps: points of their curves, and their checkpoints."""

    def __init__(
        self, branches: Sequence[Branch], score: Callable[[], float], leave: Callable[["Loop", Branch], None]
    ) -> None:
        self.score, self.leave = score, leave
        self.steps = {step for branch in branches for step in (*branch.points, branch.last_step)}

    def after_step(self, loop: "Loop") -> None:
        """Add the points and leave the checkpoints that are due at the step which the loop has just done."""
        step = loop.outcome.step
        if step not in self.steps:
            return
        # The trunk scores and writes here for others: none of it is training time of its own.
        with loop.paused():
            for branch in loop.branches:
                if step in branch.points:
                    branch.add_point(step, self.score, loop.learning_rate)
                elif step == branch.last_step:
                    self.leave(loop, branch)
        # A branch that has its checkpoint goes its own way: the trunk sums no more for it.
        loop.branches = [branch for branch in loop.branches if branch.last_step > step]
