"""What a drawing says that it stands for, to be held against what was recorded."""

from __future__ import annotations

import re
from dataclasses import dataclass

from diagrams.sequence.model import Diagram, Item
from diagrams.text import clean, short_address
from tracer.model import Request, Step

MESSAGES = ("call", "self", "cast", "return")


def item_text(item: Item) -> str:
    """A message's text as it stands in text formats, without the spaces, which renderers break lines at."""
    shown = item.text if item.what == "return" else f"{item.address} {item.text} {item.extra}"
    return squeezed(clean(shown))


def squeezed(text: str) -> str:
    """``text`` without its spaces."""
    return "".join(text.split())


def messages(diagram: Diagram) -> list[str]:
    """The texts of all arrows, in their order."""
    return [item_text(item) for item in diagram.items if item.what in MESSAGES]


@dataclass
class _Frame:
    """Something that is under way: how often, how many steps it is itself, and how many are inside."""

    times: int
    own: int
    inside: int = 0

    @property
    def stands_for(self) -> int:
        return self.times * (self.own + self.inside)


def steps_shown(diagram: Diagram, boot: Request) -> int:
    """How many numbered steps the picture stands for, by its own words: ×7, +5 calls, an arrow for both ends."""
    steps = {short_address(step.address): step for step in boot.walk()}
    arrows = {item.address for item in diagram.items if item.what in ("call", "self", "cast")}
    stack = [_Frame(1, 0)]
    for item in diagram.items:
        if item.what == "chapter":
            stack.append(_Frame(1, (item.address not in arrows) + _hidden(item)))
        elif item.what in ("end", "return"):
            done = stack.pop()
            stack[-1].inside += done.stands_for
        elif item.what in ("call", "self", "cast") and item.kind != "sql":
            here = _Frame(_times(item), 1 + _far(steps[item.address], arrows) + _hidden(item))
            if item.leaf:
                stack[-1].inside += here.stands_for
            else:
                stack.append(here)
    (whole,) = stack
    return whole.inside


def statements(diagram: Diagram) -> int:
    """How many SQL statements the picture tells of."""
    counts = [re.match(r"(\d+) SQL", item.text) for item in diagram.items if item.kind == "sql"]
    return sum(int(count[1]) if count else 1 for count in counts)


def numbered(boot: Request) -> int:
    """How many numbered steps were recorded."""
    return sum(step.numbered for step in boot.walk())


def _times(item: Item) -> int:
    found = re.search(r"(?:^| )×(\d+)", item.extra)
    return int(found[1]) if found else 1


def _hidden(item: Item) -> int:
    found = re.search(r"(?:^| )\+(\d+) calls?\b", item.extra)
    return int(found[1]) if found else 0


def _far(step: Step, arrows: set[str]) -> bool:
    """Whether the arrow stands for the receiving side too: it has none of its own."""
    if step.kind not in ("http", "rpc") or step.text("side") != "client":
        return False
    far = [child for child in step.children if child.kind == step.kind and child.text("side") == "server"]
    return len(far) == 1 and short_address(far[0].address) not in arrows
