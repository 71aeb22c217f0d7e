"""The sequence diagram as SVG text: no script, no style sheet, nothing that is fetched, no text that is measured."""

from __future__ import annotations

from html import escape

from diagrams.fitting import fitted
from diagrams.layout import BAR, BASELINE, HEAD, ROW, TITLE, WIDEST, Label, Layout, Page, layout
from diagrams.palette import colour
from diagrams.sequence import Diagram
from tracer.model import Boot

_INK, _LINE, _GREY, _PALE, _RED, _AMBER = "#1f2328", "#424a53", "gray", "#afb8c1", "#cf222e", "#9a6700"
_FONT = "Helvetica,Arial,'DejaVu Sans',sans-serif"
_MONO = "'DejaVu Sans Mono',Menlo,monospace"

_LEGEND = (
    "→ waits for the answer, ⇢ does not; a grey tip at an arrow's tail: answered, with nothing drawn in between; "
    "1-1-2: the step in the outline; ×7: seven equal ones; +5 calls: inside, not drawn; seconds since the start"
)


def svg(boot: Boot, detail: str = "calls") -> str:
    """``boot`` as one SVG; what is too long for one page goes on in a further one beside it."""
    return fitted(boot, detail, draw)


def draw(diagram: Diagram) -> str | None:
    """A diagram as SVG, None if it is too large for one."""
    placed = layout(diagram)
    width = placed.width * len(placed.pages)
    if width > WIDEST:
        return None
    height = max(page.height for page in placed.pages)
    colours = [colour(lane, number) for number, lane in enumerate(placed.lanes)]
    title = escape(diagram.title)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"',
        f' font-family="{_FONT}" font-size="10"><title>{title}</title>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="20" font-size="15" font-weight="700" fill="{_INK}">{title}</text>',
        f'<text x="8" y="35" fill="#57606a">{escape(diagram.subtitle)}</text>',
        f'<text x="8" y="47" fill="{_GREY}">{escape(_LEGEND)}</text>',
    ]
    for number, page in enumerate(placed.pages):
        parts.append(f'<g transform="translate({number * placed.width})">' if number else "<g>")
        parts += _page(placed, page, colours)
        parts.append("</g>")
    return "".join(parts) + "</svg>\n"


def _page(placed: Layout, page: Page, colours: list[str]) -> list[str]:
    return [
        _zebra(placed, page),
        _lifelines(placed, page, colours),
        *_bars(page, colours),
        *_bands(placed, page),
        *_gutter(placed, page),
        *_labels(page),
        *_arrows(page),
        *_heads(placed, page, colours),
    ]


def _zebra(placed: Layout, page: Page) -> str:
    """One line as wide as the page, dashed: every other row is shaded, at no cost per row."""
    line = f'stroke="#f3f5f8" stroke-width="{placed.width}" stroke-dasharray="{ROW}"'
    return f'<path {line} d="M{placed.width // 2} {page.heads[0] + HEAD * ROW}V{page.height - 8}"/>'


def _lifelines(placed: Layout, page: Page, colours: list[str]) -> str:
    lines = zip(placed.xs, colours, strict=True)
    return "".join(f'<path stroke="{c}" opacity=".35" d="M{x} {TITLE}V{page.height - 8}"/>' for x, c in lines)


def _bars(page: Page, colours: list[str]) -> list[str]:
    paths: dict[int, list[str]] = {}
    for bar in sorted(page.bars, key=lambda one: (one.x, one.top)):
        paths.setdefault(bar.lane, []).append(f"M{bar.x} {bar.top}h{BAR}V{bar.bottom}h-{BAR}z")
    edge = 'stroke="#fff" stroke-width=".7"'
    return [f'<path fill="{colours[lane]}" {edge} d="{"".join(path)}"/>' for lane, path in paths.items()]


def _heads(placed: Layout, page: Page, colours: list[str]) -> list[str]:
    parts = ['<g text-anchor="middle" font-weight="700" stroke-width="4" stroke-linejoin="round">']
    for x, name, fill in zip(placed.xs, placed.lanes, colours, strict=True):
        half, text = int(len(name) * 3.3) + 5, escape(name)
        boxes = "".join(f"M-{half} {y + 7}h{2 * half}v13H-{half}z" for y in page.heads)
        names = "".join(f'<text y="{y + 17}">{text}</text>' for y in page.heads)
        parts.append(f'<g transform="translate({x})"><path fill="{fill}" stroke="{fill}" d="{boxes}"/>')
        parts.append(f'<g fill="#fff">{names}</g></g>')
    return [*parts, "</g>"]


