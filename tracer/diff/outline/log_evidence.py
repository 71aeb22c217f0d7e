"""Log lines as evidence of functions: the function that logged, and functions that a class lacks."""

from __future__ import annotations

import re

from tracer.model import Baseline, NormalStep, Step
from tracer.notation import normal_text
from tracer.notation.source_paths import short_path

#: Python's AttributeError.
_NO_ATTRIBUTE = re.compile(r"(?:'\w+' object|type object '\w+') has no attribute '\w+'")
_NAMES = re.compile(r"'(\w+)'")
_INSTALLED = re.compile(r".*-packages/|.*/(?=nova/)")


def text(step: Step) -> str:
    """Return the function that logged, ``compute/manager.py -> _run_instance()``, or the normal text of the line."""
    if match := _NO_ATTRIBUTE.search(step.text("message")):
        return f"{normal_text.text(step)}: {match[0]}"
    file, function = short_path(_INSTALLED.sub("", step.text("file"))), step.text("function")
    if function.isidentifier() and file.endswith(".py") and " " not in file:
        return f"{file} -> {function}()"
    return normal_text.text(step)


def missing(boot: Baseline) -> dict[tuple[str, str], NormalStep]:
    """Return the log lines with an AttributeError, by the names of class and attribute."""
    nodes: dict[tuple[str, str], NormalStep] = {}
    for node in boot.walk():
        if node.kind == "log" and (match := _NO_ATTRIBUTE.search(node.text)):
            owner, name = _NAMES.findall(match[0])
            nodes.setdefault((owner, name), node)
    return nodes


def complaint(node: NormalStep) -> str:
    """Return the AttributeError in a log line, or ""."""
    return match[0] if (match := _NO_ATTRIBUTE.search(node.text)) else ""
