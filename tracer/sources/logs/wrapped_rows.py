"""Lines that a terminal or a mail program cut hard at its width: the width is recognised by the rows that are full."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

#: Widths of terminals.
_LEAST, _MOST = 60, 400
#: Widths that many terminals and web pages have.
_USUAL = frozenset({72, 76, 78, 79, 80, 100, 120, 132, 140, 150, 160, 180, 200, 220, 240, 250, 300})
_CLOCK = re.compile(rb"\d\d:\d\d:\d\d")
#: A bracket with ids, or a head, that does not end in its row.
_OPEN = re.compile(rb"\[(?:req-|None |instance: |[0-9a-f]{8}-)[^\]]*\Z|(?: req-[0-9a-f-]{1,35}| [A-Z]{1,4})\Z")
#: Rows at the end of which the same few bytes are, are the same statement again.
_TAIL = 12
#: Of the rows that another row continues, this share is full.
_SHARE = 0.8
#: An unusual width needs more full rows than these.
_MANY = 3


def width(rows: Sequence[bytes]) -> int:
    """Return the width at which a text's rows are cut, 0 if they are not."""
    return next(filter(None, map(_width, _paragraphs(rows))), 0)


def length(row: bytes) -> int:
    """Return the width of a row in characters."""
    return len(row) if row.isascii() else len(row.decode("utf-8", "replace"))


def _paragraphs(rows: Sequence[bytes]) -> Iterator[list[bytes]]:
    paragraph: list[bytes] = []
    for row in rows:
        if row.strip(b" >|\r"):
            paragraph.append(row)
        elif paragraph:
            yield paragraph
            paragraph = []
    if paragraph:
        yield paragraph


def _width(rows: list[bytes]) -> int:
    """Return the width of a paragraph's rows: nearly all rows that go on in the next have it, and none is longer."""
    widest = max(map(length, rows))
    heads = [_CLOCK.search(row, 0, 120) is not None for row in rows]
    if not _LEAST <= widest <= _MOST or not any(heads):
        return 0
    continued = [row for row, next_is_head in zip(rows, heads[1:], strict=False) if not next_is_head]
    full = [row for row in continued if length(row) == widest]
    if not full or len(full) < _SHARE * len(continued):
        return 0
    tails = {row[-_TAIL:] for row in full}
    if widest in _USUAL:
        is_cut = len(tails) > 1 or len(rows) == len(full) + 1
    else:
        is_cut = len(tails) > _MANY
    return widest if is_cut or any(_OPEN.search(row) for row in full) else 0