def _bands(placed: Layout, page: Page) -> list[str]:
    return [
        f'<rect y="{band.y - BASELINE - 4}" width="{placed.width}" height="{ROW + 4}" fill="#dde3ea"/>'
        f'<text x="8" y="{band.y - 1}" font-weight="700" font-size="11.5" fill="{_INK}">{text}</text>'
        for band, text in zip(page.bands, _texts(page.bands), strict=True)
    ]


def _gutter(placed: Layout, page: Page) -> list[str]:
    parts = [f'<g transform="translate(8)" font-family="{_MONO}" font-size="9" fill="#57606a">']
    addresses = _escaped([address for _, address, _ in page.gutter])
    parts += [
        f'<text y="{mark[0]}">{address}</text>' for mark, address in zip(page.gutter, addresses, strict=True) if address
    ]
    parts.append(f'</g><g transform="translate({placed.times})" text-anchor="end" font-size="9" fill="{_GREY}">')
    before = ""
    for y, _, at in page.gutter:
        if (time := f"{at / 1e9:.3f}") != before:
            parts.append(f'<text y="{y}">{time}</text>')
            before = time
    return [*parts, "</g>"]


def _escaped(texts: list[str]) -> list[str]:
    """All of them at once, which is several times as fast; a clean text holds no line break."""
    return escape("\n".join(texts), quote=False).split("\n") if texts else []


#: Text that is not in ink.
_TEXTS = {"sql": "#57606a", "return": _GREY, "failed": _RED, "unfinished": _AMBER, "note": "#57606a", "ask": "#8250df"}
#: Of what went wrong, the whole label stands out.
_LOUD = {"failed": _RED, "unfinished": _AMBER}


def _labels(page: Page) -> list[str]:
    # Labels that begin at the same place share a group, so that each says only how far down it stands.
    groups: dict[tuple[str, bool, int], list[str]] = {}
    for label, text in zip(page.labels, _texts(page.labels), strict=True):
        key = (_TEXTS.get(label.look, _INK), label.leftward, label.x)
        groups.setdefault(key, []).append(f'<text y="{label.y}">{text}</text>')
    halo = 'stroke="#fff" stroke-width="2" stroke-linejoin="round" paint-order="stroke"'
    parts = [f'<g transform="translate(0 -.6)" fill="{_INK}" {halo}>']
    for (fill, leftward, x), texts in groups.items():
        other = f' fill="{fill}"' if fill != _INK else ""
        anchor = ' text-anchor="end"' if leftward else ""
        parts += [f'<g transform="translate({x})"{other}{anchor}>', *texts, "</g>"]
    return [*parts, "</g>"]


def _texts(labels: list[Label]) -> list[str]:
    said = _escaped([label.text for label in labels])
    more = _escaped([label.extra for label in labels])
    return [
        f'{text} <tspan fill="{_LOUD.get(label.look, _GREY)}">{extra}</tspan>' if extra else text
        for label, text, extra in zip(labels, said, more, strict=True)
    ]


#: How arrows look: their lines, and their heads' shape and paint.
_LOOKS = {
    "call": f'stroke="{_LINE}"',
    "leaf": f'stroke="{_LINE}"',
    "cast": f'stroke="{_LINE}" stroke-dasharray="6 2"',
    "sql": 'stroke="#c3cad2"',
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
    "sql": (_FILLED, 'fill="#c3cad2"'),
    "return": (_OPEN, _QUIET),
    "state": (_DOT, 'fill="#24292f"'),
}


def _arrows(page: Page) -> list[str]:
    lines: dict[str, list[str]] = {}
    heads: dict[str, list[str]] = {}
    for arrow in page.arrows:
        tail, head, y, look = arrow.tail, arrow.head, arrow.y, arrow.look
        left = head < tail
        lines.setdefault(look, []).append(f"M{tail} {y}H{head}")
        shapes, paint = _HEADS[look]
        heads.setdefault(paint, []).append(f"M{head} {y}{shapes[left]}")
        if look == "leaf":  # its answer comes back on the same row
            heads.setdefault(_QUIET, []).append(f"M{tail} {y}{_OPEN[not left]}")
    parts = ['<g transform="translate(0 .5)">']  # a line one pixel wide is sharp between two pixels' edges
    parts += [f'<path fill="none" {_LOOKS[look]} d="{"".join(one)}"/>' for look, one in lines.items()]
    parts += [f'<path {paint} d="{"".join(one)}"/>' for paint, one in heads.items()]
    return [*parts, "</g>"]
