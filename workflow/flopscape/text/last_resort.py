"""How a command ends that failed: one sentence on standard error, and the trace for who asks for it.

`flopscape --debug VERB …`, or FLOPSCAPE_DEBUG=1 in the environment, prints the trace before the sentence.
"""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from flopscape.errors import FlopscapeError
from flopscape.text.terminal import say

DEBUG_VARIABLE = "FLOPSCAPE_DEBUG"
BAD_INPUT, FAULT, BY_CTRL_C = 2, 1, 130
"""Exit statuses: of input that is to be corrected; of the program or of its surroundings; as shells have it."""
LONGEST = 300
"""Characters of an exception's own words that are shown."""


def without_debug(arguments: Sequence[str]) -> list[str]:
    """A command's words without a leading `--debug`, which is noted for this process and those that it starts."""
    if list(arguments[:1]) == ["--debug"]:
        os.environ[DEBUG_VARIABLE] = "1"
        return list(arguments[1:])
    return list(arguments)


def ended(verb: Callable[[], int | None], arguments: Sequence[str]) -> int:
    """Carry out a verb with these words of the command line and return its exit status, whatever it raises."""
    try:
        status = _status_of(verb)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        return _write_no_more()
    except KeyboardInterrupt:
        return _say("stopped by Ctrl-C", BY_CTRL_C)
    except FlopscapeError as error:
        return _say(str(error), BAD_INPUT)
    except Exception as error:
        # Without a file's name it is a stream that broke, such as a full disk behind standard output.
        if isinstance(error, OSError) and error.filename is None:
            _write_no_more()
        return _say(sentence(error, arguments), FAULT)


def _status_of(verb: Callable[[], int | None]) -> int:
    """What a verb returns, or exits with: typer's verbs do."""
    try:
        return verb() or 0
    except SystemExit as exit_asked:
        if isinstance(exit_asked.code, str):
            raise
        return int(exit_asked.code or 0)


def sentence(error: Exception, arguments: Sequence[str]) -> str:
    """What happened, to which files, and how to see where."""
    name = next(iter(arguments), "")
    files = [word for word in arguments[1:] if len(word) < LONGEST and Path(word).is_file()]
    read = f" (given {', '.join(files)})" if files else ""
    return f"{name}: {_words(error)}{read}; `flopscape --debug {name} …` shows where"


def _words(error: Exception) -> str:
    """An exception in words: the kinds that say little by themselves are explained."""
    if isinstance(error, MemoryError):
        return "the memory is used up; give it more, or a smaller table"
    if isinstance(error, RecursionError):
        return "something in the input is nested too deeply"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:LONGEST]}".rstrip(": ")


def _say(text: str, status: int) -> int:
    with suppress(OSError):
        if os.environ.get(DEBUG_VARIABLE, "0") not in ("", "0"):
            traceback.print_exc()
        say(f"flopscape: {text}", sys.stderr)
    return status


def _write_no_more() -> int:
    """Write nothing more to standard output, which cannot be written, or whose reader has stopped, such as `head`."""
    # At exit Python flushes standard output, and would fail once more.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAULT
