"""Seeds of other tracers' files: small boots in every format that is imported, and excerpts of real captures."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from tests.support.builders import failed_boot, small_boot
from tracer.correlation import addresses
from tracer.export.formats import BY_SUFFIX
from tracer.export.mapping import span_tree
from tracer.export.spans import SpanTree

_DATA = Path(__file__).parents[1] / "data" / "interchange"
#: Spans of an excerpt.
_SPANS = 4


def _trees() -> list[SpanTree]:
    trees = []
    for boot in (small_boot(), failed_boot()):
        addresses.assign(boot.chapters, {})
        trees.append(span_tree(boot))
    return trees


def _exported(suffix: str) -> bytes:
    return b"".join(BY_SUFFIX[suffix].traces(_trees()))


def _capture(name: str) -> list[bytes]:
    return gzip.decompress((_DATA / name).read_bytes()).splitlines()


def _excerpt(line: bytes) -> bytes:
    """Return a message with few spans of each scope."""
    message: dict[str, Any] = json.loads(line)
    for resource in message["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            scope["spans"] = scope["spans"][:_SPANS]
    return json.dumps(message).encode()


def otlp() -> list[bytes]:
    """Return OTLP as JSON lines: of ours, of OpenTelemetry, and of osprofiler's driver."""
    captures = ("otel-boot-default.otlp.jsonl.gz", "osprofiler-otlp-boot.otlp.jsonl.gz")
    return [_exported("otlp.jsonl"), *(b"\n".join(map(_excerpt, _capture(name)[:3])) for name in captures)]


def protobuf() -> list[bytes]:
    """Return OTLP as protobuf."""
    return [_exported("otlp.pb")]


def jaeger() -> list[bytes]:
    """Return Jaeger's JSON."""
    return [_exported("jaeger.json")]


def zipkin() -> list[bytes]:
    """Return Zipkin's JSON."""
    return [_exported("zipkin.json")]


def records() -> list[bytes]:
    """Return osprofiler's raw records."""
    lines = _capture("osprofiler-boot.redis.jsonl.gz")
    return [b"\n".join(lines[first : first + 12]) for first in (0, len(lines) - 12)]


def shown() -> list[bytes]:
    """Return traces as ``osprofiler trace show --json`` prints them."""
    document = json.loads(b"\n".join(_capture("osprofiler-boot.show.json.gz")))
    return [json.dumps(_pruned(document)).encode()]


def _pruned(node: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """Return a node with its first children only."""
    children = node["children"][:2] if depth < _SPANS else []
    return node | {"children": [_pruned(child, depth + 1) for child in children]}


def reports() -> list[bytes]:
    """Return osprofiler's HTML reports."""
    return [b"<!doctype html><script>var OSProfilerData = " + text + b"\n</script>" for text in shown()]
