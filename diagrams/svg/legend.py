"""The legend of a picture: one line, of arrows and labels like any others."""

from __future__ import annotations

from diagrams.svg.geometry import LEGEND, MARGIN, Arrow, Label, Page
from diagrams.svg.measure import width

#: The looks of arrows, in words; colours and dashes show what they carry, the lanes' colours who sends them.
_ARROWS = (
    ("call", "waits"), ("return", "answer"), ("leaf", "both at once"), ("cast", "does not wait"),
    ("sql", "SQL"), ("state", "state"), ("failed", "failed"), ("unfinished", "unfinished"),
)  # fmt: skip
_WORDS = "at the left: step of the outline, seconds since the start; ×7: seven equal ones; +5 calls: inside, not drawn"
#: The same where several boots are merged.
_MERGED = (
    "at the left: step of the outline; opt: some; alt: one of; par: in any order; ~5 ms: median; +5 calls: not drawn"
)
_LENGTH, _NEAR, _APART = 20, 5, 8


def legend(*, merged: bool = False) -> Page:
    """The line, below a page's title."""
    page = Page()
    x = float(MARGIN)
    for look, words in _ARROWS:
        tail, head = (x + _LENGTH, x) if look == "return" else (x, x + _LENGTH)
        page.arrows.append(Arrow(int(tail), int(head), LEGEND - 4, look))
        page.labels.append(Label(int(x) + _LENGTH + _NEAR, LEGEND, words, "", "note"))
        x += _LENGTH + _NEAR + width(words) + _APART
    page.labels.append(Label(int(x), LEGEND, _MERGED if merged else _WORDS, "", "note"))
    return page
