"""Messages between a controller and an agent, over two pipes: a head of JSON and bytes, both bounded.

Neither side trusts the other's bytes, and neither waits for ever: each call has its seconds.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from collections.abc import Callable
from typing import Any

_SIZES = struct.Struct(">II")
#: Bytes of a head, which may hold reports on all processes of a host, and of what follows it.
MAX_HEAD, MAX_BODY = 8 << 20, 4 << 20
_CHUNK = 1 << 16
#: Bytes kept of the text aside (stderr): the newest.
_MAX_ASIDE = 1 << 14

Head = dict[str, Any]


class ChannelError(Exception):
    """The other side has ended, is silent, or sends what is no message; the text says which."""


class Channel:
    """A pair of descriptors; ``aside`` is a third to read, for messages to people."""

    def __init__(self, reading: int, writing: int, aside: int = -1) -> None:
        self._reading, self._writing, self._aside = reading, writing, aside
        self._data = bytearray()
        self.text_aside = b""
        for descriptor in (reading, writing, aside):
            if descriptor >= 0:
                os.set_blocking(descriptor, False)

    def send(self, head: Head, body: bytes = b"", seconds: float = 30.0) -> None:
        """Send a message within some seconds."""
        text = json.dumps(head).encode()
        if len(text) > MAX_HEAD or len(body) > MAX_BODY:
            raise ChannelError("a message is too long")
        self.send_bytes(_SIZES.pack(len(text), len(body)) + text + body, seconds)

    def send_bytes(self, data: bytes, seconds: float) -> None:
        """Send bytes that are no message within some seconds."""
        deadline = time.monotonic() + seconds
        rest = memoryview(data)
        while rest:
            self._wait(self._writing, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(self._writing, rest) :]
            except BlockingIOError:
                continue
            except OSError:
                raise ChannelError("the connection has ended") from None

    def receive(self, seconds: float) -> tuple[Head, bytes]:
        """Return the next message, whose head is an object, within some seconds."""
        deadline = time.monotonic() + seconds
        head_size, body_size = _SIZES.unpack(self._take(_SIZES.size, deadline))
        if not 0 < head_size <= MAX_HEAD or body_size > MAX_BODY:
            raise ChannelError("invalid message: too long")
        text, body = self._take(head_size, deadline), self._take(body_size, deadline)
        try:
            head = json.loads(text)
        except (ValueError, RecursionError):
            head = None
        if not isinstance(head, dict):
            raise ChannelError("invalid message: not a JSON object")
        return head, body

    def line_with(self, marker: bytes, limit: int, seconds: float, on_wait: Callable[[], object]) -> bytes:
        """Return what follows ``marker`` on its line, and skip what precedes it, up to ``limit`` bytes.

        ``on_wait`` is called before each wait, so that the text aside can be answered.
        """
        deadline = time.monotonic() + seconds
        skipped = 0
        while True:
            before, separator, after = bytes(self._data).partition(marker)
            line, end, rest = after.partition(b"\n")
            if separator and end:
                self._data = bytearray(rest)
                return line.strip()
            if not separator:
                # All but the beginning of a marker.
                drop = max(0, len(before) - len(marker))
                skipped += drop
                del self._data[:drop]
            if skipped > limit or len(self._data) > limit:
                raise ChannelError("it prints too much before the agent starts")
            on_wait()
            self._fill(deadline)

    def drain_aside(self, seconds: float) -> None:
        """Read the text aside to its end, or for some seconds."""
        deadline = time.monotonic() + seconds
        while self._aside >= 0 and time.monotonic() < deadline:
            poll = select.poll()
            poll.register(self._aside, select.POLLIN)
            if poll.poll(1000 * max(0.0, deadline - time.monotonic())):
                self._read_aside()

    def _take(self, size: int, deadline: float) -> bytes:
        while len(self._data) < size:
            self._fill(deadline)
        data = bytes(self._data[:size])
        del self._data[:size]
        return data

    def _fill(self, deadline: float) -> None:
        self._wait(self._reading, select.POLLIN, deadline)
        try:
            more = os.read(self._reading, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        if not more:
            raise ChannelError("the connection has ended")
        self._data += more

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        """Wait until the descriptor is ready, or there is something aside; ChannelError at the deadline."""
        poll = select.poll()
        poll.register(descriptor, event)
        if self._aside >= 0:
            poll.register(self._aside, select.POLLIN)
        ready = dict(poll.poll(1000 * max(0.0, deadline - time.monotonic())))
        if self._aside in ready:
            self._read_aside()
        if not ready:
            raise ChannelError("no answer in time")

    def _read_aside(self) -> None:
        try:
            more = os.read(self._aside, _CHUNK)
        except BlockingIOError:
            return
        if more:
            self.text_aside = (self.text_aside + more)[-_MAX_ASIDE:]
        else:
            self._aside = -1
