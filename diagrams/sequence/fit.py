"""Smaller and smaller versions of a diagram, until it fits the limits of a format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from diagrams import DETAILS
from diagrams.sequence import build, build_merged, fold_merged
from diagrams.sequence.model import Diagram, Item
from diagrams.sequence.places import places
from tracer.model import Merged, Request

#: A picture of so few items shows less of a boot than the beginning of a whole one.
FEW = 50
#: Items without a text of their own.
_SILENT = frozenset({"end", "return", "frame", "branch", "close"})


def drawn(boot: Request | Merged, detail: str, depth: int | None = None) -> Diagram:
    """Return ``boot``, or several merged, as a diagram without steps deeper than ``depth``."""
    if isinstance(boot, Merged):
        return build_merged.sequence(boot, detail, depth)
    return build.sequence(boot, detail, depth)


def fitted(boot: Request | Merged, detail: str, draw: Callable[[Diagram], str | None]) -> str:
    """Return the largest picture of ``boot`` for which ``draw`` returns a text; its title names what was folded."""
    for diagram in _ever_smaller(boot, detail):
        if (text := draw(diagram)) is not None:
            return text
    raise ValueError("not even an empty picture fits")


def _ever_smaller(boot: Request | Merged, detail: str) -> Iterator[Diagram]:
    """Yield the diagram with less detail, since services' traffic matters most, then less depth, then its beginning."""
    yield drawn(boot, detail)
    least = detail if detail == "story" else "brief"  # a story would drop most of what still fits
    for less in reversed(DETAILS[DETAILS.index(least) : DETAILS.index(detail)]):
        yield _noted(drawn(boot, less), f"folded to {less}, to fit")
    depth = _deepest(boot)
    while depth > 1:
        depth //= 2
        diagram = drawn(boot, least, depth)
        if len(diagram.items) > FEW:
            yield _noted(diagram, f"folded to {least} and to depth {depth}, to fit")
    diagram = drawn(boot, least)
    count = len(diagram.items)
    while count:
        count //= 2
        yield _beginning(diagram, count, least)


def _deepest(boot: Request | Merged) -> int:
    if isinstance(boot, Merged):
        return fold_merged.deepest(boot)
    return max((entry.depth for entry in places(boot)), default=0)


def still_open(items: Iterable[Item]) -> list[Item]:
    """Return the items that open something which none of them closes, the outer ones first."""
    open_items: list[Item] = []
    for item in items:
        if item.what in ("end", "return", "close"):
            open_items.pop()
        elif item.what in ("call", "self", "chapter", "frame") and not item.leaf:
            open_items.append(item)
    return open_items


def _noted(diagram: Diagram, what: str) -> Diagram:
    return replace(diagram, title=f"{diagram.title} ({what})")


def _beginning(diagram: Diagram, count: int, detail: str) -> Diagram:
    """Return the first ``count`` items at a detail; open ones are closed, missing ones counted."""
    items = diagram.items[:count]
    opened = still_open(items)
    missing = sum(item.what not in _SILENT for item in diagram.items[count:])
    lane = opened[-1].target if opened else 0
    items.append(Item("note", lane, lane, f"+{missing} more, not drawn", time=items[-1].time if items else 0))
    ends = {"frame": "close"}
    items += [
        Item(ends.get(item.what, "end"), item.target, item.target, "", time=item.time) for item in reversed(opened)
    ]
    return _noted(replace(diagram, items=items), f"{detail}, and only its beginning, to fit")
