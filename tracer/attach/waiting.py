"""Whether a process's main thread is blocked: waits in a system call, and would not look for work of Python's."""

from __future__ import annotations

import time
from pathlib import Path

_FUTEX, _RESTARTED = 202, 219
_PRIVATE_FUTEX = 0x80
#: Seconds over which nothing may have changed. A lock may be taken and waited for again in between, so longer there.
_STILL, _STILL_FUTEX = 0.02, 0.3
_PAUSE = 0.005
#: How long to look at one that moves.
_PATIENCE = 0.05

Sample = tuple[str, ...]


def is_blocked(pid: int) -> bool:
    """Whether it is, proved; takes as long as the proof, or a little while where it moves."""
    watch = Watch(pid)
    deadline = time.monotonic() + _PATIENCE
    while not watch.blocked():
        if time.monotonic() > deadline and not watch.still(_STILL):
            return False
        time.sleep(_PAUSE)
    return True


class Watch:
    """Looks at a main thread from time to time."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._sample = _sample(pid)
        self._since = time.monotonic()

    def blocked(self) -> bool:
        """Whether by now it is proved; begins anew where something has changed."""
        sample = _sample(self._pid)
        if sample != self._sample:
            self._sample, self._since = sample, time.monotonic()
        return self.still(_STILL_FUTEX if sample[:1] == (str(_FUTEX),) else _STILL)

    def still(self, seconds: float) -> bool:
        """Whether at the last look it had been waiting unmoved for so long."""
        return bool(self._sample) and time.monotonic() - self._since >= seconds


def _sample(pid: int) -> Sample:
    """System call, its arguments and the counts of context switches; empty where it runs, or waits for a time only."""
    try:
        call = Path(f"/proc/{pid}/task/{pid}/syscall").read_text().split()
        status = Path(f"/proc/{pid}/task/{pid}/status").read_text()
    except OSError:
        return ()
    if len(call) < 9 or call[0] == "-1":
        return ()
    number, operation, timeout = int(call[0]), int(call[2], 16), int(call[4], 16)
    if (number == _FUTEX and timeout) or (number == _RESTARTED and operation & _PRIVATE_FUTEX):
        return ()  # a futex with a timeout: comes back by itself, or is Python's own wait for the GIL
    switches = tuple(line for line in status.splitlines() if "ctxt_switches" in line)
    return (*call, *switches)
