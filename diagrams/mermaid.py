"""The sequence diagram as Mermaid text that any Mermaid accepts."""

from __future__ import annotations

import re

from diagrams.fitting import fitted
from diagrams.sequence import Diagram, Item
from diagrams.text import clean
from tracer.model import Boot

#: Mermaid refuses a text that is longer; mermaid-cli then draws an error picture and exits with 0.
LIMIT = 50_000

#: Characters that end a statement (``;``), that start an entity, a comment, a directive, markup or a formula
#: (``#%{}<>&$``), or that end the fence around the block (`````). Mermaid's own entities stand for them.
_UNSAFE = re.compile(r"[;#%{}<>&\"`$\\]")


def mermaid(boot: Boot, detail: str = "calls") -> str:
    """``boot`` as one Mermaid diagram, folded until Mermaid takes it."""
    return fitted(boot, detail, _within_limit)


def _within_limit(diagram: Diagram) -> str | None:
    text = draw(diagram)
    return text if len(text) <= LIMIT else None


def draw(diagram: Diagram) -> str:
    """A diagram as Mermaid text, however long."""
    lines = ["sequenceDiagram", f"title {safe(diagram.title)}"]
    lines += [f"participant p{number} as {safe(lane)}" for number, lane in enumerate(diagram.lanes)]
    last = len(diagram.lanes) - 1
    for item in diagram.items:
        lines += _statements(item, last)
    return "\n".join(lines) + "\n"


def safe(text: str) -> str:
    """``text`` as a label that cannot become anything else."""
    return _UNSAFE.sub(lambda found: f"#{ord(found[0])};", clean(text))


def _statements(item: Item, last: int) -> list[str]:
    said = safe(" ".join(filter(None, (item.address, item.text, item.extra))))
    opens = "" if item.leaf else "+"
    match item.what:
        case "chapter":
            return [f"Note over p0,p{last}: {said}" if last else f"Note over p0: {said}", f"activate p{item.source}"]
        case "call" | "self":
            return [f"p{item.source}->>{opens}p{item.target}: {said}"]
        case "cast":
            return [f"p{item.source}-)p{item.target}: {said}"]
        case "return":
            return [f"p{item.source}-->>-p{item.target}: {safe(item.text)}"]
        case "end":
            return [f"deactivate p{item.source}"]
        case _:
            return [f"Note right of p{item.source}: {said}"]
