"""How often each step happens under the step around it, before and now."""

from __future__ import annotations

from tracer.diff.compare.places import Place
from tracer.model import NUMBERED, Change, Node, Pair
from tracer.notation.parse import parse
from tracer.text import spread

#: A count that varied in the baseline may go so many times its spread beyond: it depends on what the cloud holds.
_BEYOND = 3
#: So many of the steps that came or went with one are named.
_NAMED = 3

_Range = tuple[int, int]


def mark(place: Place, pairs: list[Pair]) -> None:
    """The changes of counts among siblings, on the first pair that shows each."""
    groups: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        for key in dict.fromkeys((node.service, node.text) for node in (pair.old, pair.new) if node is not None):
            groups.setdefault(key, []).append(pair)
    for (_, text), group in groups.items():
        # A pair whose two sides differ in text stands for neither's count.
        alike = [pair for pair in group if pair.old is None or pair.new is None or pair.old.text == pair.new.text]
        old, new = _total([pair.old for pair in alike]), _total([pair.new for pair in alike])
        class_ = _class(old, new, place, text)
        if class_:
            shown = next((pair for pair in alike if pair.old is None or pair.new is None), alike[0])
            shown.changes.append(_told(place, shown, class_, old, new))


def _total(nodes: list[Node | None]) -> _Range:
    there = [node for node in nodes if node is not None]
    return sum(node.low for node in there), sum(node.high for node in there)


def _class(old: _Range, new: _Range, place: Place, text: str) -> str:
    if old[0] <= new[0] and new[1] <= old[1]:
        return ""
    if max(old[0], new[0]) <= min(old[1], new[1]):
        return "varies"
    if new[1] == 0:
        return "removed"
    if old[1] == 0:
        return "retried" if _failed_once(place, text) else "added"
    spread = old[1] - old[0]
    if old[0] > 0 and spread and new[0] <= old[1] + _BEYOND * spread and new[0] > old[1]:
        return "varies"
    return "repeated"


def _failed_once(place: Place, text: str) -> bool:
    """Whether this is an attempt that failed, beside one of the same step that was there before and does not."""
    said = parse(text)
    if "error" not in said.traits:
        return False
    return any(
        pair.old is not None and pair.new is not None and parse(pair.new.text).name == said.name
        for pair in place.pair.children
    )


def _told(place: Place, pair: Pair, class_: str, old: _Range, new: _Range) -> Change:
    node = pair.new or pair.old
    assert node is not None, "a pair has a side"
    ratio = new[0] / old[1] if old[1] and new[0] else None
    if class_ not in ("added", "removed", "retried"):
        text = f"{node.text}: {spread(*old)} → {spread(*new)} times {place.around}"
        return place.change(class_, pair, text, ratio=ratio)
    many = old if class_ == "removed" else new
    times = f" ×{spread(*many)}" if many != (1, 1) else ""
    text = f"{node.text}{times} {place.around}{_with(node)}"
    return place.change(class_, pair, text, ratio=ratio, below=sum(1 for _ in node.walk()) - 1)


def _with(node: Node) -> str:
    """What a reader looks for in what came or went with a step: the first of the numbered steps below."""
    inside = list(dict.fromkeys(each.text for each in node.walk() if each is not node and each.kind in NUMBERED))
    more = f" and {len(inside) - _NAMED} more" if len(inside) > _NAMED else ""
    return f", with {', '.join(inside[:_NAMED])}{more}" if inside else ""
