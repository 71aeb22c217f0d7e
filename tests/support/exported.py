"""Exported files read back by the readers of their formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.test_tracer_cli import bootseq

#: Real boots, seen by hooks: two that succeed, one from a volume, one that fails.
BOOTS = Path(__file__).parents[2] / "examples" / "gallery" / "boots.trace.jsonl.gz"


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
