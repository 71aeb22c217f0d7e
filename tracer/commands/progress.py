"""What is being done, on stderr, when it takes over a second and somebody is looking."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tracer.commands import printing

#: Seconds that need no explanation.
PATIENCE = 1.0
#: Characters of a bar.
_WIDTH = 24


class Progress:
    """Says what comes next once the whole takes longer than PATIENCE."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._said = ""

    def __call__(self, what: str, share: float | None = None) -> None:
        """``what`` is going to be done now, or is done to this share of it, from 0 to 1."""
        if sys.stderr.isatty() and time.monotonic() - self._begun > PATIENCE:
            said = f"{what} …" if share is None else f"{_bar(share)} {share:4.0%}  {what} …"
            if said != self._said:
                printing.over(said)
                self._said = said

    def done(self) -> None:
        """Leave the line as it was."""
        if self._said:
            printing.over("")
            self._said = ""


def _bar(share: float) -> str:
    full = round(share * _WIDTH)
    return f"[{'#' * full}{'-' * (_WIDTH - full)}]"


@contextmanager
def progress() -> Iterator[Progress]:
    """For as long as the work takes."""
    shown = Progress()
    try:
        yield shown
    finally:
        shown.done()
