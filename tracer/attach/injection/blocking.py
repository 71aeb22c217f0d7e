"""Detection of a blocked main thread: one that waits in a system call, and would not run pending calls of Python."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tracer.attach import proc

_FUTEX, _RESTARTED = 202, 219
_PRIVATE_FUTEX = 0x80
#: Seconds over which nothing may have changed. A lock may be taken and waited for again in between, so longer there.
_STILL, _STILL_FUTEX = 0.02, 0.3
_PAUSE = 0.005
#: How long to look at one that moves.
_PATIENCE = 0.05


@dataclass(frozen=True)
class BlockedCall:
    """A system call that a thread waits in: number, arguments, stack pointer, address; and its context switches."""

    number: int
    arguments: tuple[int, ...]
    stack: int
    address: int
    switches: tuple[str, ...]


def blocked_at(pid: int) -> BlockedCall | None:
    """Return the call in which the main thread provably is blocked, None if it moves; takes up to 0.3 s."""
    watch = Watch(pid)
    deadline = time.monotonic() + _PATIENCE
    while watch.blocked() is None:
        if time.monotonic() > deadline and not watch.still(_STILL):
            return None
        time.sleep(_PAUSE)
    return watch.call


class Watch:
    """Repeated samples of a main thread."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.call = _sample(pid)
        self._since = time.monotonic()

    def blocked(self) -> BlockedCall | None:
        """Return the call in which it is blocked, if that is proved by now; starts again after a change."""
        call = _sample(self._pid)
        if call != self.call:
            self.call, self._since = call, time.monotonic()
        still = _STILL_FUTEX if call is not None and call.number == _FUTEX else _STILL
        return call if self.still(still) else None

    def still(self, seconds: float) -> bool:
        """Return whether it has waited unchanged for so many seconds."""
        return self.call is not None and time.monotonic() - self._since >= seconds


def _sample(pid: int) -> BlockedCall | None:
    """Return the call it waits in now, None if it runs, or waits with a timeout as Python does for the GIL."""
    try:
        call = proc.text(pid, f"task/{pid}/syscall").split()
        status = proc.text(pid, f"task/{pid}/status")
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
    """Return whether a system call is a futex with a timeout (as each restarted one), which returns by itself."""
    if number == _RESTARTED:
        return bool(arguments[1] & _PRIVATE_FUTEX)
    return number == _FUTEX and arguments[3] != 0
