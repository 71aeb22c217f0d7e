"""What the tap tells its keeper, line by line on stdin: an empty one is a sign of life."""

from __future__ import annotations

import os
import select
import time
from threading import Event

#: Seconds without a sign of life after which the tap counts as dead: stopped, or hung.
LEASE = 60.0


class Pipe:
    """`told_to_end` is set by a signal."""

    def __init__(self, told_to_end: Event) -> None:
        self._told_to_end = told_to_end
        self._rest = b""
        #: After the last line: why it does not matter whether the tap has ended, or empty where it has.
        self.why = ""

    def line(self) -> str:
        """The next one that says something; empty when there will be no more."""
        heard = time.monotonic()
        while True:
            head, end, rest = self._rest.partition(b"\n")
            if end:
                self._rest = rest
                if head:
                    return head.decode()
            elif self._told_to_end.is_set():
                self.why = "this process was told to end"
                return ""
            elif select.select([0], [], [], 1.0)[0]:
                data = os.read(0, 4096)
                if not data:
                    return ""
                self._rest += data
                heard = time.monotonic()
            elif time.monotonic() - heard > LEASE:
                self.why = f"the tap gave no sign of life for {LEASE:.0f} s"
                return ""
