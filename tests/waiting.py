"""Waiting for what other processes do, never without end."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(ready: Callable[[], T], what: str, seconds: float = 300, every: float = 0.2) -> T:
    """What `ready` returns as soon as that is true; it is asked `every` so many seconds.

    Raises
    ------
    TimeoutError
        It was not for so many seconds: `what` names it.
    """
    deadline = time.monotonic() + seconds
    while not (answer := ready()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not there after {seconds:.0f} s")
        time.sleep(every)
    return answer
