"""A tap from start to end: open the queue, switch tracing on, record, switch it off, record the remaining messages.

When the broker goes away, the tap waits for it and continues with a new queue under the same rules.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from tracer.errors import TracerError
from tracer.tap.broker_url import BrokerAddress
from tracer.tap.firehose import Firehose, LostError
from tracer.tap.message_file import MessageFile, encode_line
from tracer.tap.watchdog_client import GRACE, SHORT_GRACE, WatchdogClient

#: Seconds between two checks of the clock, the queue and the switch; and how long a drain waits for messages.
_TICK = 1.0
_POLL = 0.2
#: After tracing is off: seconds without a message after which no more are expected, and the longest wait.
_QUIET = 0.5
_REST = 10.0
#: Seconds for which the tap waits for a broker that went away, and between two attempts.
PATIENCE = 300.0
_PAUSE = 2.0


class TapSession:
    """A running tap. ``say`` prints a line for people, ``show`` a status that the next may overwrite."""

    def __init__(
        self, address: BrokerAddress, messages: MessageFile, say: Callable[[str], None], show: Callable[[str], None]
    ) -> None:
        self._address = address
        self._messages = messages
        self._say, self._show = say, show
        self._stopped = False
        self._finished = False
        self._full = False
        self.firehose = Firehose(address, self._take)
        self._watchdog: WatchdogClient | None = None

    def switch_on(self, request: dict[str, Any]) -> WatchdogClient:
        """Start the watchdog process, which switches tracing on, and off again even if this process dies."""
        self._watchdog = WatchdogClient(request)
        return self._watchdog

    def run(self, seconds: float | None) -> None:
        """Record until the time is over or a signal arrives."""
        begun = checked = now = time.monotonic()
        end = math.inf if seconds is None else begun + seconds
        while not self._stopped and now < end:
            try:
                if now - checked >= _TICK:
                    checked = now
                    self._check()
                    self._show(f"{self._messages.total} messages in {now - begun:.0f} s")
                self.firehose.drain(_POLL)
            except LostError as lost:
                self._reconnect(lost, now, end)
            now = time.monotonic()

    def _check(self) -> None:
        """Warn once of a full queue, then send signs of life. The queue comes first: draining empties it."""
        full = self.firehose.is_full()
        if full and not self._full:
            self._say("warning: messages arrive faster than they are recorded: the broker drops the oldest ones")
        self._full = self._full or full
        self._renew()
        self.firehose.beat()

    def _renew(self) -> None:
        if self._watchdog is not None:
            self._watchdog.renew()

    def _reconnect(self, lost: LostError, last_alive: float, end: float) -> None:
        """Open a new queue once the broker is back, and report the gap since ``last_alive`` (monotonic seconds)."""
        self._say(f"warning: {lost}; trying again")
        since = time.time() - (time.monotonic() - last_alive)
        self.firehose.close()
        if self._wait_for_broker(lost, min(time.monotonic() + PATIENCE, end)):
            restarted = self._watchdog is not None and self._watchdog.switch_on_again(self.firehose.queue)
            tracing = "tracing was off and is on again" if restarted else "tracing is unchanged"
            if self._watchdog is None:
                tracing = "tracing may be off now, as after a restart of the broker"
            self._say(
                f"warning: reconnected to {self.firehose.name}; {tracing}; messages from {_clock(since)} to "
                f"{_clock(time.time())} are missing"
            )

    def _wait_for_broker(self, lost: LostError, deadline: float) -> bool:
        """Return True once reconnected, False when stopped by a signal. A restarting broker may refuse for a while:

        a refusal is raised only at the deadline.
        """
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
        """Switch tracing off, and record what was traced until then."""
        with suppress(LostError):
            if self._watchdog is not None and self._watchdog.on:
                self._show("switching tracing off")
                self._watchdog.ask_off()
                deadline = time.monotonic() + GRACE
                while not self._watchdog.has_answered() and time.monotonic() < deadline:
                    self.firehose.drain(_POLL)
            deadline = time.monotonic() + _REST
            while time.monotonic() < deadline and self.firehose.drain(_QUIET):
                pass
            self._finished = True

    def close(self) -> str:
        """Close the queue and the watchdog; return a line on the state of tracing, "" if it was not touched."""
        self.firehose.close()
        return self._watchdog.end(GRACE if self._finished else SHORT_GRACE) if self._watchdog is not None else ""

    def _take(self, key: str, headers: Mapping[str, Any], body: bytes) -> None:
        self._messages.add(key.partition(".")[0], encode_line(time.time(), key, headers, body))

    @contextmanager
    def until_signal(self) -> Iterator[None]:
        """End the tap cleanly on Ctrl-C and SIGTERM; on a second one at once, the watchdog doing the rest."""

        def stop(number: int, frame: object) -> None:
            if self._stopped:
                raise KeyboardInterrupt
            self._stopped = True

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        previous = {number: signal.signal(number, stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))
