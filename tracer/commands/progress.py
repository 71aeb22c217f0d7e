"""What is being done, on stderr, when it takes over a second and somebody is looking."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

#: Seconds that need no explanation.
PATIENCE = 1.0
_CLEAR = "\r\x1b[K"


class Progress:
    """Says what comes next once the whole takes longer than PATIENCE."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._said = False

    def __call__(self, what: str) -> None:
        """``what`` is going to be done now."""
        if sys.stderr.isatty() and time.monotonic() - self._begun > PATIENCE:
            click.echo(f"{_CLEAR}{what} …", nl=False, err=True)
            self._said = True

    def done(self) -> None:
        """Leave the line as it was."""
        if self._said:
            click.echo(_CLEAR, nl=False, err=True)
            self._said = False


@contextmanager
def progress() -> Iterator[Progress]:
    """For as long as the work takes."""
    shown = Progress()
    try:
        yield shown
    finally:
        shown.done()
