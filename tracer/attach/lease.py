"""The capture's lease: until when what was attached may record; who dies without renewing it is detached by itself."""

from __future__ import annotations

import os
import time

from tracer.attach.parts import LEASE, Part

#: Seconds for which hooks may record while nobody has said yet that all is well.
FIRST = 30.0


def grant(part: Part, seconds: float, uid: int, gid: int) -> None:
    """Let those who record into ``part`` do so for so long from now on."""
    path = part.path / LEASE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_uid != uid:
            os.fchown(descriptor, uid, gid)
        until = time.time() + seconds
        os.utime(descriptor, (until, until))
    finally:
        os.close(descriptor)


def left(part: Part) -> float:
    """Seconds that are left; 0 where it has run out or is gone."""
    try:
        return max(0.0, (part.path / LEASE).stat().st_mtime - time.time())
    except OSError:
        return 0.0


def end(part: Part) -> None:
    """Nobody is to record into it any more."""
    (part.path / LEASE).unlink(missing_ok=True)
