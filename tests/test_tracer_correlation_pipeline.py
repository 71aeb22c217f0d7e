"""From events to a trace: merged steps, versions and warnings, and work linear in the events."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.events import Cloud, Services, run, tree
from tracer.correlation.pipeline import correlate
from tracer.events import Events
from tracer.model import Trace


def test_no_events_form_an_empty_trace() -> None:
    assert correlate(Events()) == Trace([], [])


def test_a_trace_has_the_versions_of_all_processes() -> None:
    """A rolling upgrade runs two releases side by side."""
    cloud = Cloud()
    for version in ("34.0.0", "32.2.1", "34.0.0"):
        cloud.process("nova-compute").process.versions["nova"] = version
    assert cloud.trace().versions == {"nova": "32.2.1, 34.0.0"}


def test_drops_and_failures_of_a_process_are_warned_about() -> None:
    """In one line each, whatever the command line contains."""
    cloud = Cloud()
    process = cloud.process("python -c 'a\nb\x1b[31m'").process
    process.dropped, process.failures = 1, 2
    assert cloud.trace().warnings == [
        "python -c 'a�b�[31m' (pid 100): 1 event dropped because the capture or the disk was full",
        "python -c 'a�b�[31m' (pid 100): bootseq's hooks failed 2 times",
    ]


def test_an_endpoint_absorbs_its_call_point() -> None:
    """With its position in the source and its error; another method of the same name stays a step."""
    cloud = Cloud()
    conductor = cloud.process("nova-conductor")
    where: dict[str, Any] = {"module": "nova.conductor.manager", "class_": "ComputeTaskManager", "function": "build"}
    with conductor.step("rpc", "build", side="server", **where):
        with conductor.step("call", "x", file="manager.py", line=5, error="ValueError: no", **where):
            conductor.does("call", "inside")
        conductor.does("call", "x", **where | {"class_": "Other"})
    (other,) = cloud.trace().others
    (head,) = other.chapters
    assert tree(other).splitlines() == ["conductor rpc build", "  conductor call inside", "  conductor call x"]
    assert (head.attributes["file"], head.attributes["line"], head.error) == ("manager.py", 5, "ValueError: no")


def test_a_server_without_an_endpoint_absorbs_no_call() -> None:
    """Two steps without a function are not the same function."""
    cloud = Cloud()
    conductor = cloud.process("nova-conductor")
    with conductor.step("rpc", "build", side="server"):
        conductor.does("call", "inside")
    assert tree(cloud.trace().others[0]).splitlines() == ["conductor rpc build", "  conductor call inside"]


def test_a_reply_is_an_attribute_of_its_step() -> None:
    """With its time, message id and failure; events inside the sending stay."""
    cloud = Cloud()
    conductor = cloud.process("nova-conductor")
    with conductor.step("rpc", "ping", side="server"), conductor.step(
        "rpc", "reply", side="client", mode="reply", unique_id="u", failed=True
    ) as reply:  # fmt: skip
        conductor.does("log", "sent")
    (head,) = cloud.trace().others[0].chapters
    assert head.attributes["reply"] == {"at": reply.start, "unique_id": "u", "failed": True}
    assert [child.name for child in head.children] == ["sent"]


def boots_at_once(count: int) -> Cloud:
    cloud = Cloud()
    services = Services(cloud)
    run(*(services.boot(number) for number in range(count)))
    return cloud


def boots_in_turn(count: int) -> Cloud:
    cloud = Cloud()
    services = Services(cloud)
    for number in range(count):
        run(services.boot(number))
    return cloud


def one_client_id(count: int) -> Cloud:
    cloud = Cloud()
    services = Services(cloud)
    run(*(services.boot(number, global_id="req-all") for number in range(count)))
    return cloud


def loose_lines(count: int) -> Cloud:
    cloud = boots_at_once(1)
    api = cloud.process("nova-api")
    for number in range(20 * count):
        api.log("loose", "req-0")
        api.does("http", "GET /", side="client" if number % 2 else "server", method="GET", path="/")
        api.log("lost", f"req-x{number}")
    return cloud


def work(cloud: Cloud) -> int:
    """Count the function calls of the correlation, a measure that does not depend on the load."""
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += 1

    events = cloud.collect()
    sys.setprofile(count)
    try:
        correlate(events)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("make", [boots_at_once, boots_in_turn, one_client_id, loose_lines])
def test_work_is_linear_in_the_events(make: Callable[[int], Cloud]) -> None:
    """Four times the boots, at once or in turn, are four times the work and not sixteen times."""
    small, large = make(10), make(40)
    growth = len(large.events) / len(small.events)
    assert work(large) < work(small) * growth * 1.3
