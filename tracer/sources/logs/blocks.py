"""Texts read in blocks, never mapped to memory: a live log may be truncated at any moment, which kills a mapping."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, TypeVar

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


class Heads(ABC, Generic[Item]):
    """The heads of a text's items, and what is made of them; ``line`` is the number of the line that is next."""

    #: bytes before a match that belong to the line before: 1 if matches begin after a line feed, 0 if they contain it
    edge = 1

    def __init__(self) -> None:
        self.line = 1
        #: the lines behind the item made last that are no part of it
        self.foreign = b""

    @abstractmethod
    def find(self, block: bytes) -> Iterator[Match]:
        """Yield the heads in a block of whole lines."""

    @abstractmethod
    def make(self, head: Match, end: int) -> Item:
        """Return the item of a head whose last line ends at the offset ``end`` of its block, and count its lines."""

    @abstractmethod
    def between(self, text: bytes) -> Iterator[Item]:
        """Yield the items in whole lines without such a head, as far as they are complete, and count the lines."""

    @abstractmethod
    def finish(self) -> Iterator[Item]:
        """Yield the items that between() began: such a head, or nothing, follows."""


def split(data: Buffer, heads: Heads[Item], longest: int) -> Iterator[Item]:
    """Yield the items of a text, in order; about ``longest`` bytes after a head are examined together."""
    rest, head, edge = b"", None, heads.edge
    for block in whole(data):
        if rest:
            block = rest + block
        head = None
        for match in heads.find(block):
            if head is not None:
                yield heads.make(head, match.start() - edge)
                if heads.foreign:
                    yield from _foreign(heads)
                    yield from heads.finish()
            elif not rest:
                if match.start() > 0:
                    yield from heads.between(block[: match.start() + 1 - edge])
                yield from heads.finish()
            head = match
        rest = b""
        if head is None:
            yield from heads.between(block)
        elif head.end() + longest < len(block):
            end = _line_end(block, head.end(), longest)
            yield heads.make(head, end)
            yield from _foreign(heads)
            if end + 1 < len(block):
                yield from heads.between(block[end + 1 :])
            head = None
        else:
            rest = block[head.start() :]
    if head is not None:
        yield heads.make(head, len(head.string.removesuffix(b"\n")))
        yield from _foreign(heads)
    yield from heads.finish()


def _line_end(block: bytes, start: int, longest: int) -> int:
    """Return the end of the last line that ends in the ``longest`` bytes from ``start``, or of the first line."""
    end = block.rfind(b"\n", start, start + longest)
    if end < 0:
        end = block.find(b"\n", start)
    return end if end >= 0 else len(block)


def _foreign(heads: Heads[Item]) -> Iterator[Item]:
    text, heads.foreign = heads.foreign, b""
    if text:
        yield from heads.between(text)
