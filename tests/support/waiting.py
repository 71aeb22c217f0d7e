"""Waiting for the states of other processes, and the list of these processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

#: Enough on a busy machine for work that takes a second on an idle one.
PATIENCE_SECONDS = 240.0


def wait_until(
    done: Callable[[], object], seconds: float = PATIENCE_SECONDS, describe: Callable[[], str] = lambda: ""
) -> None:
    """Wait until ``done()`` is true; fail with the text of ``describe()`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, describe()
        time.sleep(0.02)


def children(pid: int | str = "self") -> list[int]:
    """List the processes that a process has started and that still run, as the kernel lists them for its threads.

    Zombies have ended. Looking at every process of the machine would take longer than most tests.
    """
    pids: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            pids += map(int, (thread / "children").read_text().split())
        except OSError:
            continue  # the thread has ended meanwhile
    return [child for child in pids if runs(child)]


def runs(pid: int) -> bool:
    """Return whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:  # gone meanwhile
        return False
