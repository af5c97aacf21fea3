"""`flopscape check-plugin`: a line for each check, and all faults in the end."""

from collections.abc import Iterable
from pathlib import Path

from flopscape.checks.run import Finding, run_checks
from flopscape.checks.subject import Subject
from flopscape.errors import FlopscapeError
from flopscape.outputs import refuse_output, write_text
from flopscape.plugins.prepare import MANIFEST
from flopscape.terminal import say


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
