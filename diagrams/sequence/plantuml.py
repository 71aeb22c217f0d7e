"""The sequence diagram as PlantUML text."""

from __future__ import annotations

import re

from diagrams.sequence.fit import drawn
from diagrams.sequence.model import Diagram, Item
from diagrams.text import clean
from tracer.model import Merged, Request

#: Characters that PlantUML reads as markup, a link, a variable, a function, an icon or a comment, alone or doubled.
#: They are written as code points, which PlantUML resolves last.
_UNSAFE = re.compile(r"[<>\[\]{}%$\"'~\\&#|!@^`;]|([-_/*=.:])\1+")

#: PlantUML crops PNG at 4,096 pixels without a warning, SVG not.
_HEAD = ["' PNG: set PLANTUML_LIMIT_SIZE, or draw SVG", "hide footbox", "skinparam sequenceMessageAlign left"]


def plantuml(boot: Request | Merged, detail: str = "calls") -> str:
    """Return ``boot``, or several merged, as PlantUML text."""
    return draw(drawn(boot, detail))


def draw(diagram: Diagram) -> str:
    """Return a diagram as PlantUML text."""
    lines = ["@startuml", *_HEAD, f"title {safe(diagram.title)}"]
    lines += [f'participant "{safe(lane)}" as p{number}' for number, lane in enumerate(diagram.lanes)]
    for item in diagram.items:
        lines += _statements(item)
    return "\n".join([*lines, "@enduml"]) + "\n"


def safe(text: str) -> str:
    """Return ``text`` as a label that PlantUML reads as nothing else."""
    return _UNSAFE.sub(lambda match: "".join(f"<U+{ord(char):04X}>" for char in match[0]), clean(text))


def _statements(item: Item) -> list[str]:
    label = safe(" ".join(filter(None, (item.address, item.text, item.extra))))
    opens = "" if item.leaf else " ++"
    match item.what:
        case "chapter":
            # From outside, because `activate` alone is an error where the same lane was active right before.
            return [f"== {label} ==", f"[-> p{item.source} ++"]
        case "call" | "self":
            return [f"p{item.source} -> p{item.target}{opens} : {label}"]
        case "cast":
            return [f"p{item.source} ->> p{item.target} : {label}"]
        case "return":
            return [f"p{item.source} --> p{item.target} -- : {safe(item.text)}"]
        case "end":
            return [f"deactivate p{item.source}"]
        case "frame":
            return [f"{item.text} {safe(item.extra)}".rstrip()]
        case "branch":
            return [f"else {safe(item.extra)}".rstrip()]
        case "close":
            return ["end"]
        case _:
            return [f"note right of p{item.source} : {label}"]
