"""Progress on stderr, after a second and on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tracer.commands import printing

#: Seconds before progress is shown.
PATIENCE = 1.0
#: Characters of a bar.
_WIDTH = 24


class Progress:
    """A progress line, shown once the whole takes longer than PATIENCE."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._shown = ""

    def __call__(self, step: str, share: float | None = None) -> None:
        """Show the current step and, if known, the share of it that is done, from 0 to 1."""
        if sys.stderr.isatty() and time.monotonic() - self._begun > PATIENCE:
            line = f"{step} …" if share is None else f"{_bar(share)} {share:4.0%}  {step} …"
            if line != self._shown:
                printing.over(line)
                self._shown = line

    def done(self) -> None:
        """Clear the line."""
        if self._shown:
            printing.over("")
            self._shown = ""


def _bar(share: float) -> str:
    full = round(share * _WIDTH)
    return f"[{'#' * full}{'-' * (_WIDTH - full)}]"


@contextmanager
def progress() -> Iterator[Progress]:
    """Yield a progress line, cleared at the end."""
    shown = Progress()
    try:
        yield shown
    finally:
        shown.done()
