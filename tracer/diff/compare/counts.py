"""Changes of counts: how often a step happens in the step around it, before and now."""

from __future__ import annotations

from tracer.diff.compare.positions import TreePosition
from tracer.model import NUMBERED, Change, NormalStep, Pair
from tracer.notation.parse import parse
from tracer.text import spread

#: A count that varied in the baseline may exceed it by this many times its range: it depends on the cloud's content.
_BEYOND = 3
#: The most steps that are named among those added or removed with one.
_NAMED = 3

_Range = tuple[int, int]


def mark(position: TreePosition, pairs: list[Pair]) -> None:
    """Append the changes of counts among siblings, each to the first pair that shows it."""
    groups: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        for key in dict.fromkeys((node.service, node.text) for node in (pair.old, pair.new) if node is not None):
            groups.setdefault(key, []).append(pair)
    for (_, text), group in groups.items():
        # A pair whose sides differ in text counts for neither text.
        alike = [pair for pair in group if pair.old is None or pair.new is None or pair.old.text == pair.new.text]
        old, new = _total([pair.old for pair in alike]), _total([pair.new for pair in alike])
        class_ = _class(old, new, position, text)
        if class_:
            shown = next((pair for pair in alike if pair.old is None or pair.new is None), alike[0])
            shown.changes.append(_change(position, shown, class_, old, new))


def _total(nodes: list[NormalStep | None]) -> _Range:
    there = [node for node in nodes if node is not None]
    return sum(node.min_count for node in there), sum(node.max_count for node in there)


def _class(old: _Range, new: _Range, position: TreePosition, text: str) -> str:
    if old[0] <= new[0] and new[1] <= old[1]:
        return ""
    if max(old[0], new[0]) <= min(old[1], new[1]):
        return "varies"
    if new[1] == 0:
        return "removed"
    if old[1] == 0:
        return "retried" if _failed_once(position, text) else "added"
    width = old[1] - old[0]
    if old[0] > 0 and width and new[0] <= old[1] + _BEYOND * width and new[0] > old[1]:
        return "varies"
    return "repeated"


def _failed_once(position: TreePosition, text: str) -> bool:
    """Return whether this is a failed attempt beside a matched step of the same name."""
    parsed = parse(text)
    if "error" not in parsed.traits:
        return False
    return any(
        pair.old is not None and pair.new is not None and parse(pair.new.text).name == parsed.name
        for pair in position.pair.children
    )


def _change(position: TreePosition, pair: Pair, class_: str, old: _Range, new: _Range) -> Change:
    node = pair.new or pair.old
    assert node is not None, "a pair has a side"
    ratio = new[0] / old[1] if old[1] and new[0] else None
    if class_ not in ("added", "removed", "retried"):
        text = f"{node.text}: {spread(*old)} → {spread(*new)} times {position.around}"
        return position.change(class_, pair, text, ratio=ratio)
    many = old if class_ == "removed" else new
    times = f" ×{spread(*many)}" if many != (1, 1) else ""
    text = f"{node.text}{times} {position.around}{_with(node)}"
    return position.change(class_, pair, text, ratio=ratio, below=sum(1 for _ in node.walk()) - 1)


def _with(node: NormalStep) -> str:
    """Return a phrase that names the first numbered steps below: those readers look for."""
    inside = list(dict.fromkeys(inner.text for inner in node.walk() if inner is not node and inner.kind in NUMBERED))
    more = f" and {len(inside) - _NAMED} more" if len(inside) > _NAMED else ""
    return f", with {', '.join(inside[:_NAMED])}{more}" if inside else ""
