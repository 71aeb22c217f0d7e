"""How a command ends when it is asked to: Ctrl-C, and the signals of a polite kill, as one exception."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 128 + signal.SIGINT


class Ended(KeyboardInterrupt):
    """The command was asked to end; what it holds is let go on the way out, and ``code`` is the exit code."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


def listen() -> None:
    """Raise ``Ended`` on these signals from now on; those that were ignored (nohup) stay so."""
    for number in _SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    raise Ended(number)


def code(error: KeyboardInterrupt) -> int:
    """The exit code that says so."""
    return error.code if isinstance(error, Ended) else INTERRUPTED


@contextmanager
def deferred() -> Iterator[None]:
    """Let what is being let go of be let go of first: a signal ends the command after it."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, frame: came.append(number)) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise Ended(came[0])
