"""The overlay as SVG inside a page: the lanes' heads, which stay in view, and the body with its marks.

All looks are attributes, so that a page whose style sheet is forbidden is a picture still; classes are there for
dark screens alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from diagrams.palette import colour
from diagrams.report.common import SIGNS
from diagrams.report.overlay_sequence import Line, Overlay
from diagrams.svg.measure import FONT, text_length, width
from tracer.model import Change

ROW, HEAD, BAR, STEP, DEEPEST = 18, 30, 7, 3, 8
#: Font sizes of labels and heads, and of the addresses, whose font has letters of one width.
SIZE, SMALL = 11.5, 10
MONO = 0.61 * SMALL
#: Left of the lanes: room for so many signs, then two addresses.
SIGN, SIGNS_SHOWN = 17, 3
NARROWEST, APART, FARTHEST = 860, 84, 140

#: Ink and tint of each look on white.
LOOKS = {
    "same": ("#57606a", "#ffffff"), "added": ("#116329", "#dafbe1"), "removed": ("#a40e26", "#ffebe9"),
    "moved": ("#0550ae", "#ddf4ff"), "changed": ("#7d4e00", "#fff8c5"),
}  # fmt: skip
_PAPER = ' fill="#fff"'
_DASHES = {"removed": ' stroke-dasharray="5 3"'}
_MONO = "'DejaVu Sans Mono',Menlo,monospace"


@dataclass(slots=True)
class _Grid:
    """The positions of the columns."""

    old: int
    new: int
    xs: dict[str, int]
    width: int


def heads(overlay: Overlay) -> str:
    """Return the lanes' names as SVG; a lane that only one side has is marked."""
    grid = _grid(overlay)
    quiet = f'<g font-size="{SMALL}" fill="{LOOKS["same"][0]}" class="quiet">'
    parts = [_opened(grid.width, HEAD, "Participants"), quiet]
    parts += [f'<text x="{x}" y="19">{name}</text>' for x, name in ((grid.old, "old"), (grid.new, "new"))]
    parts.append('</g><g text-anchor="middle" font-weight="700" fill="#fff">')
    for number, (lane, look) in enumerate(overlay.lanes.items()):
        name = {"added": "+ ", "removed": "− "}.get(look, "") + lane
        half = int(width(name, SIZE, bold=True) / 2) + 7
        edge = f' stroke="{LOOKS[look][0]}" stroke-width="2" stroke-dasharray="4 2"' if look != "same" else ""
        x = grid.xs[lane]
        box = f'<rect x="{x - half}" y="5" width="{2 * half}" height="20" rx="3" fill="{colour(lane, number)}"{edge}/>'
        parts.append(f'{box}<text x="{x}" y="19"{text_length(name, SIZE, bold=True)}>{escape(name)}</text>')
    return "".join([*parts, "</g></svg>"])


def body(overlay: Overlay, changes: list[Change]) -> str:
    """Return everything below the heads as SVG. A change's mark is ``#m7`` and links to ``#c7``."""
    grid = _grid(overlay)
    height = len(overlay.lines) * ROW + 10
    parts = [_opened(grid.width, height, "What changed between the two boots")]
    lines = enumerate(overlay.lines)
    parts += [_tint(line, number, grid) for number, line in lines if line.look != "same"]
    for number, lane in enumerate(overlay.lanes):
        parts.append(f'<path stroke="{colour(lane, number)}" stroke-opacity=".4" d="M{grid.xs[lane]} 0V{height}"/>')
    drawing = _Drawing(grid, changes, list(overlay.lanes))
    drawn = [drawing.row(number, line) for number, line in enumerate(overlay.lines)]
    return "".join([*parts, *drawing.bars, *drawn, "</svg>"])


def _opened(wide: int, high: int, title: str) -> str:
    size = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}" font-size="{SIZE}">'
        f'<title>{title}</title><rect class="paper" width="{wide}" height="{high}" fill="#fff"/>'
    )


def _grid(overlay: Overlay) -> _Grid:
    olds, new_width = (
        max((len(address) for address in side), default=0) for side in zip(*_addresses(overlay), strict=True)
    )
    old = 8 + SIGNS_SHOWN * SIGN
    new = old + int(max(olds, 3) * MONO) + 10
    x = new + int(max(new_width, 3) * MONO) + 46
    xs, right = {}, NARROWEST
    for lane in overlay.lanes:
        xs[lane] = x
        x += _room(lane, overlay.lines)
    for line in overlay.lines:
        right = max(right, _right(line, xs))
    return _Grid(old, new, xs, right + 16)


def _addresses(overlay: Overlay) -> list[tuple[str, str]]:
    return [("", ""), *((line.old, line.new) for line in overlay.lines)]


