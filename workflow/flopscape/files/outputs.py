"""Where any output may be written, and writing it: under a temporary name, then renamed. Imports no library.

A file of the user's is never an output: not an input of the same command, not what an output was only going to stand
beside. Every refusal, and every error of a disk, is a FlopscapeError with the final path and the cure.
"""

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flopscape.errors import FlopscapeError

StrPath = str | os.PathLike[str]
STORED = re.compile(r"(?:.*/)?\.snakemake/storage/.*/(?=results/)")
"""Where Snakemake puts the copy of a stored file for as long as a job needs it."""
CURES = {
    errno.ENOSPC: "free space",
    errno.EDQUOT: "free space",
    errno.ENAMETOOLONG: "give it a shorter name",
    errno.EEXIST: "a file stands where its folder should be; name another",
    errno.ENOTDIR: "a file stands where its folder should be; name another",
}
ELSE = "free space or fix its rights, or name another"


def refuse_output(out: StrPath, inputs: Iterable[StrPath | None] = ()) -> None:
    """Raise FlopscapeError where a file must not be written.

    Parameters
    ----------
    out : path
        What is going to be written. An ordinary file there may be replaced.
    inputs : paths
        What the same command reads; None and what is no file is passed over.

    Raises
    ------
    FlopscapeError
        `out` is one of the inputs by whatever spelling or link, a folder, a link, a device, a pipe or read-only, or its
        folder is none, or cannot be written to.
    """
    target = Path(out)
    try:
        status = _status(target)
        if status and (why := _why_in_the_way(target, status)):
            raise FlopscapeError(f"{target}: {why}")
        if read := next((path for path in inputs if path is not None and is_same(target, path)), None):
            raise FlopscapeError(f"{target}: would be written over {read}, which this command reads; give another name")
        _refuse_place(target.parent)
    except OSError as error:
        raise cannot_write(target, error) from error


def _status(path: Path) -> os.stat_result | None:
    """What stands at a path, links not followed; None where nothing does."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return path.lstat()
    return None


def _why_in_the_way(path: Path, status: os.stat_result) -> str:
    """Why what stands at a path must stay, with the cure; empty for an ordinary file."""
    if stat.S_ISLNK(status.st_mode):
        return f"a link to {os.readlink(path)}, which stays as it is; name the file itself, or another"
    if stat.S_ISDIR(status.st_mode):
        return "a folder; name a file, in it or elsewhere"
    if not stat.S_ISREG(status.st_mode):
        return "a device, pipe or socket, not a file; name a file"
    if not status.st_mode & 0o222 or not os.access(path, os.W_OK):
        return "read-only; give another name, or allow writing to it"
    return ""


def is_same(path: StrPath, other: StrPath) -> bool:
    """Whether two paths are one place, whatever the spelling or links."""
    if os.path.realpath(path) == os.path.realpath(other):
        return True
    with suppress(OSError):
        return os.path.samefile(path, other)
    return False


def _refuse_place(folder: Path) -> None:
    """Refuse a folder that could not be made or not be written to: an empty file is made there and removed."""
    # The nearest folder that exists: the missing ones would be made in it.
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        raise FlopscapeError(f"{existing}: a file, where a folder is needed; name another folder")
    # Tried and not read from permissions, which say little on a network's disk or to root.
    _created(existing).unlink()


def make_place(out: StrPath, inputs: Iterable[StrPath | None] = ()) -> None:
    """Refuse an output as `refuse_output` does, or make its folder."""
    refuse_output(out, inputs)
    try:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(out, error) from error


def cannot_write(out: StrPath, error: OSError) -> FlopscapeError:
    """The sentence for an error of writing: the final path, what the system said, the cure."""
    cure = CURES.get(error.errno or 0, ELSE)
    return FlopscapeError(f"{out}: cannot be written ({error.strerror or error}); {cure}")


@contextmanager
def replacing(out: StrPath) -> Iterator[Path]:
    """A new, empty file beside `out`, for the block to write, that takes its name if the block succeeds.

    It is made under a name that nobody can foresee, and only if nothing has that name: a planted link is not followed.

    Raises
    ------
    FlopscapeError
        `out` must not be written (see `refuse_output`), or the disk refuses. There is no half-written file then.
    """
    target = Path(out)
    make_place(target)
    try:
        # Beside the target, hence on its file system: only there is a rename one step that a kill cannot halve.
        temporary = _created(target.parent)
        try:
            yield temporary
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(target, error) from error


def temporary_name() -> str:
    """A short name that nobody can foresee."""
    return f".flopscape-{secrets.token_hex(8)}.tmp"


def _created(folder: Path) -> Path:
    """A new, empty file with a short, random name."""
    path = folder / temporary_name()
    # O_EXCL fails where anything has that name, a link that points nowhere among them, and O_NOFOLLOW follows none.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666))
    return path


def write_text(out: StrPath, text: str) -> None:
    """Write a UTF-8 text file, whole or not at all; see `replacing`."""
    with replacing(out) as temporary:
        temporary.write_text(text, encoding="utf-8")


def lasting_name(path: StrPath) -> str:
    """Name a file as the workflow does, even where Snakemake has copied it from a storage for a single job.

    >>> lasting_name(".snakemake/storage/s3/bucket/results/quick/runs.csv")
    'results/quick/runs.csv'
    """
    return STORED.sub("", str(path), count=1)
