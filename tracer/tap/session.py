"""One tap from start to end: the queue, tracing on, messages into the file, tracing off, the rest of the messages.

A broker that goes away is waited for, and the tap goes on with a new queue under the same rules.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from tracer.errors import TracerError
from tracer.tap.broker_url import Address
from tracer.tap.firehose import Firehose, LostError
from tracer.tap.message_file import Messages
from tracer.tap.message_lines import line
from tracer.tap.watchdog_client import GRACE, SHORT_GRACE, Keeping

#: Seconds between two looks at the clock, the queue and the switch; and how long a look waits for messages.
_TICK = 1.0
_POLL = 0.2
#: Seconds without a message after which no more are expected of a broker that traces no more, and how long at most.
_QUIET = 0.5
_REST = 10.0
#: Seconds for which a broker that went away is waited for, and between two tries.
PATIENCE = 300.0
_PAUSE = 2.0


class Tapping:
    """``say`` takes lines for people, ``show`` what may be overwritten by the next."""

    def __init__(
        self, address: Address, messages: Messages, say: Callable[[str], None], show: Callable[[str], None]
    ) -> None:
        self._address = address
        self._messages = messages
        self._say, self._show = say, show
        self._stopped = False
        self._finished = False
        self._full = False
        self.firehose = Firehose(address, self._take)
        self._keeping: Keeping | None = None

    def switch_on(self, request: dict[str, Any]) -> Keeping:
        """Start the process that switches tracing on, and off again whatever becomes of us."""
        self._keeping = Keeping(request)
        return self._keeping

    def run(self, seconds: float | None) -> None:
        """Until the time is over or a signal comes."""
        begun = looked = heard = time.monotonic()
        end = math.inf if seconds is None else begun + seconds
        while not self._stopped and heard < end:
            try:
                if heard - looked >= _TICK:
                    looked = heard
                    self._look()
                    self._show(f"{self._messages.total} messages in {heard - begun:.0f} s")
                self.firehose.drain(_POLL)
            except LostError as lost:
                self._return(lost, heard, end)
            heard = time.monotonic()

    def _look(self) -> None:
        """The queue first: after we stood still, it is emptied from now on."""
        full = self.firehose.is_full()
        if full and not self._full:
            self._say("warning: messages come faster than they are taken: the broker throws away the oldest ones")
        self._full = self._full or full
        self._renew()
        self.firehose.beat()

    def _renew(self) -> None:
        if self._keeping is not None:
            self._keeping.renew()

    def _return(self, lost: LostError, heard: float, end: float) -> None:
        """A new queue as soon as there is a broker again; says what was missed since we ``heard`` of the last one."""
        self._say(f"warning: {lost}; trying again")
        since = time.time() - (time.monotonic() - heard)
        self.firehose.close()
        if self._connect_again(lost, min(time.monotonic() + PATIENCE, end)):
            restarted = self._keeping is not None and self._keeping.again(self.firehose.queue)
            tracing = "tracing was off and is on again" if restarted else "tracing is as it was"
            if self._keeping is None:
                tracing = "tracing may be off now, which a restart of the broker does"
            self._say(
                f"warning: back at {self.firehose.name}; {tracing}; what passed from {_clock(since)} to "
                f"{_clock(time.time())} is missing"
            )

    def _connect_again(self, lost: LostError, deadline: float) -> bool:
        """Whether it is back, or we were told to end. What it says at last, while it starts anew, is not believed."""
        error: TracerError = lost
        while not self._stopped:
            if time.monotonic() > deadline:
                raise error
            self._renew()
            self._show("waiting for the broker")
            try:
                self.firehose = Firehose(self._address, self._take)
            except TracerError as refused:
                error = refused
                time.sleep(_PAUSE)
            else:
                return True
        return False

    def finish(self) -> None:
        """Switch off, and take what was traced until then."""
        with suppress(LostError):
            if self._keeping is not None and self._keeping.on:
                self._show("switching tracing off")
                self._keeping.ask_off()
                deadline = time.monotonic() + GRACE
                while not self._keeping.answered() and time.monotonic() < deadline:
                    self.firehose.drain(_POLL)
            deadline = time.monotonic() + _REST
            while time.monotonic() < deadline and self.firehose.drain(_QUIET):
                pass
            self._finished = True

    def close(self) -> str:
        """What became of tracing."""
        self.firehose.close()
        return self._keeping.end(GRACE if self._finished else SHORT_GRACE) if self._keeping is not None else ""

    def _take(self, key: str, headers: Mapping[str, Any], body: bytes) -> None:
        self._messages.add(key.partition(".")[0], line(time.time(), key, headers, body))

    @contextmanager
    def until_signal(self) -> Iterator[None]:
        """Ctrl-C and a polite kill end the tap cleanly; a second one at once, when the keeper does what is left."""

        def stop(number: int, frame: object) -> None:
            if self._stopped:
                raise KeyboardInterrupt
            self._stopped = True

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
