"""A run that another study has carried out: its record is copied, if it is of the very spec that is asked for."""

from pathlib import Path

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import canonical, sha256
from flopscape.files.outputs import refuse_output, replacing
from flopscape.records.run_record import RunRecord
from flopscape.text.terminal import say
from flopscape.training.spec import read_spec


def take_run(record: Path, spec: str, out: Path) -> None:
    """Copy a record byte by byte; a link would break where one of the two folders is moved.

    From a shell: `flopscape take-run results/recipes.a/runs/0123456789ab.json RUN.json --out b.json`.

    Parameters
    ----------
    record : path
        The record of a finished run.
    spec : str
        The spec that it must be of, as `flopscape train` takes it.
    out : path
        The copy.

    Raises
    ------
    FlopscapeError
        The record is broken or of another run, the copy differs from it, or must not be written.
    """
    refuse_output(out, [record])
    found = RunRecord.read(record)
    if canonical(found.spec) != canonical(read_spec(spec)):
        raise FlopscapeError(f"{record}: the record of another run than the one that is asked for; train that instead")
    with replacing(out) as temporary:
        temporary.write_bytes(record.read_bytes())
        if sha256(temporary) != sha256(record):
            raise FlopscapeError(f"{out}: is no faithful copy of {record}, which has changed meanwhile; start again")
    say(f"{out}: taken from {record}, the same run")
