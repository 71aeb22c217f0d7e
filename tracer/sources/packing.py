"""Packed files as streams: gzip, xz, zstd and bzip2, unpacked piece by piece and within a bound."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable
from typing import Protocol

from tracer.errors import UnreadableError

#: The most bytes unpacked from one input; a few kilobytes can unpack to any size.
MAX_UNPACKED = 8 << 30
#: Bytes read at a time, and unpacked at a time: what is lost where a file is damaged.
_READ, _UNPACK = 1 << 14, 1 << 16
#: Memory for the dictionary that an xz file asks for; ``xz -9`` needs 65 MB.
_XZ_MEMORY = 256 << 20
#: A text that is merely cut off does not count as damaged.
CUT_OFF = "cut off; only the part before the cut is read"
DAMAGED = "damaged; only the part before the damage is read"

Read = Callable[[int], bytes]


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most ``max_length`` bytes."""


class Budget:
    """The bytes that may still be unpacked from one input."""

    def __init__(self) -> None:
        self._left = MAX_UNPACKED

    def spend(self, count: int) -> None:
        """Count bytes; UnreadableError, without the input's name, if there are too many."""
        self._left -= count
        if self._left < 0:
            raise UnreadableError(f"holds over {MAX_UNPACKED >> 30} GB unpacked; extract the part you need")


class _Gzip:
    def __init__(self) -> None:
        self._stream = zlib.decompressobj(31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        result = self._stream.decompress(self._stream.unconsumed_tail + data, max_length)
        # Output that did not fit may be held back although all input is consumed.
        self.needs_input = not self._stream.unconsumed_tail and len(result) < max_length
        return result


def _zstd() -> _Decompressor:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    decompressor: _Decompressor = zstd.ZstdDecompressor()
    return decompressor


#: The beginning of each form, and its decompressor.
_FORMS: tuple[tuple[bytes, Callable[[], _Decompressor]], ...] = (
    (b"\x1f\x8b", _Gzip),
    (b"\xfd7zXZ\0", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)),
    (b"\x28\xb5\x2f\xfd", _zstd),
    (b"BZh", bz2.BZ2Decompressor),
)
HEAD = max(len(magic) for magic, _ in _FORMS)


def is_packed(head: bytes) -> bool:
    """Return whether a file's first bytes are those of a packed one."""
    return any(head.startswith(magic) for magic, _ in _FORMS)


class Unpacked:
    """The content of a packed file; ``fault`` is the reason why it ends early, "" if it does not."""

    def __init__(self, read: Read, budget: Budget) -> None:
        self._read, self._budget = read, budget
        self._pending = read(HEAD)
        self._stream: _Decompressor | None = None
        self._done = False
        self.fault = ""
        #: the library's own words for the fault
        self.reason = ""

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, b"" at the end; UnreadableError if there are more than the budget."""
        result = b""
        while not result and not self._done:
            result = self._next(min(size, _UNPACK))
        self._budget.spend(len(result))
        return result

    def _next(self, size: int) -> bytes:
        if self._stream is None or self._stream.eof:
            return self._begin()
        if not self._pending and self._stream.needs_input:
            self._pending = self._read(_READ)
            if not self._pending:
                self._end(CUT_OFF, "Compressed file ended before the end-of-stream marker was reached")
                return b""
        data, self._pending = self._pending, b""
        try:
            return self._stream.decompress(data, size)
        except Exception as error:  # noqa: BLE001 - each of the four libraries has errors of its own
            self._end(DAMAGED, str(error))
            return b""

    def _begin(self) -> bytes:
        """Start the first or the next of several packed files in one, which zeros may separate."""
        rest = self._pending if self._stream is None else self._stream.unused_data + self._pending
        rest = rest.lstrip(b"\0") if self._stream is not None else rest
        while len(rest) < HEAD and (more := self._read(_READ)):
            rest = (rest + more).lstrip(b"\0")
        if not rest:
            self._done = True
            return b""
        start = next((start for magic, start in _FORMS if rest.startswith(magic)), None)
        if start is None:
            self._end(DAMAGED, "Not a packed file")
            return b""
        self._stream, self._pending = start(), rest
        return b""

    def _end(self, fault: str, reason: str) -> None:
        self._done, self.fault, self.reason = True, fault, reason
