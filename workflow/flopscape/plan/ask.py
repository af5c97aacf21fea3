"""`python -m flopscape.plan.ask MODULE`: ask something in a process that may import torch or numpy.

The plan is made while the Snakefile is parsed and must be there within a second, but a user's model may import torch,
which takes two. So it is asked in a process of its own, once: the question is JSON on standard input, the reply JSON on
standard output, and the module's function `answer` makes the one from the other. Replies are kept in
`.flopscape/counts/`, or another folder beside it, under the fingerprint of all code that they hang on, so that an
edited model is asked again.
"""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec, canonical, read_json, short_hash
from flopscape.files.outputs import write_text
from flopscape.fingerprint import fingerprint

CACHE = Path(".flopscape/counts")


def answer_of(module: str, question: Spec, code: Iterable[str], subject: str, folder: Path = CACHE) -> dict[str, Any]:
    """The reply to a question, from an earlier time where its code has not changed.

    A reply with `why_refused` is not kept: what was missing may have been installed by the next time.

    Parameters
    ----------
    module : str
        Module of the package with a function `answer`.
    question : dict
        JSON values.
    code : iterable of str
        Modules that the reply hangs on, besides `module`.
    subject : str
        What is asked of what, for the sentence when it fails.
    folder : Path
        Where replies are kept.

    Raises
    ------
    FlopscapeError
        The process failed; its last line says why.
    """
    if (known := kept_answer(module, question, code, folder)) is not None:
        return known
    reply = _ask(module, question, subject)
    if not reply.get("why_refused"):
        with suppress(FlopscapeError):  # a plan needs no folder that can be written to
            write_text(_file(module, question, code, folder), json.dumps(reply))
    return reply


def kept_answer(module: str, question: Spec, code: Iterable[str], folder: Path = CACHE) -> dict[str, Any] | None:
    """The reply of an earlier time; None where there is none. Parameters as of `answer_of`."""
    kept = _file(module, question, code, folder)
    return read_json(kept, "delete it") if kept.exists() else None


def _file(module: str, question: Spec, code: Iterable[str], folder: Path) -> Path:
    # The name is a hash of all that decides the reply, so that a reply never goes stale: another one has another name.
    return folder / f"{short_hash({'question': question, 'code': fingerprint(*code, module)}, 16)}.json"


def _ask(module: str, question: Spec, subject: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "flopscape.plan.ask", module]
    done = subprocess.run(command, input=canonical(question), capture_output=True, text=True, check=False)
    # A plug-in may print while it is imported: the reply is the last line, and so is what an error says.
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    if done.returncode:
        raise FlopscapeError(f"{subject}: {lines[-1] if lines else f'asking ended with status {done.returncode}'}")
    reply: dict[str, Any] = json.loads(lines[-1])
    return reply


if __name__ == "__main__":
    try:
        print(json.dumps(importlib.import_module(sys.argv[1]).answer(json.loads(sys.stdin.read()))))
    except FlopscapeError as error:
        sys.exit(str(error))
