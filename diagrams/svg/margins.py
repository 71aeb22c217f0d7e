"""The margins of a drawing: title, page number, legend, and the pages before and after."""

from __future__ import annotations

from html import escape

from diagrams.sequence.model import Diagram
from diagrams.svg.geometry import INNERMOST, LEGEND, MARGIN, TITLE, TITLE_SIZE, Arrow, Label, Page
from diagrams.svg.measure import FONT, cut, text_length, width

INK, GREY = "#1f2328", "#656d76"

#: The styles of arrows with their meanings; the colours of lanes show the senders.
_ARROWS = (
    ("call", "waits"), ("return", "answer"), ("leaf", "both at once"), ("cast", "does not wait"),
    ("sql", "SQL"), ("state", "state"), ("failed", "failed"), ("unfinished", "unfinished"),
)  # fmt: skip
_SIGNS = "at the left: step of the outline, seconds since the start; ×7: seven equal ones; +5 calls: inside, not drawn"
#: The same for merged boots.
_MERGED_SIGNS = (
    "at the left: step of the outline; opt: some; alt: one of; par: in any order; ~5 ms: median; +5 calls: not drawn"
)
_LENGTH, _NEAR, _APART = 20, 5, 8


def opened(diagram: Diagram, wide: int, high: int, size: tuple[str, str]) -> list[str]:
    """Return a picture's beginning and its white ground; ``size`` is the file's width and height, with units."""
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" viewBox="0 0 {wide} {high}"',
        f' font-family="{FONT}" font-size="10"><title>{escape(diagram.title)}</title>',
        f'<rect width="{wide}" height="{high}" fill="#fff"/>',
    ]


def headline(diagram: Diagram, room: int, page: str) -> list[str]:
    """Return the title and, on the right, the page number."""
    title = cut(diagram.title, room - width(page) - MARGIN, TITLE_SIZE, bold=True)
    length = text_length(title, TITLE_SIZE, bold=True, scaled=True)
    look = f'font-size="{TITLE_SIZE}" font-weight="700" fill="{INK}"'
    named = f'<text x="{MARGIN}" y="{TITLE}" {look}{length}>{escape(title)}</text>'
    return [named, quiet(TITLE, page, f'x="{MARGIN + room}" text-anchor="end"')] if page else [named]


def quiet(y: int, text: str, position: str = f'x="{MARGIN}"') -> str:
    """Return a line of text beside the drawing."""
    return f'<text {position} y="{y}" fill="{GREY}"{text_length(text)}>{escape(text)}</text>'


def around(page: Page, text_before: str, room: int) -> str:
    """Return the open steps at the start of a page: as many of the innermost as there is room for."""
    head, inner = ", ".join([text_before, *page.around[:1]]), page.around[1:]
    left_out = ["…"] if len(inner) == INNERMOST else []
    while width(text := " › ".join([head, *left_out, *inner])) > room and inner:
        left_out, inner = ["…"], inner[1:]
    return cut(text, room)


def legend(*, merged: bool = False) -> Page:
    """Return the legend, a line of arrows and labels below a page's title."""
    page = Page()
    x = float(MARGIN)
    for look, words in _ARROWS:
        tail, head = (x + _LENGTH, x) if look == "return" else (x, x + _LENGTH)
        page.arrows.append(Arrow(int(tail), int(head), LEGEND - 4, look))
        page.labels.append(Label(int(x) + _LENGTH + _NEAR, LEGEND, words, "", "note"))
        x += _LENGTH + _NEAR + width(words) + _APART
    page.labels.append(Label(int(x), LEGEND, _MERGED_SIGNS if merged else _SIGNS, "", "note"))
    return page