def _room(lane: str, lines: list[Line]) -> int:
    """Return the room to the right of a lane: what its labels need, within limits."""
    widths = sorted(width(line.text, SIZE) for line in lines if line.source == lane)
    usual = widths[len(widths) * 2 // 3] if widths else 0
    return int(min(FARTHEST, max(APART, width(lane, SIZE, bold=True) + 26, usual + 24)))


def _right(line: Line, xs: dict[str, int]) -> int:
    return int(xs[line.source] + 40 + _width(line))


def _width(line: Line) -> float:
    return width(f"{line.text} – {line.extra}" if line.extra else line.text, SIZE)


def _tint(line: Line, number: int, grid: _Grid) -> str:
    ink, paper = LOOKS[line.look]
    y = number * ROW
    return (
        f'<g class="{line.look}"><rect class="tint" y="{y}" width="{grid.width}" height="{ROW}" fill="{paper}"/>'
        f'<rect class="edge" y="{y}" width="4" height="{ROW}" fill="{ink}"/></g>'
    )


class _Drawing:
    """Draws row by row; knows how many bars are open on each lane."""

    def __init__(self, grid: _Grid, changes: list[Change], lanes: list[str]) -> None:
        self.bars: list[str] = []
        self._grid = grid
        self._changes = changes
        self._colours = {lane: colour(lane, number) for number, lane in enumerate(lanes)}
        self._ends: dict[str, list[int]] = {lane: [] for lane in lanes}

    def row(self, number: int, line: Line) -> str:
        """Draw a line of the picture; its bar is added to ``bars``, which are drawn below."""
        y, ink = number * ROW, LOOKS[line.look][0]
        for ends in self._ends.values():
            while ends and ends[-1] < number:
                ends.pop()
        arrow, x, leftward = self._arrow(line, y)
        if line.inside:
            self._bar(line, number)
        signs = "".join(self._sign(change, index, y) for index, change in enumerate(line.changes[:SIGNS_SHOWN]))
        text = self._label(line, x, y, leftward=leftward)
        group = f'<g class="{line.look}" fill="{ink}" stroke="{ink}" stroke-width="0">'
        return f"{group}{signs}{self._gutter(line, y)}{arrow}{text}</g>"

    def _sign(self, number: int, index: int, y: int) -> str:
        change = self._changes[number]
        x, loud = 9 + index * SIGN, change.severity == "fail"
        box = f'x="{x}" y="{y + 2}" width="14" height="14" rx="3"'
        frame = f'<rect class="{"solid" if loud else "open"}" {box} stroke-width="1"{"" if loud else _PAPER}/>'
        text = escape(SIGNS.get(change.class_, "~"))
        paint = f'class="on"{_PAPER}' if loud else 'class="sign"'
        label = f'<text x="{x + 7}" y="{y + 13}" text-anchor="middle" {paint}>{text}</text>'
        title = escape(f"{change.class_}, {change.severity}") if change.class_ in SIGNS else "change"
        return f'<a id="m{number}" href="#c{number}"><title>{title}</title>{frame}{label}</a>'

    def _gutter(self, line: Line, y: int) -> str:
        places = ((self._grid.old, line.old), (self._grid.new, line.new))
        texts = "".join(f'<text x="{x}" y="{y + 13}">{escape(text)}</text>' for x, text in places if text)
        return f'<g font-family="{_MONO}" font-size="{SMALL}">{texts}</g>' if texts else ""

    def _arrow(self, line: Line, y: int) -> tuple[str, int, bool]:
        """Return the arrow, the position of its label, and whether the label is left of it."""
        if line.source == line.target:
            return "", self._edge(line.source, right=True), False
        leftward = self._grid.xs[line.target] < self._grid.xs[line.source]
        tail = self._edge(line.source, right=not leftward)
        head = self._edge(line.target, right=leftward)
        back = 1 if leftward else -1
        tip = f"l{6 * back} -3.5v7z" if line.what == "call" else f"m{6 * back} -3.5l{-6 * back} 3.5l{6 * back} 3.5"
        fill = "" if line.what == "call" else ' fill="none"'
        line_y = y + ROW - 3.5
        path = f'<path fill="none" stroke-width="1.2"{_DASHES.get(line.look, "")} d="M{tail} {line_y}H{head}"/>'
        return f'{path}<path stroke-width="1"{fill} d="M{head} {line_y}{tip}"/>', tail, leftward

    def _label(self, line: Line, x: int, y: int, *, leftward: bool) -> str:
        first = min(self._grid.xs.values()) - 30
        if leftward and x - _width(line) < first:  # too long to end at its arrow's tail
            leftward, x = False, first
        anchor = f'x="{x - 6}" text-anchor="end"' if leftward else f'x="{x + 6}"'
        halo = f'stroke="{LOOKS[line.look][1]}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'
        quiet = ' font-style="italic"' if line.what == "fold" else ""
        title = f"<title>{escape(line.full)}</title>" if line.full else ""
        up = 13 if line.source == line.target else 12
        text = f"{text_length(line.text, SIZE)}>{title}{escape(line.text)}"
        if line.extra:
            parts = (("", line.text), (' font-style="italic"', f"– {line.extra}"))
            spans = [f"<tspan{look}{text_length(part, SIZE)}>{escape(part)}</tspan>" for look, part in parts]
            text = f">{title}{' '.join(spans)}"
        return f'<text class="label" {anchor} y="{y + up}" {halo}{quiet}{text}</text>'

    def _edge(self, lane: str, *, right: bool) -> int:
        depth, x = min(len(self._ends[lane]), DEEPEST), self._grid.xs[lane]
        if not depth:
            return x
        return x + BAR // 2 + 1 + (depth - 1) * STEP if right else x - BAR // 2

    def _bar(self, line: Line, number: int) -> None:
        ends = self._ends[line.target]
        x = self._grid.xs[line.target] - BAR // 2 + min(len(ends), DEEPEST - 1) * STEP
        top, bottom = number * ROW + ROW - 4, (number + line.inside + 1) * ROW - 2
        fill = self._colours[line.target]
        box = f'x="{x}" y="{top}" width="{BAR}" height="{bottom - top}"'
        self.bars.append(f'<rect class="bar" {box} fill="{fill}" stroke="#fff" stroke-width=".7"/>')
        ends.append(number + line.inside)
