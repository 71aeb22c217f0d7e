"""The steps and statements that a drawing claims to represent, to be compared with the recording."""

from __future__ import annotations

import re
from dataclasses import dataclass

from diagrams.sequence.model import Diagram, Item
from diagrams.text import clean, short_address
from tracer.model import Request, Step

MESSAGES = ("call", "self", "cast", "return")


def item_text(item: Item) -> str:
    """Return a message's text as in text formats, without the spaces, at which renderers break lines."""
    shown = item.text if item.what == "return" else f"{item.address} {item.text} {item.extra}"
    return squeezed(clean(shown))


def squeezed(text: str) -> str:
    """Return ``text`` without its spaces."""
    return "".join(text.split())


def messages(diagram: Diagram) -> list[str]:
    """Return the texts of all arrows, in their order."""
    return [item_text(item) for item in diagram.items if item.what in MESSAGES]


@dataclass
class _Frame:
    """An open arrow: how often it runs, how many steps it is itself, and how many are inside."""

    times: int
    own: int
    inside: int = 0

    @property
    def total(self) -> int:
        return self.times * (self.own + self.inside)


def steps_shown(diagram: Diagram, boot: Request) -> int:
    """Count the numbered steps that the picture represents by its labels: ×7, +5 calls, an arrow for both ends."""
    steps = {short_address(step.address): step for step in boot.walk()}
    arrows = {item.address for item in diagram.items if item.what in ("call", "self", "cast")}
    stack = [_Frame(1, 0)]
    for item in diagram.items:
        if item.what == "chapter":
            stack.append(_Frame(1, (item.address not in arrows) + _hidden(item)))
        elif item.what in ("end", "return"):
            done = stack.pop()
            stack[-1].inside += done.total
        elif item.what in ("call", "self", "cast") and item.kind != "sql":
            step, hidden = steps[item.address], _hidden(item)
            below = sum(inner.numbered for inner in step.walk()) - 1
            # Where everything below is hidden, the receiving side is counted there.
            frame = _Frame(_times(item), 1 + (hidden < below and _far(step, arrows)) + hidden)
            if item.leaf:
                stack[-1].inside += frame.total
            else:
                stack.append(frame)
    (whole,) = stack
    return whole.inside


def statements(diagram: Diagram) -> int:
    """Count the SQL statements that the picture represents."""
    counts = [re.match(r"(\d+) SQL", item.text) for item in diagram.items if item.kind == "sql"]
    return sum(int(count[1]) if count else 1 for count in counts)


def numbered(boot: Request) -> int:
    """Count the recorded numbered steps."""
    return sum(step.numbered for step in boot.walk())


def _times(item: Item) -> int:
    match = re.search(r"(?:^| )×(\d+)", item.extra)
    return int(match[1]) if match else 1


def _hidden(item: Item) -> int:
    match = re.search(r"(?:^| )\+(\d+) calls?\b", item.extra)
    return int(match[1]) if match else 0


def _far(step: Step, arrows: set[str]) -> bool:
    """Return whether the arrow represents the receiving side too, which has none of its own."""
    if step.kind not in ("http", "rpc") or step.text("side") != "client":
        return False
    far = [child for child in step.children if child.kind == step.kind and child.text("side") == "server"]
    return len(far) == 1 and short_address(far[0].address) not in arrows
