"""Clocks of several hosts: corrected where ties prove them wrong, believed where they may be right."""

from __future__ import annotations

import re

from tests.events import TICK, Cloud, Message
from tests.test_tracer_linking import forest
from tracer.forest import Forest
from tracer.model import Step


def test_clocks_that_ties_prove_wrong_are_corrected() -> None:
    """A host ten seconds behind: what it received does not come before it was sent, and a line says so."""
    cloud = Cloud()
    api, compute = cloud.process("nova-api"), cloud.process("nova-compute", host="cmp1", ahead=-10_000_000_000)
    for _ in range(3):
        with api.calls(compute, "ping", "req-1"):
            compute.sql("SELECT 1")
    for _ in range(20):
        api.sql("SELECT 2")
    trees = forest(cloud)
    for head in trees.heads[:3]:
        (served,) = head.children
        assert head.end is not None
        assert all(head.start <= step.start <= head.end for step in served.walk())
    (warning,) = trees.warnings
    assert re.fullmatch(r"host cmp1: its clock is (10\.00|9\.99)\d s behind, corrected", warning)


def test_clocks_that_may_be_right_are_believed() -> None:
    """A little earlier or later than the message took is no proof of anything."""
    cloud = Cloud()
    api, compute = cloud.process("nova-api"), cloud.process("nova-compute", host="cmp1", ahead=TICK // 2)
    with api.calls(compute, "ping", "req-1"):
        pass
    started = [event.start for event in cloud.events]
    trees = forest(cloud)
    assert sorted(step.start for head in trees.heads for step in head.walk()) == sorted(started)
    assert trees.warnings == []


def test_clocks_are_corrected_over_several_hosts() -> None:
    """A host that is tied to the measure only over another; casts alone tell how late it is at least."""
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
    trees = forest(cloud)
    times = [step.start for head in trees.heads for step in head.walk()]
    assert max(times) - min(times) < 100 * TICK
    assert all(sender.start <= trees_head.start for trees_head, sender in senders(trees))
    assert len(trees.warnings) == 2


def senders(trees: Forest) -> list[tuple[Step, Step]]:
    return [(head, trees.senders[head.id]) for head in trees.heads if head.id in trees.senders]


def test_a_call_that_timed_out_tells_nothing_of_the_answer() -> None:
    """The far side goes on after its caller gave up: its clock is not wrong for that."""
    cloud = Cloud()
    api, compute = cloud.process("nova-api"), cloud.process("nova-compute", host="cmp1")
    api.does("rpc", "ping", side="client", mode="call", msg_id="m", error="MessagingTimeout")
    cloud.events[-1].end = cloud.events[-1].start + 10 * TICK
    with compute.receives(Message("ping", {"msg_id": "m"}, "req-1")):
        cloud.now += 60_000 * TICK
        compute.does("rpc", "reply", side="client", mode="reply")
    assert forest(cloud).warnings == []
