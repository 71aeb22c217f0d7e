"""Whether a process's main thread is blocked: waits in a system call, and would not look for work of Python's."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

_FUTEX, _RESTARTED = 202, 219
_PRIVATE_FUTEX = 0x80
#: Seconds over which nothing may have changed. A lock may be taken and waited for again in between, so longer there.
_STILL, _STILL_FUTEX = 0.02, 0.3
_PAUSE = 0.005
#: How long to look at one that moves.
_PATIENCE = 0.05


@dataclass(frozen=True)
class BlockedCall:
    """Where a thread waits: number and arguments of the system call, stack pointer, address; and what it has done."""

    number: int
    arguments: tuple[int, ...]
    stack: int
    address: int
    switches: tuple[str, ...]


def blocked_at(pid: int) -> BlockedCall | None:
    """Where it is blocked, proved, None where it moves; takes as long as the proof, or a little while."""
    watch = Watch(pid)
    deadline = time.monotonic() + _PATIENCE
    while watch.blocked() is None:
        if time.monotonic() > deadline and not watch.still(_STILL):
            return None
        time.sleep(_PAUSE)
    return watch.place


class Watch:
    """Looks at a main thread from time to time."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.place = _place(pid)
        self._since = time.monotonic()

    def blocked(self) -> BlockedCall | None:
        """Where it is blocked, if by now it is proved; begins anew where something has changed."""
        place = _place(self._pid)
        if place != self.place:
            self.place, self._since = place, time.monotonic()
        still = _STILL_FUTEX if place is not None and place.number == _FUTEX else _STILL
        return place if self.still(still) else None

    def still(self, seconds: float) -> bool:
        """Whether at the last look it had been waiting unmoved for so long."""
        return self.place is not None and time.monotonic() - self._since >= seconds


def _place(pid: int) -> BlockedCall | None:
    """Where it waits now, None where it runs, or waits for a time only in what may be Python's own wait for the GIL."""
    try:
        call = Path(f"/proc/{pid}/task/{pid}/syscall").read_text().split()
        status = Path(f"/proc/{pid}/task/{pid}/status").read_text()
    except OSError:
        return None
    if len(call) < 9 or call[0] == "-1":
        return None
    arguments = tuple(int(word, 16) for word in call[1:7])
    if has_timeout(int(call[0]), arguments):
        return None
    switches = tuple(line for line in status.splitlines() if "ctxt_switches" in line)
    return BlockedCall(int(call[0]), arguments, int(call[7], 16), int(call[8], 16), switches)


def has_timeout(number: int, arguments: tuple[int, ...]) -> bool:
    """Whether a system call is a futex with a timeout, which a restarted one always has: it comes back by itself."""
    if number == _RESTARTED:
        return bool(arguments[1] & _PRIVATE_FUTEX)
    return number == _FUTEX and arguments[3] != 0
