"""Log lines at ERROR and CRITICAL, by service and text: what went wrong whether or not a request was under way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracer.findings.finding import TraceFinding
from tracer.notation import scrub
from tracer.text import first_and_last, plural
from tracer.timeline import Entry

#: Levels of lines that are findings.
LEVELS = frozenset({"ERROR", "CRITICAL"})
#: The most texts that are listed; the others are counted.
MAX_TEXTS = 100
_MAX_TEXT = 300
_NOTIFICATIONS = ("oslo.messaging.notification", "oslo_messaging.notification")


def errors(entries: Iterable[Entry]) -> Iterator[TraceFinding]:
    """Yield one finding for the lines of one service that differ by ids and addresses alone, at the first of them."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.time):
        # A notification that is written to the log has its priority as level: it is no error of its own.
        if entry.level in LEVELS and not entry.logger.startswith(_NOTIFICATIONS):
            groups.setdefault((entry.service, _signature(entry)), []).append(entry)
    listed = list(groups.values())
    for group in listed[:MAX_TEXTS]:
        first = group[0]
        yield TraceFinding(
            "error", _text(first), first.request, first.address, first.service, count=len(group), first=first.time,
            last=group[-1].time,
        )  # fmt: skip
    if rest := listed[MAX_TEXTS:]:
        lines = [entry for group in rest for entry in group]
        text = f"{plural(len(rest), 'further text')}, see: bootseq show --timeline --level ERROR"
        yield TraceFinding("error", text, count=len(lines), first=lines[0].time, last=max(e.time for e in lines))


def _signature(entry: Entry) -> str:
    return f"{entry.logger} {scrub.plain(first_and_last(entry.text)[:_MAX_TEXT])}"


def _text(entry: Entry) -> str:
    text = first_and_last(entry.text)
    text = text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"
    level = "CRITICAL " if entry.level == "CRITICAL" else ""
    return f"{level}{entry.logger}: {text}" if entry.logger else f"{level}{text}"
