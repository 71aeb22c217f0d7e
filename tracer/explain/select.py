"""The requests that a word on the command line means: a server, an id of any object, a request, a number."""

from __future__ import annotations

from collections.abc import Callable

from tracer.explain import failures
from tracer.model import PART, Request, Trace, Value

#: A shorter word is no beginning of an id.
_SHORTEST = 4


def is_failed(request: Request) -> bool:
    """Return whether the request ended with an error, was answered with one, or failed after it was accepted."""
    if request.outcome.startswith(("error", "failed")):
        return True
    if request.operation == "boot" or not request.chapters:
        return False
    head, *later = request.chapters
    answer = failures.error_of(head) if head.kind == "http" else None
    return answer is not None or any(chapter.error is not None for chapter in later)


def is_user_request(request: Request) -> bool:
    """Return whether somebody asked for it: neither a periodic task nor a look-up."""
    head = request.chapters[0] if request.chapters else None
    return request.operation == "boot" or (head is not None and head.kind == "http" and head.text("method") != "GET")


def matching(trace: Trace, word: str) -> list[Request]:
    """Return the requests that ``word`` means, by the most exact of its meanings; none if nothing has it."""
    requests = [*trace.boots, *trace.others]
    return by_name(trace, word) or [r for r in requests if len(word) >= _SHORTEST and mentions(r, word)]


def by_name(trace: Trace, word: str) -> list[Request]:
    """Return the requests with this number, id, server's name or beginning of an id, by the first that any has."""
    requests = [*trace.boots, *trace.others]
    meanings: tuple[Callable[[Request], bool], ...] = (
        lambda request: word == str(request.number),
        lambda request: word in (request.uuid, request.request_id, *request.request_ids),
        lambda request: word == request.server,
        lambda request: len(word) >= _SHORTEST and any(id_.startswith(word) for id_ in _ids(request)),
    )
    for meaning in meanings:
        matches = [request for request in requests if meaning(request)]
        if matches:
            return matches
    return []


def preferred(requests: list[Request]) -> list[Request]:
    """Return those of several requests to explain: the failed ones, else those that somebody asked for, else all."""
    failed = [request for request in requests if is_failed(request)]
    return failed or [request for request in requests if is_user_request(request)] or requests


def default(trace: Trace) -> list[Request]:
    """Return the requests to explain without a word: failed boots, else other failed ones, else the least finished."""
    failed = [boot for boot in trace.boots if is_failed(boot)]
    failed = failed or [request for request in trace.others if is_failed(request) and is_user_request(request)]
    if failed:
        return failed
    unfinished = [boot for boot in trace.boots if boot.outcome == "unfinished"]
    longest = sorted(trace.boots, key=lambda boot: -boot.duration)[:1]
    return unfinished or longest or [request for request in trace.others if _reports_errors(request)]


def _reports_errors(request: Request) -> bool:
    """Return whether somebody's request, or one of which only log lines are there, reports an error."""
    is_part = bool(request.chapters) and request.chapters[0].name == PART
    return (is_part or is_user_request(request)) and bool(failures.reports(list(request.walk())))


def _ids(request: Request) -> list[str]:
    ids = [request.uuid, request.request_id, *request.request_ids]
    return [part for id_ in ids for part in (id_, id_.removeprefix("req-"))]


def mentions(request: Request, word: str) -> bool:
    """Return whether a step's name or attributes hold the word: the uuid of a volume or a port."""
    return any(
        word in step.name or any(_holds(value, word) for value in step.attributes.values()) for step in request.walk()
    )


def _holds(value: Value, word: str) -> bool:
    if isinstance(value, str):
        return word in value
    if isinstance(value, dict):
        return any(_holds(inner, word) for inner in value.values())
    return isinstance(value, list) and any(_holds(inner, word) for inner in value)
