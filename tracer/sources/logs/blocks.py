"""Blocks: a text read piece by piece, never mapped: a live log may be cut short at any moment, which a map dies of."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

#: Bytes that are read at once.
PIECE = 1 << 17
#: Of a longer line its beginning is all that is looked at.
MAX_LINE = 16 << 20

Made = TypeVar("Made")
Match = re.Match[bytes]


class Text:
    """An open file as long as it was when it was opened; ``short`` says that it was cut while it was read."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._at = 0
        self.short = False
        #: what was wrong with it when it was unpacked
        self.fault = ""

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return b"".join(self.pieces())

    @property
    def share(self) -> float:
        """How much of it has been read, from 0 to 1."""
        return self._at / self._size if self._size else 1.0

    def pieces(self) -> Iterator[bytes]:
        """All of it from the beginning, piece by piece."""
        at = 0
        while at < self._size and (piece := self.part(at, at + PIECE)):
            at += len(piece)
            yield piece

    def part(self, start: int, stop: int) -> bytes:
        """The bytes from ``start`` to ``stop``; fewer where it ends before."""
        wanted = min(stop, self._size) - start
        found = os.pread(self._descriptor, wanted, start) if wanted > 0 else b""
        self._at = start + len(found)
        self.short = self.short or len(found) < wanted
        return found


Buffer = bytes | Text


def pieces(data: Buffer) -> Iterator[bytes]:
    """A text's bytes in their order."""
    return data.pieces() if isinstance(data, Text) else iter([data])


def part(data: Buffer, start: int, stop: int) -> bytes:
    """Some of a text's bytes."""
    return data.part(start, stop) if isinstance(data, Text) else data[start:stop]


def beginning(data: Buffer, size: int) -> bytes:
    """A text's first ``size`` bytes, and what is left of the line in which they end."""
    start = b""
    for block in whole(data):
        start += block
        if len(start) >= size:
            break
    return start[: start.find(b"\n", size) + 1 or len(start)]


def whole(data: Buffer, longest: int = MAX_LINE) -> Iterator[bytes]:
    """The text in blocks of whole lines; of a line that is longer than ``longest`` its beginning."""
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
    """The text's lines, without their ends."""
    for block in whole(data, longest):
        for line in block.removesuffix(b"\n").split(b"\n"):
            yield line[:longest]


def split(
    data: Buffer, find: Callable[[bytes], Iterator[Match]], make: Callable[[Match, int], Made], longest: int
) -> Iterator[Made]:
    """What ``make`` makes of each head that ``find`` finds, and of the place in its block where the text after it ends.

    Of that text at most ``longest`` bytes are wanted.
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
    """The last record of a block, which the next block may go on with."""
    block, end = head.string, head.end() + longest
    return block[head.start() :] if end >= len(block) else block[head.start() : end] + b"\n"
