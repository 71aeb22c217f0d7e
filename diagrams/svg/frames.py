"""The frames of combined fragments in a picture: their extent, their pages, their look."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from diagrams.svg.measure import cut, text_length, width

#: The distance from an arrow's end to its frame, and from a frame to the enclosing one.
_AWAY, _APART = 14, 6
#: The tag in the corner: its height, its padding, and the distance of the guard.
_TAG, _BESIDE, _NEAR = 11, 4, 4
_INK, _TINT = "#57606a", "#eef1f4"


@dataclass(slots=True)
class Extent:
    """The left and right end of a frame: known when it closes, the same on every page."""

    left: int
    right: int


@dataclass(slots=True)
class Box:
    """A frame, or its part on one page."""

    extent: Extent
    operator: str
    guard: str
    top: int
    bottom: int = 0
    #: The positions of further operands, with their guards.
    branches: list[tuple[int, str]] = field(default_factory=list)


class Frames:
    """The frames that are open while a picture is laid out, from top to bottom; ``last`` is the end of a page."""

    def __init__(self, last: int) -> None:
        self._last = last
        self._open: list[Box] = []

    def begin(self, operator: str, guard: str, top: int) -> None:
        """Begin a fragment."""
        # Its sides are not known yet.
        self._open.append(Box(Extent(1 << 20, 0), operator, guard, top))

    def branch(self, guard: str, y: int) -> None:
        """Begin the next operand."""
        self._open[-1].branches.append((y, guard))

    def reach(self, side: float, other: float) -> None:
        """Extend the innermost frame to the sides of an item."""
        if self._open:
            extent = self._open[-1].extent
            extent.left = min(extent.left, int(min(side, other)) - _AWAY)
            extent.right = max(extent.right, int(max(side, other)) + _AWAY)

    def close(self, bottom: int) -> Box:
        """End the innermost fragment; extend the frame around it."""
        box = self._open.pop()
        box.bottom = bottom
        wanted = max(box.extent.right, box.extent.left + _width(box))
        box.extent.right = min(wanted, self._last - _APART * len(self._open))
        if self._open:
            around = self._open[-1].extent
            around.left = min(around.left, box.extent.left - _APART)
            around.right = max(around.right, box.extent.right + _APART)
        return box

    def turn(self, bottom: int, top: int) -> list[Box]:
        """End a page: return the frames' parts on it; they continue at the ``top`` of the next."""
        ended, self._open = self._open, []
        for box in ended:
            box.bottom = bottom
            self._open.append(Box(box.extent, box.operator, box.guard, top))
        return ended[::-1]  # as they close: inner ones first


def _tag(box: Box) -> int:
    return int(width(box.operator, bold=True)) + 2 * _BESIDE


def _width(box: Box) -> int:
    guards = [box.guard, *(guard for _, guard in box.branches)]
    return _tag(box) + int(max(map(width, guards))) + 3 * _NEAR


def under(boxes: list[Box]) -> list[str]:
    """Return the frames as SVG; outer ones are drawn first."""
    parts = [f'<g fill="none" stroke="{_INK}">'] if boxes else []
    for box in reversed(boxes):
        left, right = box.extent.left, box.extent.right
        dashes = "".join(f"M{left} {y}H{right}" for y, _ in box.branches)
        parts.append(f'<path d="M{left} {box.top}H{right}V{box.bottom}H{left}z"/>')
        parts += [f'<path stroke-dasharray="5 3" d="{dashes}"/>'] if dashes else []
    return [*parts, "</g>"] if boxes else []


def over(boxes: list[Box]) -> list[str]:
    """Draw their tags and guards as SVG, above lifelines and bars."""
    parts = ['<g stroke-linejoin="round" paint-order="stroke">'] if boxes else []
    for box in boxes:
        left, wide = box.extent.left, _tag(box)
        tag = f"M{left} {box.top}h{wide}v{_TAG - 4}l-4 4H{left}z"
        parts.append(f'<path fill="{_TINT}" stroke="{_INK}" d="{tag}"/>')
        look = f'x="{left + _BESIDE}" y="{box.top + 9}" font-weight="700" fill="{_INK}"'
        parts.append(f"<text {look}{text_length(box.operator, bold=True)}>{box.operator}</text>")
        guards = [(box.top, box.guard), *box.branches]
        parts += [_guard(left + wide + _NEAR, y + 9, guard, box.extent.right) for y, guard in guards if guard]
    return [*parts, "</g>"] if boxes else []


def _guard(x: int, y: int, guard: str, right: int) -> str:
    text = cut(guard, right - x - _NEAR)
    look = f'fill="{_INK}" stroke="#fff" stroke-width="3"'
    return f'<text x="{x}" y="{y}" {look}{text_length(text)}>{escape(text)}</text>'
