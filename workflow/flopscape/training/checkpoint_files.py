"""Checkpoints on disk: written so that a half-written one has no name, read only if whole and of this very run.

    checkpoints/{run}/lease.json                        who is training the run
    checkpoints/{run}/step-00000120/checkpoint.json     what it belongs to, the outcome so far, each file's SHA-256
                                    shared.safetensors  model, optimiser, loss scaler
                                    rank-0.safetensors  generators and running sums of one process
    checkpoints/set-aside/{run}-step-00000120/          one that was found damaged, or another run's

A newer checkpoint replaces an older one; all go when the run's record is written. Imports no torch.

What keeps a run from going on from a wrong or broken state, in the order in which things can go wrong:

1. A process may be killed, or a disk be full, while it writes. Files are written into a folder `saving-…`, which no
   reader looks at; its rename to `step-…` is atomic and comes last.
2. A machine may lose power after the rename. Every file's bytes are synchronised to the disk before it, or a folder of
   the right name could hold files of zeros.
3. A disk or a copy may change bytes later. Each file's SHA-256 is checked before it is read.
4. A checkpoint may be of another run, or of this one under other code, data or devices, with which it would end
   elsewhere than undisturbed. Both are compared; the first kind is kept aside, the second refused by name.
"""

import json
import os
import shutil
import sys
from itertools import count
from pathlib import Path
from typing import Any

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec, sha256
from flopscape.files.side_outputs import side_output
from flopscape.training.outcome import Outcome

FORMAT = 1
FACTS = "checkpoint.json"
SHARED = "shared.safetensors"


def study_folder(out: Path) -> Path:
    """The folder of the study to which the record `out` belongs: its own, or the one around it if that is `runs`."""
    return out.parent.parent if out.parent.name == "runs" else out.parent


def checkpoint_folder(out: Path) -> Path:
    """Where the checkpoints of the record `out` are: beside it, or beside its folder if that is called `runs`."""
    return study_folder(out) / "checkpoints" / side_output(out, "").name


def rank_file(rank: int) -> str:
    """Name of the file of one process, by its number."""
    return f"rank-{rank}.safetensors"


def saving_folder(folder: Path, step: int) -> Path:
    """Where the files of a checkpoint are written before it is whole."""
    return folder / f"saving-{step:08d}"


def seal(saving: Path, processes: int, spec: Spec, conditions: dict[str, Any], outcome: Outcome) -> Path:
    """Make a checkpoint of the files in `saving`, in place of older ones.

    Parameters
    ----------
    saving : Path
        Folder of `saving_folder`, into which each process has written its file and the main one the shared file.
    processes : int
        How many of them.
    spec : dict
        The run's.
    conditions : dict
        Code, data, device and number of processes, without which the run would go on to another loss.
    outcome : Outcome
        What the run has come to.

    Returns
    -------
    Path
        The folder of the checkpoint.

    Raises
    ------
    OSError
        A file is missing or cannot be kept: the older checkpoint is still there.
    """
    names = [SHARED, *(rank_file(rank) for rank in range(processes))]
    facts = {
        "format": FORMAT,
        "spec": spec,
        "conditions": conditions,
        "outcome": outcome.as_json(),
        "sha256": {name: _sync_and_hash(saving / name) for name in names},
    }
    # The facts come last: they name the hash of every other file, and a folder without them counts as damaged.
    (saving / FACTS).write_text(json.dumps(facts), encoding="utf-8")
    _sync_and_hash(saving / FACTS)
    final = saving.with_name(saving.name.replace("saving", "step"))
    # A rename does not replace a folder that holds files. One of this step is there where a trunk that is trained again
    # leaves its branches the same once more. A kill before the rename costs that one, never an older step's.
    shutil.rmtree(final, ignore_errors=True)
    os.rename(saving, final)
    # Only now, with a whole newer one beside them, can the older ones go.
    for older in _checkpoints(final.parent)[:-1]:
        shutil.rmtree(older, ignore_errors=True)
    return final


def newest_checkpoint(folder: Path, spec: Spec, conditions: dict[str, Any]) -> tuple[Path, Outcome] | None:
    """The newest checkpoint that is whole and this run's; others are set aside with a sentence on standard error.

    Raises
    ------
    FlopscapeError
        It was made under other conditions, so that going on would not give the loss of an undisturbed run.
    """
    # Whoever wrote them is dead: this process holds the lease on the folder.
    for leftover in folder.glob("saving-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    # Usually one. Two where a kill came between the rename of the newer and the end of the older.
    for checkpoint in reversed(_checkpoints(folder)):
        try:
            facts = _read_whole(checkpoint)
            outcome = Outcome.from_json(facts["outcome"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            _set_aside(checkpoint, f"is damaged ({error})")
            continue
        if facts["spec"] != spec:
            _set_aside(checkpoint, "belongs to another spec")
            continue
        _refuse_other_conditions(checkpoint, facts["conditions"], conditions)
        return checkpoint, outcome
    return None


def discard(folder: Path) -> None:
    """Remove all checkpoints of a finished run."""
    for checkpoint in _checkpoints(folder):
        shutil.rmtree(checkpoint, ignore_errors=True)


def _checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    # Steps are written in eight digits, so that the order of names is that of numbers.
    return sorted(folder.glob("step-*"))


def _read_whole(checkpoint: Path) -> dict[str, Any]:
    """The facts of a checkpoint whose files are those that were written; ValueError or OSError otherwise.

    The facts have no hash of their own: JSON that was cut short does not parse, and what it says of the files is
    checked against them.
    """
    facts: dict[str, Any] = json.loads((checkpoint / FACTS).read_text(encoding="utf-8"))
    if facts["format"] != FORMAT:
        raise ValueError(f"format {facts['format']} where {FORMAT} is read")
    for name, expected in facts["sha256"].items():
        if sha256(checkpoint / name) != expected:
            raise ValueError(f"{name} is not the file that was written")
    return facts


def _refuse_other_conditions(checkpoint: Path, then: dict[str, Any], now: dict[str, Any]) -> None:
    # Only what this version compares: a checkpoint may name conditions that no longer matter.
    changed = [f"{name} was {then.get(name)} and is {value}" for name, value in now.items() if then.get(name) != value]
    if changed:
        raise FlopscapeError(
            f"{checkpoint}: made under other conditions: {', '.join(changed)}; put them back to go on from it, or "
            f"delete it to start from zero"
        )


def _set_aside(checkpoint: Path, why: str) -> None:
    """Move a checkpoint out of the way, and say so. Its run may be another's that someone paid for: it is kept."""
    folder = checkpoint.parent
    base = folder.parent / "set-aside" / f"{folder.name}-{checkpoint.name}"
    # Numbered, for a run may lose a checkpoint of one step twice, and a rename would fail on the first one.
    aside = next(path for n in count(1) if not (path := base.with_name(f"{base.name}-{n}")).exists())
    try:
        base.parent.mkdir(exist_ok=True)
        os.rename(checkpoint, aside)
    except OSError as error:
        raise FlopscapeError(f"{checkpoint} {why} and cannot be moved away ({error.strerror}); delete it") from error
    print(f"flopscape: {checkpoint} {why} and is not used; it is now {aside}", file=sys.stderr, flush=True)


def _sync_and_hash(path: Path) -> str:
    """SHA-256 of a file that is on the disk from now on, and not only in the cache of the operating system."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return sha256(path)
