"""A host with an agent: requests, its answers, and the reason if it was lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from tracer.attach.eligibility import ProcessReport
from tracer.hosts.address import Address
from tracer.hosts.channel import ChannelError, Head
from tracer.hosts.transport import RefusedError, Settings, Transport
from tracer.text import printable

#: Seconds for an answer, and for one of a host that visits many processes; ssh notices a cut link much earlier.
_PATIENCE, _LONG = 60.0, 240.0
_VISITING = ("attach", "detach", "status", "doctor")
_TEXTS = ("service", "python", "state", "reason", "fix")
_MAX_REPORTS = 100_000


@dataclass(frozen=True)
class Ping:
    """A host's clock: ahead of ours by ``low`` to ``high`` nanoseconds."""

    low: int
    high: int


@dataclass
class Link:
    """A host, its agent, and what is known of both; ``failure`` is the reason for which it has none (any more)."""

    address: Address
    about: dict[str, Any] = field(default_factory=dict)
    failure: str = ""
    pings: list[Ping] = field(default_factory=list)
    _transport: Transport | None = None
    _lock: Lock = field(default_factory=Lock)

    @property
    def name(self) -> str:
        """The host's name."""
        return self.address.name

    @property
    def is_up(self) -> bool:
        """Return whether its agent answers."""
        return self._transport is not None

    def connect(self, settings: Settings) -> None:
        """Start the agent, or note why not."""
        try:
            self._transport = Transport(self.address, settings)
            self.about = {name: _plain(self._transport.about.get(name)) for name in ("host", "boot", "python", "uid")}
        except RefusedError as error:
            self.failure = str(error)
        except OSError as error:
            self.failure = f"{error.filename or 'ssh'}: {error.strerror}"

    def request(self, operation: str, on_data: Callable[[Head, bytes], object] | None = None, **fields: Any) -> Head:
        """Return the answer to a request; ChannelError with the reason, and no agent any more, where it fails.

        ``on_data`` takes the messages with bytes that come before the answer.
        """
        with self._lock:
            return self._request(operation, on_data, fields)

    def _request(self, operation: str, on_data: Callable[[Head, bytes], object] | None, fields: dict[str, Any]) -> Head:
        transport = self._transport
        if transport is None:
            raise ChannelError(self.failure)
        try:
            transport.channel.send({"op": operation, **fields})
            while True:
                head, body = transport.channel.receive(_LONG if operation in _VISITING else _PATIENCE)
                if head.get("end") is True:
                    break
                if on_data is None:
                    raise ChannelError("invalid data: bytes that nobody asked for")
                on_data(head, body)
        except ChannelError as error:
            self.fail(str(error))
            raise ChannelError(self.failure) from None
        except OSError as error:
            self.fail(f"what it records cannot be written here: {error.strerror or error}")
            raise ChannelError(self.failure) from None
        if "error" in head:
            raise ChannelError(_plain(head["error"]))
        return head

    def beat(self, operation: str, on_data: Callable[[Head, bytes], object] | None = None) -> Head | None:
        """Return the answer to a request, None if another is under way or the host is lost."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self._request(operation, on_data, {})
        except ChannelError:
            return None
        finally:
            self._lock.release()

    def ping(self) -> None:
        """Compare the clocks."""
        before = time.time_ns()
        wall = self.request("ping").get("wall")
        after = time.time_ns()
        if type(wall) is int and abs(wall) < 1 << 63 and before <= after:
            self.pings.append(Ping(wall - after, wall - before))

    def report(self) -> ProcessReport:
        """Return a line about the host itself: its agent's user and the difference of the clocks."""
        best = min(self.pings, key=lambda ping: ping.high - ping.low, default=None)
        clock = ""
        if best is not None:
            clock = f"; clock {(best.low + best.high) / 2e6:+.1f} ms (±{(best.high - best.low) / 2e6:.1f})"
        state = "cannot" if self.failure else "ready"
        user = "root" if self.about.get("uid") == "0" else f"uid {self.about.get('uid')}"
        return ProcessReport(
            0, self.name, str(self.about.get("python", "")), state, self.failure or f"agent as {user}{clock}",
            more={"host": self.name},
        )  # fmt: skip

    def reports(self, operation: str, **fields: Any) -> list[ProcessReport]:
        """Return the reports on processes that a request is answered with."""
        content = self.request(operation, **fields).get("reports")
        if not isinstance(content, list) or len(content) > _MAX_REPORTS:
            raise ChannelError("invalid data: not a list of reports")
        return [self._report(item) for item in content]

    def _report(self, content: Any) -> ProcessReport:
        if not isinstance(content, dict):
            raise ChannelError("invalid data: not a report on a process")
        pid, texts = content.get("pid"), [content.get(name) for name in _TEXTS]
        if type(pid) is not int or any(type(text) is not str for text in texts):
            raise ChannelError("invalid data: not a report on a process")
        service, python, state, reason, fix = map(str, texts)
        more = {name: value for name, value in content.items() if name not in (*_TEXTS, "pid")}
        return ProcessReport(pid, service, python, state, reason, fix, {**more, "host": self.name})

    def fail(self, reason: str) -> None:
        """Note that the host is lost; its own agent and guard take the hooks out."""
        self.failure = self.failure or reason
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def close(self) -> None:
        """End the agent."""
        with self._lock:
            if self._transport is not None:
                try:
                    self._transport.channel.send({"op": "end"})
                except ChannelError as error:
                    self.failure = self.failure or str(error)
                self._transport.close()
                self._transport = None


def _plain(value: object) -> str:
    return printable(str(value)[:500])
