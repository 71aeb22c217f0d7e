"""Clocks of several hosts: corrected where messages prove them wrong, trusted where they may be right."""

from __future__ import annotations

import re

from tests.support.events import EPOCH, TICK, Cloud, Message
from tracer.correlation import clocks
from tracer.events import ClockBound, Event, Process


def test_a_clock_that_messages_prove_wrong_is_corrected() -> None:
    """A host ten seconds behind: its receipts are no longer before the sending, and a warning reports it."""
    cloud = Cloud()
    api, compute = cloud.process("nova-api"), cloud.process("nova-compute", host="cmp1", ahead=-10_000_000_000)
    for _ in range(3):
        with api.calls(compute, "ping", "req-1"):
            compute.sql("SELECT 1")
    for _ in range(20):
        api.sql("SELECT 2")
    (warning,) = clocks.align(cloud.events)
    sent = [event for event in cloud.events if event.attributes.get("mode") == "call"]
    received = [event for event in cloud.events if event.attributes.get("side") == "server"]
    for call, served in zip(sent, received, strict=True):
        assert call.start <= served.start <= (served.end or 0) <= (call.end or 0)
    assert re.fullmatch(
        r"the clock of host cmp1 is (10\.00|9\.99)\d s behind that of host h1 \(from 3 messages\), corrected", warning
    )


def test_a_clock_that_may_be_right_is_not_corrected() -> None:
    """A deviation within the travel time of a message proves nothing."""
    cloud = Cloud()
    api, compute = cloud.process("nova-api"), cloud.process("nova-compute", host="cmp1", ahead=TICK // 2)
    with api.calls(compute, "ping", "req-1"):
        pass
    started = [event.start for event in cloud.events]
    assert clocks.align(cloud.events) == []
    assert [event.start for event in cloud.events] == started


def test_clocks_are_corrected_over_several_hosts() -> None:
    """A host that is linked to the reference only by another; casts alone show a minimum deviation."""
    cloud = Cloud()
    api = cloud.process("nova-api")
    conductor = cloud.process("nova-conductor", host="h2", ahead=3_600_000_000_000)
    compute = cloud.process("nova-compute", host="h3", ahead=-3_600_000_000_000)
    for _ in range(3):
        with api.calls(conductor, "ping", "req-1"):
            message = conductor.cast("build", "req-1")
        with compute.receives(message):
            pass
        for _ in range(3):
            api.sql("SELECT 1")
    warnings = clocks.align(cloud.events)
    times = [event.start for event in cloud.events]
    assert max(times) - min(times) < 100 * TICK
    assert cloud.trace().warnings == []
    assert len(warnings) == 2


def test_a_call_that_timed_out_does_not_bound_its_answer() -> None:
    """The receiver goes on after the caller gave up: that does not prove its clock wrong."""
    cloud = Cloud()
    api, compute = cloud.process("nova-api"), cloud.process("nova-compute", host="cmp1")
    api.does("rpc", "ping", side="client", mode="call", msg_id="m", error="MessagingTimeout")
    cloud.events[-1].end = cloud.events[-1].start + 10 * TICK
    with compute.receives(Message("ping", {"msg_id": "m"}, "req-1")):
        cloud.now += 60_000 * TICK
        compute.does("rpc", "reply", side="client", mode="reply")
    assert clocks.align(cloud.events) == []


def log(name: str) -> Process:
    return Process(f"log {name} 1", 1, "", name, clock=f"{name}.log")


def message(number: int, sender: Process, receiver: Process, *milliseconds: int | None) -> list[Event]:
    """Return both ends of a call: sent, received, answered and returned at these milliseconds."""
    sent, received, answered, returned = (None if value is None else EPOCH + value * TICK for value in milliseconds)
    ends = [(sender, "client", sent, returned), (receiver, "server", received, answered)]
    return [
        Event(
            process, number, 0, "rpc", "ping", 0, start or 0, end, None,
            {"side": side, "mode": "call", "msg_id": f"m{number}"}, ("logs",),
        )
        for process, side, start, end in ends
    ]  # fmt: skip


def test_every_log_has_its_own_clock() -> None:
    """Two logs of one host, and one of another, an hour ahead: a whole hour suggests a time zone."""
    api, conductor, compute = log("api"), log("conductor"), log("compute")
    events = [
        event
        for number in range(0, 40, 4)
        for event in (
            *message(number, api, conductor, number, number + 1, number + 2, number + 3),
            *message(number + 1, compute, conductor, 3_600_000 + number, number + 1, number + 2, 3_600_003 + number),
        )
    ]
    (warning,) = clocks.align(events)
    assert warning == (
        "the clock of compute.log is 3600.000 s ahead of that of conductor.log (from 10 messages), corrected; "
        "another time zone? see --utc-offset"
    )
    assert max(event.start for event in events) < EPOCH + 100 * TICK


def test_the_majority_of_clocks_is_right_and_not_the_busiest() -> None:
    busy, others = log("busy"), [log("a"), log("b"), log("c")]
    events = [
        event
        for number, other in enumerate(others * 3)
        for event in message(number, busy, other, number, number + 5001, number + 5002, number + 3)
    ]
    (warning,) = clocks.align(events)
    assert warning.startswith("the clock of busy.log is 5.000 s behind that of ")


def test_a_few_lines_with_a_wrong_id_correct_no_clock() -> None:
    api, compute = log("api"), log("compute")
    events = [
        event
        for number in range(10)
        for event in message(number, api, compute, number, number + 1, number + 2, number + 3)
    ]
    events += message(10, api, compute, 60_000, 11, 12, 60_002)
    assert clocks.align(events) == []


def test_a_late_message_proves_nothing() -> None:
    """In one direction only: the message may have waited."""
    assert clocks.align(message(1, log("api"), log("compute"), 0, 90_000, None, None)) == []


def test_a_line_a_few_milliseconds_early_proves_nothing() -> None:
    """A line may be written some milliseconds before the line that precedes it."""
    assert clocks.align(message(1, log("api"), log("compute"), 4, 1, 6, 3)) == []


def test_a_host_without_a_message_is_corrected_by_comparing_its_clock() -> None:
    """Pings from a machine that recorded nothing itself bound the clocks of both hosts."""
    cloud = Cloud()
    api, compute = cloud.process("nova-api"), cloud.process("nova-compute", host="cmp1", ahead=90_000_000_000)
    api.sql("SELECT 1")
    compute.sql("SELECT 2")
    compared = [
        ClockBound("controller", "h1", -1_000_000, 2_000_000),
        ClockBound("controller", "cmp1", 89_999_500_000, 90_000_700_000),
    ]
    (warning,) = clocks.align(cloud.events, compared)
    assert warning.startswith("the clock of host cmp1 is 90.000 s ahead of that of host h1")
    times = [event.start for event in cloud.events]
    assert max(times) - min(times) < 100 * TICK + 2_000_000


def test_clocks_that_are_compared_as_equal_are_left_alone() -> None:
    cloud = Cloud()
    cloud.process("nova-api").sql("SELECT 1")
    assert clocks.align(cloud.events, [ClockBound("controller", "h1", -500_000, 400_000)]) == []
    # A host that recorded nothing.
    assert clocks.align(cloud.events, [ClockBound("controller", "cmp9", 5_000_000_000, 5_000_100_000)]) == []
