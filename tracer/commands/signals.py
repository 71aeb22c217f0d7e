"""Ctrl-C, SIGTERM and SIGHUP as one exception, and the exit codes that report them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 128 + signal.SIGINT


class Ended(KeyboardInterrupt):
    """A signal that ends the command, which cleans up on the way out; ``code`` is the exit code."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


def listen() -> None:
    """Raise ``Ended`` on these signals from now on; signals that are ignored (nohup) stay ignored."""
    for number in _SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    raise Ended(number)


def code(error: KeyboardInterrupt) -> int:
    """Return the exit code that reports the signal."""
    return error.code if isinstance(error, Ended) else INTERRUPTED


@contextmanager
def deferred() -> Iterator[None]:
    """Defer signals during a clean-up: they end the command after it."""
    received: list[int] = []
    before = {number: signal.signal(number, lambda number, frame: received.append(number)) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if received:
        raise Ended(received[0])
