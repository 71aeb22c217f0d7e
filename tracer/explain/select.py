"""The requests that a word on the command line means: a server, an id of any object, a request, a number."""

from __future__ import annotations

from tracer.explain import failures
from tracer.lookup import SHORTEST, by_name, is_user_request, mentions
from tracer.model import PART, Request, Trace


def is_failed(request: Request) -> bool:
    """Return whether the request ended with an error, was answered with one, or failed after it was accepted."""
    if request.outcome.startswith(("error", "failed")):
        return True
    if request.operation == "boot" or not request.chapters:
        return False
    head, *later = request.chapters
    answer = failures.error_of(head) if head.kind == "http" else None
    return answer is not None or any(chapter.error is not None for chapter in later)


def matching(trace: Trace, word: str) -> list[Request]:
    """Return the requests that ``word`` means, by the most exact of its meanings; none if nothing has it."""
    requests = [*trace.boots, *trace.others]
    return by_name(trace, word) or [r for r in requests if len(word) >= SHORTEST and mentions(r, word)]


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
