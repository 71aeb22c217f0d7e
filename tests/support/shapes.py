"""Clouds of one shape and any size: deep trees, many siblings, many chapters, many requests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from tests.support.events import Cloud, Worker
from tracer.events import Event


def _served(api: Worker) -> AbstractContextManager[Event]:
    """Return a step that serves an API request."""
    return api.step("http", "POST /servers", side="server", method="POST", path="/servers", request_id="req-1")


def _siblings(steps: int) -> Cloud:
    cloud = Cloud()
    api = cloud.process("nova-api")
    with _served(api):
        for number in range(steps):
            api.sql(f"SELECT a FROM t{number % 100}")
    return cloud


def _deep(steps: int) -> Cloud:
    cloud = Cloud()
    api = cloud.process("nova-api")
    with ExitStack() as stack:
        stack.enter_context(_served(api))
        for number in range(steps):
            stack.enter_context(api.call(f"nova.api:API.f{number % 100}"))
    return cloud


def _chapters(steps: int) -> Cloud:
    """Casts from one request to as many chapters: three steps each."""
    cloud = Cloud()
    api, conductor = cloud.process("nova-api"), cloud.process("nova-conductor")
    with _served(api):
        for number in range(steps // 3):
            message = api.cast(f"m{number % 100}", "req-1")
            with conductor.receives(message):
                conductor.sql("SELECT a FROM t")
    return cloud


def _requests(steps: int) -> Cloud:
    """Requests of four steps each."""
    cloud = Cloud()
    api, placement = cloud.process("nova-api"), cloud.process("placement-api")
    for number in range(steps // 4):
        own = f"req-{number}"
        with (
            api.step("http", "GET /servers", side="server", method="GET", path=f"/servers/{number}", request_id=own),
            api.asks(placement, "GET", f"/allocations/{number}", f"req-p{number}", global_id=own),
        ):
            placement.sql("SELECT 1 FROM allocations")
    return cloud


#: Makers of clouds with about as many steps as they are asked for.
SHAPES: dict[str, Callable[[int], Cloud]] = {
    "many siblings": _siblings,
    "a deep tree": _deep,
    "many chapters": _chapters,
    "many requests": _requests,
}
