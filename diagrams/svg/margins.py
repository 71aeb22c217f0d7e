"""The margins of a drawing: title, page number, from which page and on which page it continues."""

from __future__ import annotations

from html import escape

from diagrams.sequence.model import Diagram
from diagrams.svg.geometry import INNERMOST, MARGIN, TITLE, TITLE_SIZE, Page
from diagrams.svg.measure import FONT, cut, text_length, width

INK, GREY = "#1f2328", "#656d76"


def opened(diagram: Diagram, wide: int, high: int, size: tuple[str, str]) -> list[str]:
    """Return a picture's beginning and its white ground; ``size`` is the file's width and height, with units."""
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" viewBox="0 0 {wide} {high}"',
        f' font-family="{FONT}" font-size="10"><title>{escape(diagram.title)}</title>',
        f'<rect width="{wide}" height="{high}" fill="#fff"/>',
    ]


def headline(diagram: Diagram, room: int, page: str) -> list[str]:
    """The title and, at the right, which page it is."""
    title = cut(diagram.title, room - width(page) - MARGIN, TITLE_SIZE, bold=True)
    length = text_length(title, TITLE_SIZE, bold=True, scaled=True)
    look = f'font-size="{TITLE_SIZE}" font-weight="700" fill="{INK}"'
    named = f'<text x="{MARGIN}" y="{TITLE}" {look}{length}>{escape(title)}</text>'
    return [named, quiet(TITLE, page, f'x="{MARGIN + room}" text-anchor="end"')] if page else [named]


def quiet(y: int, text: str, position: str = f'x="{MARGIN}"') -> str:
    """A line of text beside the drawing."""
    return f'<text {position} y="{y}" fill="{GREY}"{text_length(text)}>{escape(text)}</text>'


def around(page: Page, text_before: str, room: int) -> str:
    """The steps under way where a page begins: as many of the innermost as there is room for."""
    head, inner = ", ".join([text_before, *page.around[:1]]), page.around[1:]
    left_out = ["…"] if len(inner) == INNERMOST else []
    while width(text := " › ".join([head, *left_out, *inner])) > room and inner:
        left_out, inner = ["…"], inner[1:]
    return cut(text, room)
