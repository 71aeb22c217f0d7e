"""The parts of a sequence diagram, without a format: lanes, and the items between them from top to bottom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from diagrams.text import short_address, shorten
from tracer.model import lanes

#: Maximum length of a title, a lane's name, and an error or log line in a picture; maximum number of chapters that a
#: cast names.
TITLE, LANE, ERROR, OPENS = 110, 24, 80, 4


@dataclass(slots=True)
class Item:
    """A thing to draw. ``what`` is one of

    - ``chapter``: a chapter begins on ``source``;
    - ``call``, ``cast``: an arrow from ``source`` to ``target``; ``self``: a call that stays on its lane;
    - ``return``: the answer, from ``source`` back to ``target``; ``end``: a ``self`` or ``chapter`` is over;
    - ``state``, ``note``: something that happened on ``source``;
    - ``frame``: a combined fragment begins, ``text`` its operator, ``extra`` its guard; ``branch``: its next operand;
      ``close``: it is over.

    Every ``call``, ``self`` and ``chapter`` that is no ``leaf`` is closed by a ``return`` or an ``end``, every
    ``frame`` by a ``close``, well nested.
    """

    what: str
    source: int
    target: int
    text: str
    #: Quieter text after it: ×7, status, duration, the number of hidden steps.
    extra: str = ""
    address: str = ""
    #: Nanoseconds since the boot's start, None in a diagram of several boots.
    time: int | None = 0
    leaf: bool = False
    #: "failed", "unfinished", or "" for success.
    mood: str = ""
    #: The step's kind, which decides the arrow's style.
    kind: str = ""


@dataclass(slots=True)
class Diagram:
    """Lanes from left to right, items from top to bottom."""

    title: str
    subtitle: str
    lanes: list[str]
    items: list[Item]
    #: True for merged boots: frames show how they differ, and no item has a time.
    merged: bool = False


def diagram(title: str, subtitle: str, lanes: Iterable[str], items: list[Item], *, merged: bool = False) -> Diagram:
    """Sort the lanes, which are in the order of their first use, and renumber ``items``, which are changed."""
    turned_up = list(lanes)
    ordered = sorted(turned_up, key=lane_order)
    moved = [ordered.index(name) for name in turned_up]
    for item in items:
        item.source, item.target = moved[item.source], moved[item.target]
    return Diagram(shorten(title, TITLE), subtitle, ordered, items, merged)


def opened(opens: Sequence[str]) -> str:
    """``→ 2, 3``: the chapters that a cast opened; "" where none is known."""
    more = " …" if len(opens) > OPENS else ""
    return f"→ {', '.join(map(short_address, opens[:OPENS]))}{more}" if opens else ""


def lane_order(lane: str) -> int:
    """Return a service's position among the lanes, from left to right; unknown ones come last."""
    return lanes.order(lane)
