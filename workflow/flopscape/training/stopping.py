"""Signals that ask a run to stop, and how it does. Imports no torch."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU)
"""Sent by SLURM before a time limit or a preemption, by the `--signal` options of schedulers, by Ctrl-C, by a terminal
that closes, and at a limit of CPU time."""
INTERRUPTED = 75
"""Exit status of a run that stopped when asked to: EX_TEMPFAIL of sysexits.h, "try again"."""


class Interrupted(Exception):
    """A run stopped because a signal asked it to, in one sentence. Started again it goes on."""


@contextmanager
def noted_signals() -> Iterator[list[str]]:
    """The names of the signals received so far, in place of their usual effect; a second Ctrl-C has its own again.

    A run that `nohup` started stays deaf to SIGHUP. Python allows this in the main thread only; in others nothing is
    noted.
    """
    received: list[str] = []

    def note(number: int, _frame: FrameType | None) -> None:
        # Nothing but a note: a handler runs between any two instructions, and the loop looks at the list after each
        # step.
        received.append(signal.Signals(number).name)
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    # What `nohup` has set is a wish of the user: to go on when the terminal closes.
    deaf = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    before = {number: signal.signal(number, note) for number in SIGNALS if number != signal.SIGHUP or not deaf}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ended_by_signals(received: list[str], last: Callable[[], None]) -> Iterator[None]:
    """Let a signal end this process at once within the block, with a sentence and after calling `last`.

    For a wait inside torch: Python runs its own handlers only when that is over. Here a thread reads the numbers of
    signals from where Python's part in C writes them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # torch waits in C, where no Python runs: a handler would be called when the wait is over, ten minutes later.
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    threading.Thread(target=_end_at_signal, args=(reader, last), daemon=True).start()
    # Python's handler in C writes each signal's number to this file at once, whatever the main thread is in.
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        if received:
            # Received before the thread listened: nothing would come through the pipe for it any more.
            raise Interrupted(_while_waiting(received[0]))
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)


def _end_at_signal(reader: int, last: Callable[[], None]) -> None:
    with open(reader, "rb", buffering=0) as numbers:
        while byte := numbers.read(1):
            if byte[0] in SIGNALS:
                last()
                print(f"flopscape: {_while_waiting(signal.Signals(byte[0]).name)}", file=sys.stderr, flush=True)
                # An exception in this thread would end the thread alone, while the main one stays in torch's wait.
                os._exit(INTERRUPTED)


def _while_waiting(name: str) -> str:
    return f"stopped by {name} while it waited for the other processes; started again, the run goes on"


def outlive_the_terminal() -> None:
    """SIGHUP ends Snakemake as SIGTERM does: it waits for its jobs, which save themselves, and unlocks its folder."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
