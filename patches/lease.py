"""The lease: a file whose time of change says until when may be recorded; hooks whose lease has run out go.

Whoever attached to this process may be dead. So the hooks look at the file, once a second at most, as they record.
"""

from __future__ import annotations

import os
import time
from typing import Callable

_FOREVER = 1 << 63
_SECOND = 1_000_000_000

_wall_clock = time.time

#: The time, by steps.clock, from which on somebody should look.
look_at = _FOREVER
_path = ""
_end: Callable[[], object] = dict


def hold(path: str, end: Callable[[], object]) -> None:
    """Record as long as the lease ``path`` holds, and call ``end()`` when it does no more."""
    global look_at, _path, _end
    _path, _end = path, end
    look_at = 0


def let_go() -> None:
    """Look at no lease any more."""
    global look_at
    look_at = _FOREVER


def holds(path: str) -> bool:
    """Whether the lease has not run out; one that is gone has."""
    try:
        return os.stat(path).st_mtime >= _wall_clock()
    except OSError:
        return False


def look(now: int) -> None:
    """Look at the lease, and end if it has run out. Called by hooks, at a time ``now`` that is past ``look_at``."""
    global look_at
    look_at = now + _SECOND
    if not holds(_path):
        look_at = _FOREVER
        _end()
