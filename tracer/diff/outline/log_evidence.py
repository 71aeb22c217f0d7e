"""What log lines say of functions: which one wrote the line, and which one is missing."""

from __future__ import annotations

import re

from tracer.model import Baseline, Node, Step
from tracer.notation import normal_text

#: Python's own words.
_NO_ATTRIBUTE = re.compile(r"(?:'\w+' object|type object '\w+') has no attribute '\w+'")
_NAMES = re.compile(r"'(\w+)'")
_INSTALLED = re.compile(r".*-packages/|.*/(?=nova/)")


def text(step: Step) -> str:
    """A log line in words: the function that wrote it, ``compute/manager.py -> _run_instance()``, where it says so."""
    if found := _NO_ATTRIBUTE.search(step.text("message")):
        return f"{normal_text.text(step)}: {found[0]}"
    file, function = _INSTALLED.sub("", step.text("file")).removeprefix("nova/"), step.text("function")
    if function.isidentifier() and file.endswith(".py") and " " not in file:
        return f"{file} -> {function}()"
    return normal_text.text(step)


def missing(boot: Baseline) -> dict[tuple[str, str], Node]:
    """The log lines that say of a class that it has no such method, by both their names."""
    found: dict[tuple[str, str], Node] = {}
    for node in boot.walk():
        if node.kind == "log" and (said := _NO_ATTRIBUTE.search(node.text)):
            owner, name = _NAMES.findall(said[0])
            found.setdefault((owner, name), node)
    return found


def complaint(node: Node) -> str:
    """What such a line says, in Python's words."""
    return found[0] if (found := _NO_ATTRIBUTE.search(node.text)) else ""
