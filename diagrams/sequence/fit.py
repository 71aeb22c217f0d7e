"""Making a diagram smaller, step by step, until a format that has limits can hold it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from diagrams.sequence import build, build_merged, fold_merged
from diagrams.sequence.fold import DETAILS, places
from diagrams.sequence.model import Diagram, Item
from tracer.model import Merged, Request

#: A picture of so few items tells less of a boot than the beginning of a whole one.
FEW = 50
#: Items that say nothing of their own.
_SILENT = frozenset({"end", "return", "frame", "branch", "close"})


def drawn(boot: Request | Merged, detail: str, depth: int | None = None) -> Diagram:
    """``boot``, or several merged, as a diagram; nothing deeper than ``depth`` is drawn."""
    if isinstance(boot, Merged):
        return build_merged.sequence(boot, detail, depth)
    return build.sequence(boot, detail, depth)


def fitted(boot: Request | Merged, detail: str, draw: Callable[[Diagram], str | None]) -> str:
    """The largest picture of ``boot`` for which ``draw`` gives a text rather than None. What was folded is said."""
    for diagram in _ever_smaller(boot, detail):
        if (text := draw(diagram)) is not None:
            return text
    raise ValueError("not even an empty picture fits")


def _ever_smaller(boot: Request | Merged, detail: str) -> Iterator[Diagram]:
    """First less detail, as what services do with each other tells most; then less depth; then only its beginning."""
    yield drawn(boot, detail)
    for less in reversed(DETAILS[: DETAILS.index(detail)]):
        yield _said(drawn(boot, less), f"folded to {less}, to fit")
    depth = _deepest(boot)
    while depth > 1:
        depth //= 2
        diagram = drawn(boot, DETAILS[0], depth)
        if len(diagram.items) > FEW:
            yield _said(diagram, f"folded to {DETAILS[0]} and to depth {depth}, to fit")
    diagram = drawn(boot, DETAILS[0])
    kept = len(diagram.items)
    while kept:
        kept //= 2
        yield _beginning(diagram, kept)


def _deepest(boot: Request | Merged) -> int:
    if isinstance(boot, Merged):
        return fold_merged.deepest(boot)
    return max((place.depth for place in places(boot)), default=0)


def still_open(items: Iterable[Item]) -> list[Item]:
    """Those of the ``items`` that open something which none of them closes, the outer ones first."""
    found: list[Item] = []
    for item in items:
        if item.what in ("end", "return", "close"):
            found.pop()
        elif item.what in ("call", "self", "chapter", "frame") and not item.leaf:
            found.append(item)
    return found


def _said(diagram: Diagram, what: str) -> Diagram:
    return replace(diagram, title=f"{diagram.title} ({what})")


def _beginning(diagram: Diagram, kept: int) -> Diagram:
    """The first ``kept`` items; what is open is closed, what is missing counted."""
    items = diagram.items[:kept]
    opened = still_open(items)
    missing = sum(item.what not in _SILENT for item in diagram.items[kept:])
    lane = opened[-1].target if opened else 0
    items.append(Item("note", lane, lane, f"+{missing} more, not drawn", at=items[-1].at if items else 0))
    ends = {"frame": "close"}
    items += [Item(ends.get(one.what, "end"), one.target, one.target, "", at=one.at) for one in reversed(opened)]
    return _said(replace(diagram, items=items), f"{DETAILS[0]}, and only its beginning, to fit")
