"""`flopscape check-plugin`: the list of checks, a line for each as it is carried out, and all faults in the end.

A plug-in whose counts, loss or data are not what they say would cost a whole sweep that answers wrongly: every check is
of something that the loop, the plan or the fits rely on and cannot see. The workflow runs them before the first run.
"""

import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from flopscape.checks import causality, data, declarations, further_sets, gradients, overlap
from flopscape.checks.declarations import signatures
from flopscape.checks.subject import Subject
from flopscape.errors import FlopscapeError
from flopscape.files.outputs import refuse_output, write_text
from flopscape.plugins.prepare import MANIFEST
from flopscape.text.terminal import say


class Check(NamedTuple):
    """A claim, the parts it is about, and a function that yields a sentence for each fault."""

    claim: str
    needs: tuple[str, ...]
    faults: Callable[[Subject], Iterator[str]]

    def applies(self, subject: Subject) -> bool:
        """Whether the subject has the parts, and makes the claim."""
        claims = "causal" not in self.needs or bool(getattr(subject.model, "causal", False))
        return claims and all(subject.has(part) for part in self.needs if part != "causal")


class Finding(NamedTuple):
    """A check and the faults it found."""

    check: Check
    faults: list[str]


SIGNATURES = Check("methods take the arguments of the protocols", (), signatures)
STEP = ("model", "loss", "batch")
HELDOUT = ("model", "loss", "data", "sets")
CHECKS = (
    Check("parameters are as many as declared, at every size", ("model",), declarations.parameters),
    Check("the seed alone decides the weights", ("model",), gradients.seeded_weights),
    Check("tokens and labels are within the model's classes", ("model", "loss", "data"), data.labels),
    Check("the loss is a finite scalar and counts its units", STEP, gradients.loss_value),
    Check("every parameter receives a finite gradient", STEP, gradients.gradients),
    Check("FLOPs are within 2 % of those counted, at every size", STEP, declarations.flops),
    Check("the loss counts as many units as a batch has", ("model", "loss", "data"), gradients.units),
    Check("no output depends on a later input", (*STEP, "causal"), causality.causal),
    Check("targets are not the inputs at the same place", (*STEP, "causal"), causality.shifted),
    Check("no split is empty, and training has a batch at least", ("data",), data.size),
    Check("the seed alone decides the training batches", ("data",), data.seeds),
    Check("a stream can start at any step", ("data",), data.start),
    Check("processes share the batch of one process", ("data",), data.ranks),
    Check("nothing held out is trained on", ("data",), overlap.disjoint),
    Check("further held-out sets fit the model, and nothing of them is trained on", HELDOUT, further_sets.data),
    Check("every metric is a sum over units", HELDOUT, further_sets.sums),
)


def run_checks(subject: Subject) -> Iterator[Finding]:
    """Every check that applies; only that of the signatures if it finds something, for the others call."""
    finding = carry_out(SIGNATURES, subject)
    yield finding
    if not finding.faults:
        yield from (carry_out(check, subject) for check in CHECKS if check.applies(subject))


def carry_out(check: Check, subject: Subject) -> Finding:
    """One check; an exception in a plug-in is a fault too."""
    try:
        return Finding(check, list(check.faults(subject)))
    except Exception as error:
        return Finding(check, [_raised(error, subject)])


def _raised(error: Exception, subject: Subject) -> str:
    """What a plug-in raised, and where."""
    # Where it was raised, and not where the check called it: a plug-in's author looks there.
    place = traceback.extract_tb(error.__traceback__)[-1]
    kind = "" if type(error).__name__ == "FlopscapeError" else f"{type(error).__name__}: "
    message = next(iter(str(error).strip().splitlines()), "without a word")
    names = " with ".join(subject.name(part) for part in ("model", "loss", "dataset") if subject.has(part))
    return f"{names}: {kind}{message} ({place.filename.rpartition('/')[2]}, line {place.lineno})"


def report(subject: Subject, out: Path | None = None) -> None:
    """Print every check as it is carried out; write the lines to `out` when all of them passed.

    Raises
    ------
    FlopscapeError
        Something is wrong: one sentence for each fault; or `out` must not be written.
    """
    if out:
        refuse_output(out, [subject.folder and subject.folder / MANIFEST])
    findings = list(_printed(run_checks(subject)))
    # Plug-ins fail in the same way in several checks: once is enough.
    if faults := list(dict.fromkeys(fault for finding in findings for fault in finding.faults)):
        raise FlopscapeError("\n".join(faults))
    if out:
        write_text(out, "".join(f"{line(finding)}\n" for finding in findings))


def _printed(findings: Iterable[Finding]) -> Iterable[Finding]:
    for finding in findings:
        say(line(finding))
        yield finding


def line(finding: Finding) -> str:
    """The check's claim, ticked or crossed."""
    return f"{'✗' if finding.faults else '✓'} {finding.check.claim}"
