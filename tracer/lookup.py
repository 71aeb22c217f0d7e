"""The requests of a trace that a word on the command line names: a number, an id, a server, a uuid in their steps."""

from __future__ import annotations

from collections.abc import Callable

from tracer.model import Request, Trace, Value

#: A shorter word is no beginning of an id.
SHORTEST = 4


def by_name(trace: Trace, word: str) -> list[Request]:
    """Return the requests with this number, id, server's name or beginning of an id, by the first that any has."""
    requests = [*trace.boots, *trace.others]
    meanings: tuple[Callable[[Request], bool], ...] = (
        lambda request: word == str(request.number),
        lambda request: word in (request.uuid, request.request_id, *request.request_ids),
        lambda request: word == request.server,
        lambda request: len(word) >= SHORTEST and any(id_.startswith(word) for id_ in _ids(request)),
    )
    for meaning in meanings:
        matches = [request for request in requests if meaning(request)]
        if matches:
            return matches
    return []


def names(trace: Trace) -> list[str]:
    """Return the words that name requests: servers, then ids, then numbers, each once."""
    requests = [*trace.boots, *trace.others]
    words = [request.server for request in requests]
    words += [id_ for request in requests for id_ in (request.uuid, request.request_id)]
    words += [str(request.number) for request in requests]
    return [word for word in dict.fromkeys(words) if word]


def like(trace: Trace, word: str) -> str:
    """Return the name that is most like a word, "" where none is."""
    import difflib  # only for a mistake

    return next(iter(difflib.get_close_matches(word, names(trace), 1, 0.5)), "")


def is_user_request(request: Request) -> bool:
    """Return whether somebody asked for it: neither a periodic task nor a look-up."""
    head = request.chapters[0] if request.chapters else None
    return request.operation == "boot" or (head is not None and head.kind == "http" and head.text("method") != "GET")


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
