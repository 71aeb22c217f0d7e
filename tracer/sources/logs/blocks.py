"""Texts read in blocks, never mapped to memory: a live log may be truncated at any moment, which kills a mapping."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

#: Bytes per read.
PIECE = 1 << 17
#: Longer lines are cut.
MAX_LINE = 16 << 20

Item = TypeVar("Item")
Match = re.Match[bytes]


class Text:
    """An open file with its length at the opening; ``short`` is True if it was truncated while being read."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._offset = 0
        self.short = False
        #: the error of unpacking it, "" if there was none
        self.fault = ""

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return b"".join(self.pieces())

    @property
    def share(self) -> float:
        """Return the share of the file that has been read, from 0 to 1."""
        return self._offset / self._size if self._size else 1.0

    def pieces(self) -> Iterator[bytes]:
        """Yield the whole file in pieces."""
        offset = 0
        while offset < self._size and (piece := self.part(offset, offset + PIECE)):
            offset += len(piece)
            yield piece

    def part(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to ``stop``, fewer at the end of the file."""
        wanted = min(stop, self._size) - start
        data = os.pread(self._descriptor, wanted, start) if wanted > 0 else b""
        self._offset = start + len(data)
        self.short = self.short or len(data) < wanted
        return data


Buffer = bytes | Text


def pieces(data: Buffer) -> Iterator[bytes]:
    """Yield a text's bytes in order."""
    return data.pieces() if isinstance(data, Text) else iter([data])


def part(data: Buffer, start: int, stop: int) -> bytes:
    """Return the bytes of a text from ``start`` to ``stop``."""
    return data.part(start, stop) if isinstance(data, Text) else data[start:stop]


def beginning(data: Buffer, size: int) -> bytes:
    """Return a text's first ``size`` bytes and the rest of the line in which they end."""
    start = b""
    for block in whole(data):
        start += block
        if len(start) >= size:
            break
    return start[: start.find(b"\n", size) + 1 or len(start)]


def whole(data: Buffer, longest: int = MAX_LINE) -> Iterator[bytes]:
    """Yield the text in blocks of whole lines, with lines cut after ``longest`` bytes."""
    rest, skips = b"", False
    for piece in pieces(data):
        if skips:
            piece = piece[piece.find(b"\n") + 1 or len(piece) :]
            skips = not piece
        end = piece.rfind(b"\n") + 1
        if end:
            yield rest + piece[:end] if rest else piece[:end]
            rest = piece[end:]
        else:
            rest += piece
        if len(rest) > longest:
            yield rest[:longest] + b"\n"
            rest, skips = b"", True
    if rest:
        yield rest


def lines(data: Buffer, longest: int = MAX_LINE) -> Iterator[bytes]:
    """Yield the text's lines, without line feeds."""
    for block in whole(data, longest):
        for line in block.removesuffix(b"\n").split(b"\n"):
            yield line[:longest]


def split(
    data: Buffer, find: Callable[[bytes], Iterator[Match]], make: Callable[[Match, int], Item], longest: int
) -> Iterator[Item]:
    """Yield ``make(head, end)`` for each match of ``find``; ``end`` is the offset in its block where its text ends.

    At most ``longest`` bytes of that text are needed.
    """
    rest, before = b"", None
    for block in whole(data):
        if rest:
            block = rest + block
        before = None
        for match in find(block):
            if before is not None:
                yield make(before, match.start())
            before = match
        rest = _from(before, longest) if before is not None else b""
    if before is not None:
        yield make(before, len(before.string))


def _from(head: Match, longest: int) -> bytes:
    """Return the last record of a block, which the next block may continue."""
    block, end = head.string, head.end() + longest
    return block[head.start() :] if end >= len(block) else block[head.start() : end] + b"\n"
