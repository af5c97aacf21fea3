"""Signals that ask a run to stop, and how it does. Imports no torch."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
"""Sent by SLURM before a time limit or a preemption, by its `--signal` option, and by Ctrl-C."""
INTERRUPTED = 75
"""Exit status of a run that stopped when asked to: EX_TEMPFAIL of sysexits.h, "try again"."""


class Interrupted(Exception):
    """A run stopped because a signal asked it to, in one sentence. Started again it goes on."""


@contextmanager
def noted_signals() -> Iterator[list[str]]:
    """The names of the signals received so far, in place of their usual effect; a second Ctrl-C has its own again.

    Python allows this in the main thread only; in others nothing is noted.
    """
    received: list[str] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(signal.Signals(number).name)
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
