"""Making a diagram smaller, step by step, until a format that has limits can hold it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from diagrams.folding import DETAILS, places
from diagrams.sequence import Diagram, Item, sequence
from tracer.model import Boot


def fitted(boot: Boot, detail: str, draw: Callable[[Diagram], str | None]) -> str:
    """The largest picture of ``boot`` for which ``draw`` gives a text rather than None. What was folded is said."""
    for diagram in _ever_smaller(boot, detail):
        if (text := draw(diagram)) is not None:
            return text
    raise ValueError("not even an empty picture fits")


def _ever_smaller(boot: Boot, detail: str) -> Iterator[Diagram]:
    """First less detail, as what services do with each other tells most; then less depth; then only its beginning."""
    yield sequence(boot, detail)
    for less in reversed(DETAILS[: DETAILS.index(detail)]):
        yield _said(sequence(boot, less), f"folded to {less}, to fit")
    depth = max((place.depth for place in places(boot)), default=0)
    while depth > 1:
        depth //= 2
        yield _said(sequence(boot, DETAILS[0], depth), f"folded to {DETAILS[0]} and to depth {depth}, to fit")
    diagram = sequence(boot, DETAILS[0], 0)
    kept = 2 * len(diagram.items)
    while kept:
        kept //= 2
        yield _beginning(diagram, kept)


def _said(diagram: Diagram, what: str) -> Diagram:
    return replace(diagram, title=f"{diagram.title} ({what})")


def _beginning(diagram: Diagram, kept: int) -> Diagram:
    """The first ``kept`` items; what is open is closed, what is missing counted."""
    if kept >= len(diagram.items):
        return _said(diagram, "folded to chapters, to fit")
    items = diagram.items[:kept]
    still_open: list[Item] = []
    for item in items:
        if item.what in ("end", "return"):
            still_open.pop()
        elif item.what in ("call", "self", "chapter") and not item.leaf:
            still_open.append(item)
    missing = sum(item.what not in ("end", "return") for item in diagram.items[kept:])
    lane = still_open[-1].target if still_open else 0
    items.append(Item("note", lane, lane, f"+{missing} more, not drawn"))
    items += [Item("end", item.target, item.target, "", at=item.at) for item in reversed(still_open)]
    return _said(replace(diagram, items=items), f"only its beginning fits, {missing} more are not drawn")
