"""Waiting, in tests, for what other processes do, and which processes these are."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def wait_until(done: Callable[[], object], seconds: float = 60.0, said: Callable[[], str] = lambda: "") -> None:
    """Fail, with what was ``said``, where it is not done in time."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, said()
        time.sleep(0.02)


def children(pid: int | str = "self") -> list[int]:
    """What a process has started and not yet heard the end of, as the kernel lists it for each of its threads.

    To look at every process there is takes longer than most tests.
    """
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            found += map(int, (thread / "children").read_text().split())
        except OSError:
            continue  # the thread has ended meanwhile
    return found
