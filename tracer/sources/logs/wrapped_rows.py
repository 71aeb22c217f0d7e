"""Lines that a terminal or a mail program cut hard at its width: the width is recognised by the rows that are full."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

#: Widths of terminals.
_LEAST, _MOST = 60, 400
#: Widths that many terminals and web pages have.
_USUAL = frozenset({72, 76, 78, 79, 80, 100, 120, 132, 140, 150, 160, 180, 200, 220, 240, 250, 300})
_CLOCK = re.compile(rb"\d\d:\d\d:\d\d")
#: A bracket with ids, or a head, that does not end in its row.
_OPEN = re.compile(rb"\[(?:req-|None |instance: |[0-9a-f]{8}-)[^\]]*\Z|(?: req-[0-9a-f-]{1,35}| [A-Z]{1,4})\Z")
#: Rows at the end of which the same few bytes are, are the same statement again.
_TAIL = 12
#: Of the rows that another row continues, this share is full; a smaller one if many rows are, or cut an id.
_SHARE, _LITTLE = 0.8, 0.25
#: Full rows that are not the same statement again.
_MANY = 3


def widths(rows: Sequence[bytes]) -> list[int]:
    """Return for each row the width at which those around it are cut, 0 if they are not."""
    return [width for paragraph in _paragraphs(rows) for width in [_width(paragraph)] * len(paragraph)]


def length(row: bytes) -> int:
    """Return the width of a row in characters."""
    return len(row) if row.isascii() else len(row.decode("utf-8", "replace"))


def _paragraphs(rows: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yield the rows between empty ones, each with the empty row before it."""
    paragraph: list[bytes] = []
    for row in rows:
        if paragraph and not row.strip(b" >|\r"):
            yield paragraph
            paragraph = []
        paragraph.append(row)
    if paragraph:
        yield paragraph


def _width(rows: list[bytes]) -> int:
    """Return the width of a paragraph's rows: nearly all rows that go on in the next have it, and none is longer."""
    widest = max(map(length, rows))
    if not _LEAST <= widest <= _MOST:
        return 0
    heads = [_CLOCK.search(row, 0, 120) is not None for row in rows]
    if not any(heads):
        return 0
    continued = [pair for pair, next_is_head in zip(pairwise(rows), heads[1:], strict=False) if not next_is_head]
    full = [(row, after) for row, after in continued if length(row) == widest]
    share = len(full) / len(continued) if continued else 0
    if any(_OPEN.search(row) for row, _ in full):
        return widest if share >= _LITTLE else 0
    tails = {row[-_TAIL:] for row, _ in full}
    quote = len(rows[-1]) - len(rows[-1].lstrip(b">| \t"))
    if widest in _USUAL or widest - quote in _USUAL:
        in_words = any(not row[-1:].isspace() and not after[:1].isspace() for row, after in full)
        return widest if in_words and share >= (_SHARE if len(tails) <= _MANY else _LITTLE) else 0
    return widest if share >= _SHARE and len(tails) > _MANY else 0
