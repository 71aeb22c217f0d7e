"""The sequence diagram as SVG text: no script, no style sheet, no external resource, no measuring by the renderer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from html import escape
from operator import attrgetter

from diagrams.palette import colour
from diagrams.sequence.fit import drawn, fitted
from diagrams.sequence.model import Diagram
from diagrams.svg import frames
from diagrams.svg.columns import head_half
from diagrams.svg.geometry import (  # fmt: skip
    BAND_SIZE,
    BAR,
    BASELINE,
    FOOT,
    HEAD,
    MARGIN,
    ROW,
    SMALL,
    SUBTITLE,
    TOP,
    WIDEST,
    Label,
    Page,
)
from diagrams.svg.layout import Layout, layout
from diagrams.svg.margins import GREY, INK, around, headline, legend, opened, quiet
from diagrams.svg.measure import cut, text_length
from diagrams.svg.paging import PAPERS
from tracer.model import Merged, Request

_LINE, _PALE, _RED, _AMBER = "#424a53", "#afb8c1", "#cf222e", "#9a6700"


def svg(boot: Request | Merged, detail: str = "calls") -> str:
    """Draw ``boot``, or several merged, as one SVG; a long one continues in columns side by side."""
    return fitted(boot, detail, draw)


def pages(boot: Request | Merged, detail: str, paper: str) -> list[str]:
    """Return ``boot`` as one SVG per page, in the proportion of one of PAPERS."""
    return draw_pages(drawn(boot, detail), paper)


def draw(diagram: Diagram) -> str | None:
    """Return a diagram as one SVG, None if it is too large."""
    placed = layout(diagram)
    whole = placed.width * len(placed.pages)
    if whole > WIDEST:
        return None
    room = placed.width - 2 * MARGIN
    parts = opened(diagram, whole, placed.height, (str(whole), str(placed.height)))
    parts += [*headline(diagram, room, ""), quiet(SUBTITLE, cut(diagram.subtitle, room)), *_signs(diagram)]
    for number, page in enumerate(placed.pages):
        parts.append(f'<g transform="translate({number * placed.width})">' if number else "<g>")
        if number:
            parts.append(quiet(SUBTITLE, around(page, "continued from the left", room)))
        parts += [*_page(placed, page), "</g>"]
    return "".join(parts) + "</svg>\n"


def draw_pages(diagram: Diagram, paper: str) -> list[str]:
    """Draw a diagram as one SVG per page; each shows the steps still open and the next page."""
    placed = layout(diagram, PAPERS[paper])
    return [_sheet(diagram, placed, number, PAPERS[paper].says) for number in range(len(placed.pages))]


def _sheet(diagram: Diagram, placed: Layout, number: int, size: tuple[str, str]) -> str:
    page, last = placed.pages[number], len(placed.pages)
    parts = opened(diagram, placed.width, placed.height, size)
    room = placed.width - 2 * MARGIN
    parts += headline(diagram, room, f"page {number + 1} of {last}" if last > 1 else "")
    below = around(page, f"continued from page {number}", room) if number else cut(diagram.subtitle, room)
    parts += [quiet(SUBTITLE, below), *_signs(diagram), *_page(placed, page)]
    if number + 1 < last:
        right = f'x="{placed.width - MARGIN}" text-anchor="end"'
        parts.append(quiet(placed.height - FOOT // 2 + 4, f"continued on page {number + 2}", right))
    return "".join(parts) + "</svg>\n"


def _signs(diagram: Diagram) -> list[str]:
    line = legend(merged=diagram.merged)
    return [*_arrows(line), *_labels(line)]


def _page(placed: Layout, page: Page) -> list[str]:
    colours = [colour(lane, number) for number, lane in enumerate(placed.lanes)]
    return [
        _zebra(placed, page),
        _lifelines(placed, page, colours),
        *frames.under(page.frames),
        *_bars(page, colours),
        *_bands(placed, page),
        *_gutter(placed, page),
        *_labels(page),
        *_arrows(page),
        *frames.over(page.frames),
        *_heads(placed, page, colours),
    ]


def _zebra(placed: Layout, page: Page) -> str:
    """Return one dashed line as wide as the page, which shades every other row without a cost per row."""
    line = f'stroke="#f3f5f8" stroke-width="{placed.width}" stroke-dasharray="{ROW}"'
    return f'<path {line} d="M{placed.width // 2} {page.heads[0] + HEAD * ROW}V{page.height - MARGIN}"/>'


def _lifelines(placed: Layout, page: Page, colours: list[str]) -> str:
    lines = zip(placed.xs, colours, strict=True)
    return "".join(f'<path stroke="{c}" opacity=".35" d="M{x} {TOP}V{page.height - MARGIN}"/>' for x, c in lines)


def _bars(page: Page, colours: list[str]) -> list[str]:
    paths: defaultdict[int, list[str]] = defaultdict(list)
    for bar in sorted(page.bars, key=attrgetter("x", "top")):
        paths[bar.lane].append(f"M{bar.x} {bar.top}h{BAR}V{bar.bottom}h-{BAR}z")
    edge = 'stroke="#fff" stroke-width=".7"'
    return [f'<path fill="{colours[lane]}" {edge} d="{"".join(path)}"/>' for lane, path in paths.items()]


def _heads(placed: Layout, page: Page, colours: list[str]) -> list[str]:
    parts = ['<g text-anchor="middle" font-weight="700" stroke-width="4" stroke-linejoin="round">']
    for x, name, fill in zip(placed.xs, placed.lanes, colours, strict=True):
        half, text = head_half(name), escape(name)
        boxes = "".join(f"M-{half} {y + 7}h{2 * half}v13H-{half}z" for y in page.heads)
        length = text_length(name, bold=True)
        names = "".join(f'<text y="{y + 17}"{length}>{text}</text>' for y in page.heads)
        parts.append(f'<g transform="translate({x})"><path fill="{fill}" stroke="{fill}" d="{boxes}"/>')
        parts.append(f'<g fill="#fff">{names}</g></g>')
    return [*parts, "</g>"]


def _bands(placed: Layout, page: Page) -> list[str]:
    length = partial(text_length, size=BAND_SIZE, bold=True, scaled=True)
    return [
        f'<rect y="{band.y - BASELINE - 4}" width="{placed.width}" height="{ROW + 4}" fill="#dde3ea"/>'
        f'<text x="{MARGIN}" y="{band.y - 1}" font-weight="700" font-size="{BAND_SIZE}" fill="{INK}"{text}</text>'
        for band, text in zip(page.bands, _texts(page.bands, length), strict=True)
    ]


def _gutter(placed: Layout, page: Page) -> list[str]:
    parts = [f'<g transform="translate({MARGIN})" font-size="{SMALL}" fill="#57606a">']
    addresses = _escaped([address for _, address, _ in page.gutter])
    parts += [
        f'<text y="{mark[0]}">{address}</text>' for mark, address in zip(page.gutter, addresses, strict=True) if address
    ]
    parts.append(f'</g><g transform="translate({placed.times})" text-anchor="end" font-size="{SMALL}" fill="{GREY}">')
    before = ""
    for y, _, time_ns in page.gutter:
        if time_ns is not None and (time := f"{time_ns / 1e9:.3f}") != before:
            parts.append(f'<text y="{y}">{time}</text>')
            before = time
    return [*parts, "</g>"]


def _escaped(texts: list[str]) -> list[str]:
    """Escape all texts at once, which is several times as fast; a clean text has no line break."""
    return escape("\n".join(texts), quote=False).split("\n") if texts else []


#: Colours of labels, if not ink.
_TEXTS = {"sql": "#57606a", "return": GREY, "failed": _RED, "unfinished": _AMBER, "note": "#57606a", "ask": "#8250df"}
#: Styles whose whole label has their colour.
_LOUD = {"failed": _RED, "unfinished": _AMBER}


def _labels(page: Page) -> list[str]:
    # Labels with the same x share a group, so that each has only its y.
    groups: defaultdict[tuple[str, bool, int], list[str]] = defaultdict(list)
    for label, text in zip(page.labels, _texts(page.labels), strict=True):
        key = (_TEXTS.get(label.look, INK), label.leftward, label.x)
        groups[key].append(f'<text y="{label.y}"{text}</text>')
    halo = 'stroke="#fff" stroke-width="2" stroke-linejoin="round" paint-order="stroke"'
    parts = [f'<g transform="translate(0 -.6)" fill="{INK}" {halo}>']
    for (fill, leftward, x), texts in groups.items():
        other = f' fill="{fill}"' if fill != INK else ""
        anchor = ' text-anchor="end"' if leftward else ""
        parts += [f'<g transform="translate({x})"{other}{anchor}>', *texts, "</g>"]
    return [*parts, "</g>"]


#: Hebrew, Arabic and related scripts: text after them would be drawn in one run with them, without a length of its own.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")


def _texts(labels: list[Label], length: Callable[[str], str] = text_length) -> list[str]:
    """Return for each label the rest of its ``<text``: attributes, ``>``, content."""
    texts = _escaped([label.text for label in labels])
    extras = _escaped([label.extra for label in labels])
    rests = []
    for label, text, extra in zip(labels, texts, extras, strict=True):
        rest = f"{length(label.text)}>{text}"
        if extra:  # a length for each part: resvg applies a text's length to its first part only
            apart = ' unicode-bidi="isolate"' if _RIGHT_TO_LEFT.search(text + extra) else ""
            look = f'fill="{_LOUD.get(label.look, GREY)}"{apart}{length(label.extra)}'
            rest = f"><tspan{rest}</tspan> <tspan {look}>{extra}</tspan>"
        rests.append(rest)
    return rests


#: The styles of arrows: their lines, and the shape and paint of their heads.
_LOOKS = {
    "call": f'stroke="{_LINE}"',
    "leaf": f'stroke="{_LINE}"',
    "cast": f'stroke="{_LINE}" stroke-dasharray="6 2"',
    "sql": 'stroke="#aab4bf"',
    "return": f'stroke="{_PALE}" stroke-dasharray="2 2"',
    "failed": f'stroke="{_RED}"',
    "unfinished": f'stroke="{_AMBER}"',
    "state": f'stroke="{_PALE}" stroke-dasharray="1 2"',
}
_QUIET = f'fill="none" stroke="{_PALE}"'
#: Heads from the tip on, pointing right and pointing left.
_FILLED = ("l-5-3v6z", "l5-3v6z")
_OPEN = ("m-5-3l5 3-5 3", "m5-3l-5 3 5 3")
_DOT = ("m-3 0a3 3 0 106 0a3 3 0 10-6 0",) * 2
_HEADS = {
    "call": (_FILLED, f'fill="{_LINE}"'),
    "leaf": (_FILLED, f'fill="{_LINE}"'),
    "failed": (_FILLED, f'fill="{_RED}"'),
    "unfinished": (_FILLED, f'fill="{_AMBER}"'),
    "cast": (_OPEN, f'fill="none" stroke="{_LINE}"'),
    "sql": (_FILLED, 'fill="#aab4bf"'),
    "return": (_OPEN, _QUIET),
    "state": (_DOT, 'fill="#24292f"'),
}


def _arrows(page: Page) -> list[str]:
    lines: defaultdict[str, list[str]] = defaultdict(list)
    heads: defaultdict[str, list[str]] = defaultdict(list)
    for arrow in page.arrows:
        tail, head, y, look = arrow.tail, arrow.head, arrow.y, arrow.look
        left = head < tail
        lines[look].append(f"M{tail} {y}H{head}")
        shapes, paint = _HEADS[look]
        heads[paint].append(f"M{head} {y}{shapes[left]}")
        if look == "leaf":  # its answer is on the same row
            heads[_QUIET].append(f"M{tail} {y}{_OPEN[not left]}")
    parts = ['<g transform="translate(0 .5)">']  # a line one pixel wide is sharp between two pixels' edges
    parts += [f'<path fill="none" {_LOOKS[look]} d="{"".join(segments)}"/>' for look, segments in lines.items()]
    parts += [f'<path {paint} d="{"".join(segments)}"/>' for paint, segments in heads.items()]
    return [*parts, "</g>"]
