"""Services in trouble: those that cannot start, or lose their broker or database, outside of any request."""

from __future__ import annotations

import re
from collections import defaultdict

from tracer.explain.explanation import Evidence, Statement
from tracer.explain.failures import first_exception
from tracer.explain.words import clock, date, plain_error, shorten, where, without_instance
from tracer.model import LogLine, Request, Trace
from tracer.text import plural

#: What services lose, by the words of their libraries; the first match counts.
_KINDS = tuple(
    (re.compile(pattern, re.IGNORECASE), what)
    for pattern, what in (
        (r"Could not bind|Address already in use|Error starting|failed to start", "cannot start"),
        (r"AMQP|rabbit|\bbroker\b|oslo_messaging.*connect", "has lost its broker"),
        (r"DBConnectionError|DBError|MySQL|sqlalchemy|Database connection|psycopg", "has lost its database"),
    )
)
_LOST = re.compile(
    r"unreachable|refused|closed|lost|gone away|Can't connect|timed out|disconnected|reset", re.IGNORECASE
)
_GRAVE = frozenset({"ERROR", "CRITICAL"})
#: The id that oslo.messaging puts before what it logs of a connection.
_CONNECTION = re.compile(r"^\[[0-9a-f-]{36}\] ")
_CHANGING = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")
#: Troubles this long before and after a request, in nanoseconds, may have to do with it.
_BEFORE, _AFTER = 300 * 10**9, 60 * 10**9


def lines_of(trace: Trace, request: Request) -> list[LogLine]:
    """Return the warnings and errors of no request that carry the request's own id."""
    return [line for line in trace.lines if line.request_id and line.request_id == request.request_id and _warns(line)]


def _warns(line: LogLine) -> bool:
    return is_grave(line) or line.logger.startswith("nova.scheduler.utils")


def troubles(trace: Trace, request: Request | None = None) -> list[Statement]:
    """Return what services logged of their own troubles, by first time; with a request, only around its time."""
    lines = [line for line in trace.lines if _is_grave(line)]
    if request is not None:
        lines = [line for line in lines if line.request_id != request.request_id or not line.request_id]
        start, end = request.started - _BEFORE, request.started + request.duration + _AFTER
        lines = [line for line in lines if start <= line.time <= end]
    return statements(lines)


def statements(lines: list[LogLine]) -> list[Statement]:
    """Return a sentence for each kind of line, with the first of them as evidence."""
    groups: dict[tuple[str, str, str], list[LogLine]] = defaultdict(list)
    for line in lines:
        groups[line.service, line.host, _CHANGING.sub("", _text(line))].append(line)
    return [Statement(_sentence(group), (evidence(group[0]),)) for group in groups.values()]


def mentioning(trace: Trace, word: str) -> list[LogLine]:
    """Return the lines of no request that name an id."""
    return [line for line in trace.lines if word in line.message or word == line.request_id]


def is_grave(line: LogLine) -> bool:
    """Return whether a line reports an error."""
    return line.level in _GRAVE


def _is_grave(line: LogLine) -> bool:
    return is_grave(line) or (_kind(line) != "" and _LOST.search(line.message) is not None)


def _kind(line: LogLine) -> str:
    text = f"{line.logger} {line.message}"
    return next((what for pattern, what in _KINDS if pattern.search(text)), "")


def _text(line: LogLine) -> str:
    message = _CONNECTION.sub("", without_instance(line.message.partition("\n")[0]))
    raised = plain_error(first_exception(line.message))
    return f"{message}: {raised}" if raised and raised not in message else message


def _sentence(group: list[LogLine]) -> str:
    first, last = group[0], group[-1]
    kind = _kind(first)
    who = f"{where(first.service, first.host)} {kind or 'reports an error'}"
    text = shorten(_text(first))
    if len(group) == 1:
        return f"{who}, at {date(first.time)}: {text}"
    return f"{who}, {plural(len(group), 'time')} from {date(first.time)} to {clock(last.time)}: {text}"


def evidence(line: LogLine) -> Evidence:
    """Return a line of no request as evidence."""
    source = shorten(f"{line.log_file}:{line.log_line}" if line.log_line else line.log_file)
    return Evidence("", shorten(f"[{line.service}] {line.level} {line.logger}: {_text(line)}"), source)
