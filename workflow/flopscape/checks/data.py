"""Whether a prepared dataset's batches are what the loop takes them for."""

from collections.abc import Iterator

from flopscape.checks.subject import Batch, Subject, first, rows, same
from flopscape.plugins.loading import class_limit

LATER = 3
"""Step at which a resumed stream is compared with an undisturbed one."""
LABELS = ("tokens", "inputs", "targets", "labels")
"""Entries of a batch that hold classes, when they are integers."""
IGNORED = -100
"""Target that torch's cross-entropy leaves out."""


def size(subject: Subject) -> Iterator[str]:
    """Splits that are empty, or smaller than a batch."""
    assert subject.manifest is not None
    n_units, name, unit = subject.manifest.n_units, subject.name("dataset"), subject.manifest.unit
    if (n_train := n_units.get("train", 0)) < subject.batch_units:
        yield (
            f"{name}: has {n_train:,} {unit}s to train on, fewer than a batch of {subject.batch_units:,}; "
            "use more data or a smaller batch_units"
        )
    held_out = sum(len(next(iter(batch.values()))) for batch in subject.heldout)
    # Rows times units of a row: a last batch that is short has fewer rows and no shorter ones.
    counted = held_out * units_per_row(subject)
    if not held_out:
        yield f"{name}: nothing is held out; let prepare set data aside for the split heldout"
    elif counted != n_units.get("heldout"):
        yield (
            f"{name}: the manifest counts {n_units.get('heldout')} held-out {unit}s and the batches have {counted:g}; "
            "correct n_units in prepare"
        )


def units_per_row(subject: Subject) -> float:
    """Units of one row of a batch: tokens of a window, 1 for images."""
    return subject.batch_units / len(next(iter(subject.batch.values())))


def seeds(subject: Subject) -> Iterator[str]:
    """Training batches that do not follow from the seed, or a held-out set that does."""
    once, twice, other = (next(subject.batches(seed=seed)) for seed in (0, 0, 1))
    name = subject.name("dataset")
    if not same(once, twice):
        yield f"{name}: two streams with one seed begin differently; draw the order from the seed alone"
    elif same(once, other):
        yield f"{name}: seeds 0 and 1 give the same first batch; draw the order of training data from the seed"
    if not all(map(same, subject.heldout, subject.batches("heldout", seed=1))):
        yield f"{name}: the held-out set changes with the seed; give its rows in one fixed order"


def start(subject: Subject) -> Iterator[str]:
    """Streams that begin elsewhere than at `start`."""
    whole, resumed = first(subject.batches(), LATER), first(subject.batches(start=LATER))
    name = subject.name("dataset")
    if whole is None or resumed is None:
        yield f"{name}: the training stream ends within {LATER + 1} batches; make it endless, epoch after epoch"
    elif not same(whole, resumed):
        yield (
            f"{name}: batches(start={LATER}) does not begin with the batch that a stream from 0 gives then, so a "
            "resumed run would see other data; skip `start` batches"
        )


def ranks(subject: Subject) -> Iterator[str]:
    """Processes that share data, or that see other data together than one process alone."""
    # Twice the batch, so that two processes can share one that is a single window.
    units, name = 2 * subject.batch_units, subject.name("dataset")
    parts = [rows(next(subject.share(rank, 2, units=units))) for rank in range(2)]
    whole = rows(next(subject.batches(units=units)))
    # As sets of rows: which process has which row of the batch changes no gradient.
    if sorted(parts[0]) == sorted(parts[1]):
        yield f"{name}: processes 0 and 1 of 2 see the same data; give each its share of the global batch"
    elif sorted(parts[0] + parts[1]) != sorted(whole):
        yield (
            f"{name}: the batches of 2 processes are together not the batch of one; cut the same global batch of "
            "batch_units into world_size parts"
        )


def labels(subject: Subject) -> Iterator[str]:
    """Tokens or labels beyond the model's vocabulary or classes."""
    limit = class_limit(subject.model)
    assert subject.manifest is not None
    tokeniser = subject.manifest.notes.get("vocab_size") or getattr(subject.dataset, "vocab_size", None)
    if limit and tokeniser and tokeniser > limit[1]:
        yield (
            f"{subject.name('dataset')}: the tokeniser has {tokeniser} tokens and {subject.name('model')} a vocabulary "
            f"of {limit[1]}; set the model's {limit[0]} to at least {tokeniser}"
        )
    classes = limit[1] if limit else _outputs(subject)
    for key in (key for key in LABELS if key in subject.batch and not subject.batch[key].is_floating_point()):
        low, high = _extremes([subject.batch, *subject.heldout], key)
        if high >= classes or low < 0:
            yield (
                f"{subject.name('dataset')}: {key} range from {low} to {high}, but {subject.name('model')} has the "
                f"classes 0 to {classes - 1}; enlarge its vocabulary or number of classes, or correct the labels"
            )


def _extremes(batches: list[Batch], key: str) -> tuple[int, int]:
    kept = [batch[key][batch[key] != IGNORED] for batch in batches]
    return min(int(part.min()) for part in kept), max(int(part.max()) for part in kept)


def _outputs(subject: Subject) -> int:
    """The last dimension of the model's output."""
    from flopscape.checks.causality import Listener

    listener = Listener(subject.module())
    subject.loss(listener, subject.batch)
    return listener.output.shape[-1]
