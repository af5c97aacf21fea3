"""Branches: which runs can start from a checkpoint of a longer one, and what is left to train then.

The longest run of a size and seed is the trunk, the parent of all others (Hägele et al. 2024, arXiv 2405.18392). The
parent is no part of a run's identity: a branch ends with the loss that it would have alone.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace

from flopscape.files.json_text import canonical
from flopscape.recipe.schedule import branching_step
from flopscape.recipe.settings import TrainingSettings
from flopscape.records.plan_row import PlanRow


def with_parents(rows: list[PlanRow], training: TrainingSettings) -> list[PlanRow]:
    """The same rows; those that have a longer run of their kind name it, and the tokens before their decay.

    A run of T steps whose last share f decays has the rates of any longer run with the same warm-up up to step
    T − ⌈f·T⌉ (recipe/schedule.py), and with the same seed the same batches: up to there both are one computation, which
    the longer one pays.

    Parameters
    ----------
    rows : list of PlanRow
        All runs of a study.
    training : TrainingSettings
        Its recipe, whose warm-up is of one length for runs of any length: config/study.py refuses another.
    """
    trunks = _trunks(rows)
    return [_with_parent(row, trunks[_kind(row)], training) for row in rows]


def _trunks(rows: list[PlanRow]) -> dict[str, PlanRow]:
    """The longest run of each kind."""
    by_kind = defaultdict(list)
    for row in rows:
        by_kind[_kind(row)].append(row)
    return {kind: max(alike, key=lambda row: row.n_tokens) for kind, alike in by_kind.items()}


def _kind(row: PlanRow) -> str:
    """The spec of a run without its length: runs with one such spec share their first steps."""
    return canonical({key: value for key, value in row.spec.items() if key != "n_tokens"})


def _with_parent(row: PlanRow, trunk: PlanRow, training: TrainingSettings) -> PlanRow:
    shared, longest = (branching_step(run.n_steps, training.decay_fraction) for run in (row, trunk))
    # The trunk itself, a run that decays from its first step, or one whose decay begins no earlier than the trunk's.
    if not 0 < shared < longest:
        return row
    # Tokens over steps is the batch: all steps are whole batches.
    return replace(row, parent=trunk.run_id, n_tokens_shared=shared * (row.n_tokens // row.n_steps))


def branches_by_trunk(rows: Collection[PlanRow]) -> dict[str, list[PlanRow]]:
    """The runs that start from a checkpoint of another, by the id of that one."""
    branches = defaultdict(list)
    for row in rows:
        if row.parent:
            branches[row.parent].append(row)
    return dict(branches)


def tokens_to_train(row: PlanRow, todo: Collection[str], saved_steps: int = 0) -> int:
    """Units that a run trains itself, with a checkpoint after `saved_steps`.

    A parent leaves checkpoints while it trains: one that is finished saves no more than those.
    """
    shared = row.n_tokens_shared if row.parent in todo else 0
    # The larger of the two, not their sum: both are the first steps of the same run.
    return row.n_tokens - max(shared, saved_steps * (row.n_tokens // row.n_steps))
