"""The lease of a spool: the time until which processes may record; after it their hooks remove themselves."""

from __future__ import annotations

import time

from tracer.attach.spool_location import Spool

#: Seconds for which hooks may record until the attachment has succeeded.
FIRST = 30.0


def grant(spool: Spool, seconds: float) -> None:
    """Let the processes that record into ``spool`` do so for ``seconds`` from now on."""
    spool.grant(seconds)


def left(spool: Spool) -> float:
    """Return the seconds left, 0 if the lease has ended or is missing."""
    try:
        return max(0.0, (spool.until() or 0.0) - time.time())
    except OSError:
        return 0.0


def end(spool: Spool) -> None:
    """End the lease: no process may record into ``spool`` any more."""
    spool.end_lease()
