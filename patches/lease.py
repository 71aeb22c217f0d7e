"""The lease: a file whose modification time is the end of recording; hooks past it are inert and remove themselves.

The process that attached the hooks may be dead. So they look at the file before they record: once a second, and at the
end that it had at the last look, so that nothing is recorded after its end.
"""

from __future__ import annotations

import os
import time
from typing import Callable

from . import faults

_FOREVER = 1 << 63
_SECOND = 1_000_000_000

_wall_clock = time.time

#: The time, by recorder.clock, from which on somebody should look.
look_at = _FOREVER
_path = ""
_end: Callable[[], object] = dict


def hold(path: str, end: Callable[[], object]) -> None:
    """Record as long as the lease ``path`` holds, and call ``end()`` when it is over."""
    global look_at, _path, _end
    _path, _end = path, end
    look_at = 0


def let_go() -> None:
    """Stop looking at the lease."""
    global look_at
    look_at = _FOREVER


def left(path: str) -> float:
    """Return the seconds for which the lease still holds, 0 where it is over or gone."""
    try:
        return max(0.0, os.stat(path).st_mtime - _wall_clock())
    except OSError as error:
        faults.pass_on(error)
        return 0.0


def look(now: int) -> None:
    """Look at the lease, and end if it is over; hooks call it at a time ``now`` that is past ``look_at``."""
    global look_at
    seconds = left(_path)
    look_at = now + min(_SECOND, int(seconds * _SECOND)) if seconds else _FOREVER
    if not seconds:
        _end()
