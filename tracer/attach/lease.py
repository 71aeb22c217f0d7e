"""The capture's lease: until when what was attached may record; who dies without renewing it is detached by itself."""

from __future__ import annotations

import time

from tracer.attach.spool_location import Spool

#: Seconds for which hooks may record while nobody has said yet that all is well.
FIRST = 30.0


def grant(spool: Spool, seconds: float) -> None:
    """Let those who record into ``spool`` do so for so long from now on."""
    spool.grant(seconds)


def left(spool: Spool) -> float:
    """Seconds that are left; 0 where it has run out or is gone."""
    try:
        return max(0.0, (spool.until() or 0.0) - time.time())
    except OSError:
        return 0.0


def end(spool: Spool) -> None:
    """Nobody is to record into it any more."""
    spool.end_lease()
