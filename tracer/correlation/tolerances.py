"""Tolerances of correlation, in nanoseconds: how far apart times may be, and why each limit differs from the others."""

from __future__ import annotations

MILLISECOND = 1_000_000
SECOND = 1_000_000_000

#: Two lines of one log and one moment: logs print milliseconds, and may write such lines in either order.
LOG_RESOLUTION = 3 * MILLISECOND
#: The same for lines of two logs, or a line and what it is about: each is rounded, and written a moment later.
LOG_DELAY = 5 * MILLISECOND
#: An access line is written a while after the answer; a copy reaches its file a while after the message went on.
LATE_RECORD = 100 * MILLISECOND

#: Two witnesses of one step report it within this time of each other: a log's lines are as late as its disk.
WITNESS_SKEW = 2 * SECOND
#: Logs may still be apart by this much after clocks were corrected as far as messages prove.
CLOCK_RESIDUE = 2 * SECOND
#: The statements of one heartbeat follow each other within this time.
HEARTBEAT_SPAN = 2 * SECOND
#: Work that a request leaves behind logs the request's id for this long after its answer; later lines kept a stale id.
STALE_ID = 2 * SECOND

#: A request without an end and without an id ends after this much silence.
SILENCE = 10 * SECOND
#: A message without ids is received within this time of its sending; a longer wait is not matched by topic.
QUEUE_WAIT = 30 * SECOND
#: A request with an id lasts through a longer silence: an image may take its time.
SILENCE_WITH_ID = 600 * SECOND
