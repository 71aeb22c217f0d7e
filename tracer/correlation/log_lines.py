"""Log lines of no request that are worth keeping: those that report a problem or name an id."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.correlation.forest import Forest
from tracer.model import LogLine, Request, Step
from tracer.model.patterns import LOG_FILE_WARNING_LEVELS, UUID
from tracer.text import without_middle

#: The most lines of a trace; of more, problems come first, then lines that name a uuid, then those of a request id.
MAX_LINES = 20_000
#: Characters of a longer message that remain: its beginning, and its end, where a traceback has the exception.
_HEAD, _TAIL = 1000, 3000
_UUID = re.compile(UUID)


def select(forest: Forest, requests: list[Request]) -> tuple[list[LogLine], int]:
    """Return the lines in order of time, and the number of those that are left out of them."""
    steps = sorted(_worth_keeping(forest, requests), key=lambda entry: (entry[0], entry[1].start))
    chosen = sorted((step for _, step in steps[:MAX_LINES]), key=lambda step: step.start)
    return [_line(step) for step in chosen], len(steps) - len(chosen)


def shortened_message(step: Step) -> str:
    """Return a log line's message, with the exception that hooks recorded beside it; without its middle if long."""
    message, exception = step.text("message"), step.text("exception")
    return without_middle(message if exception in message else f"{message}\n{exception}", _HEAD, _TAIL)


def _worth_keeping(forest: Forest, requests: list[Request]) -> Iterator[tuple[int, Step]]:
    """Yield each log line of no request that is worth keeping, with its rank: problems have the lowest."""
    assigned = {chapter.id for request in requests for chapter in request.chapters}
    for head in forest.heads:
        if head.id in assigned or head.id in forest.parents:
            continue
        for step in head.walk():
            rank = _rank(step) if step.kind in ("log", "ask") else None
            if rank is not None:
                yield rank, step


def _rank(step: Step) -> int | None:
    if step.text("level") in LOG_FILE_WARNING_LEVELS:
        return 0
    if _UUID.search(step.text("message")):
        return 1
    return 2 if step.request_id else None


def _line(step: Step) -> LogLine:
    number = step.attributes.get("log_line")
    return LogLine(
        step.start, step.host, step.service, step.pid, step.text("level"), step.text("logger") or step.name,
        shortened_message(step), step.request_id or "", step.text("log_file"), number if isinstance(number, int) else 0,
    )  # fmt: skip
