"""Log records: the notes of spans as OTLP logs, which name the span they happened in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tracer.export.spans import Attributes, Resource, Span, SpanTree
from tracer.export.values import text
from tracer.model import Step

#: OTLP's numbers of the levels that services log at.
_SEVERITIES = {
    "TRACE": 1, "DEBUG": 5, "INFO": 9, "AUDIT": 9, "WARN": 13, "WARNING": 13, "ERROR": 17, "CRITICAL": 21,
}  # fmt: skip
_INFO = 9


@dataclass(frozen=True)
class LogRecord:
    """A log line, an ask line or a change of state; ``scope`` is its logger, ``event`` "" for a plain line."""

    span: Span
    scope: str
    event: str
    time: int
    severity: int
    level: str
    body: str
    attributes: Attributes


def log_records(tree: SpanTree) -> Iterator[LogRecord]:
    """Yield the notes of all spans of a request."""
    for span in tree.spans:
        for note in span.notes:
            step = note.step
            level = text(step.text("level")) or "INFO"
            attributes = {name: value for name, value in note.attributes.items() if not name.startswith("log.")}
            if step.request_id:
                attributes["openstack.request_id"] = text(step.request_id)
            yield LogRecord(
                span, text(step.text("logger")) or "bootseq", "" if step.kind == "log" else note.name, note.time,
                _SEVERITIES.get(level.upper(), _INFO), level, _body(step), attributes,
            )  # fmt: skip


def _body(step: Step) -> str:
    """Return the message, or the changes of a row as people read them."""
    if step.kind != "state":
        return text(step.text("message") or step.name)
    changes = step.attributes.get("changes")
    shown = [
        f"{column} {' → '.join(map(str, change)) if isinstance(change, list) else change}"
        for column, change in (changes.items() if isinstance(changes, dict) else ())
    ]
    return text(f"{step.text('table') or step.name}: {', '.join(shown)}")


def by_scope(records: Sequence[LogRecord]) -> dict[Resource, dict[str, list[LogRecord]]]:
    """Group records by the process that logged them and by their logger."""
    groups: dict[Resource, dict[str, list[LogRecord]]] = {}
    for record in records:
        groups.setdefault(record.span.resource, {}).setdefault(record.scope, []).append(record)
    return groups
