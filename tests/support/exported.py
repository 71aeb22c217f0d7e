"""Exported files read back by the readers of their formats."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.test_tracer_cli import bootseq
from tracer import trace_file
from tracer.model import Request, Step

#: Real boots, seen by hooks: two that succeed, one from a volume, one that fails.
BOOTS = Path(__file__).parents[2] / "examples" / "gallery" / "boots.trace.jsonl.gz"
_STEPS = 50_000


def exported(file: Path, target: Path, *arguments: str) -> Path:
    """Export from a trace file to ``target``, and return it."""
    done = bootseq("export", file, *arguments, "-o", target)
    assert done.exit_code == 0, done.output
    return target


def otlp_spans(file: Path) -> list[dict[str, Any]]:
    """Return the spans of an OTLP JSON Lines file, each with its attributes and resource as plain values."""
    spans = []
    for line in file.read_text().splitlines():
        for part in json.loads(line)["resourceSpans"]:
            resource = plain(part["resource"]["attributes"])
            for scope in part["scopeSpans"]:
                for span in scope["spans"]:
                    spans.append(span | {"attributes": plain(span["attributes"]), "resource": resource})
    return spans


def plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return OTLP's attributes as a dictionary."""
    return {item["key"]: _value(item["value"]) for item in attributes}


def _value(value: dict[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "intValue":
        return int(content)
    return [_value(item) for item in content["values"]] if kind == "arrayValue" else content


def long_boot(steps: int = _STEPS) -> Request:
    """Return a real boot, repeated as the chapters of one of 50,000 steps, or of ``steps``."""
    boot = trace_file.read_boot(BOOTS, lambda trace: trace.boots[0])
    size, chapters = sum(1 for _ in boot.walk()), len(boot.chapters)
    boot.chapters = [
        _copied(chapter, number * 4_000_000_000, number * chapters)
        for number in range(steps // size + 1)
        for chapter in boot.chapters
    ]
    return boot


def _copied(step: Step, shift: int, chapters: int) -> Step:
    """Return a later copy of a tree, whose chapters are ``chapters`` further on."""
    copy = replace(
        step, start=step.start + shift, end=None if step.end is None else step.end + shift,
        children=[_copied(child, shift, chapters) for child in step.children],
        opens=[str(int(opened) + chapters) for opened in step.opens],
    )  # fmt: skip
    head, dash, rest = step.opened_by.partition("-")
    copy.opened_by = f"{int(head) + chapters}{dash}{rest}" if head else ""
    head, dash, rest = step.address.partition("-")
    number, slash, note = head.partition("/")
    copy.address = f"{int(number) + chapters}{slash}{note}{dash}{rest}"
    return copy
