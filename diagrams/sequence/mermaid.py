"""The sequence diagram as Mermaid text that any Mermaid accepts."""

from __future__ import annotations

import re
from dataclasses import replace

from diagrams.sequence.build import sequence
from diagrams.sequence.fit import fitted, still_open
from diagrams.sequence.model import Diagram, Item
from diagrams.text import clean
from tracer.model import Merged, Request

#: Mermaid refuses a text that is longer; mermaid-cli then draws an error picture and exits with 0.
LIMIT = 50_000
#: The maximum number of diagrams in a document; nobody reads more.
MOST_BLOCKS = 8

#: Characters that end a statement (``;``), that start an entity, a comment, a directive, markup or a formula
#: (``#%{}<>&$``), or that end the fence around the block (`````). They become Mermaid's own entities.
_UNSAFE = re.compile(r"[;#%{}<>&\"`$\\]")


def mermaid(boot: Request | Merged, detail: str = "calls") -> str:
    """``boot``, or several merged, as one Mermaid diagram, folded until Mermaid accepts it."""
    return fitted(boot, detail, _within_limit)


def blocks(boot: Request, detail: str = "calls") -> list[str]:
    """Draw ``boot`` as Mermaid diagrams that continue each other, folded only if they would be too many."""
    diagram = sequence(boot, detail)
    fewest = len(draw(diagram)) // LIMIT + 1
    for count in range(fewest, MOST_BLOCKS + 1):
        size = len(diagram.items) // count + 1
        parts = [
            _within_limit(_numbered(diagram, number + 1, count), size * number, size * (number + 1))
            for number in range(count)
        ]
        fitting = [part for part in parts if part is not None]
        if len(fitting) == count:
            return fitting
    return [mermaid(boot, detail)]


def _numbered(diagram: Diagram, number: int, count: int) -> Diagram:
    return replace(diagram, title=f"{diagram.title} ({number} of {count})") if count > 1 else diagram


def _within_limit(diagram: Diagram, start: int = 0, end: int | None = None) -> str | None:
    if sum(len(item.text) for item in diagram.items[start:end]) > LIMIT:  # every text is drawn, as long or longer
        return None
    text = draw(diagram, start, end)
    return text if len(text) <= LIMIT else None


def draw(diagram: Diagram, start: int = 0, end: int | None = None) -> str:
    """Return a diagram, or a part of it, as Mermaid text of any length; a part opens with the steps still open."""
    lines = ["sequenceDiagram", f"title {safe(diagram.title)}"]
    lines += [f"participant p{number} as {safe(lane)}" for number, lane in enumerate(diagram.lanes)]
    lines += [f"activate p{item.target}" for item in still_open(diagram.items[:start])]
    last = len(diagram.lanes) - 1
    for item in diagram.items[start:end]:
        lines += _statements(item, last)
    lines += [f"deactivate p{item.target}" for item in reversed(still_open(diagram.items[:end]))]
    return "\n".join(lines) + "\n"


def safe(text: str) -> str:
    """Return ``text`` as a label that Mermaid reads as nothing else."""
    return _UNSAFE.sub(lambda match: f"#{ord(match[0])};", clean(text))


def _statements(item: Item, last: int) -> list[str]:
    label = safe(" ".join(filter(None, (item.address, item.text, item.extra))))
    opens = "" if item.leaf else "+"
    match item.what:
        case "chapter":
            return [f"Note over p0,p{last}: {label}" if last else f"Note over p0: {label}", f"activate p{item.source}"]
        case "call" | "self":
            return [f"p{item.source}->>{opens}p{item.target}: {label}"]
        case "cast":
            return [f"p{item.source}-)p{item.target}: {label}"]
        case "return":
            return [f"p{item.source}-->>-p{item.target}: {safe(item.text)}"]
        case "end":
            return [f"deactivate p{item.source}"]
        case "frame" | "branch":
            return [f"{item.text} {safe(item.extra)}".rstrip()]
        case "close":
            return ["end"]
        case _:
            return [f"Note right of p{item.source}: {label}"]
