"""Parents within a process by context, across processes by ids: who is tied to whom, and who is not."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.support.events import TICK, Cloud, Message, Worker, outline
from tracer.correlation import links
from tracer.correlation.forest import Forest
from tracer.events import Event, Process


def forest(cloud: Cloud) -> Forest:
    """The trees, whatever the order in which events come: they are shuffled."""
    events = list(cloud.events)
    random.Random(1).shuffle(events)
    return links.build(events)


def heads(cloud: Cloud) -> list[str]:
    return [outline(head) for head in forest(cloud).heads]


def pair() -> tuple[Cloud, Worker, Worker]:
    cloud = Cloud()
    return cloud, cloud.process("nova-api"), cloud.process("nova-conductor")


def test_parents_by_context() -> None:
    """What was recorded inside a step is below it, in the order of starts, whoever ended first."""
    cloud, api, _ = pair()
    with api.call("a:f"):
        api.sql("SELECT 1")
        with api.call("a:g"):
            api.sql("SELECT 2")
        api.does("log", "l")
    (head,) = forest(cloud).heads
    assert outline(head) == "API call a:f\n  API sql\n  API call a:g\n    API sql\n  API log l"
    assert [step.tied_by for step in head.walk()] == ["", "context", "context", "context", "context"]


def test_numbers_order_what_began_in_the_same_tick() -> None:
    """Clocks have coarse ticks: the parent was numbered first."""
    process = Process("p", 1, "h", "nova-api")
    events = [Event(process, number, number - 1, "call", f"f{number}", 1, 5, 5) for number in range(3, 0, -1)]
    (head,) = links.build(events).heads
    assert [step.service for step in head.walk()] == ["API"] * 3


def test_the_work_that_was_handed_over() -> None:
    """Below the hand-off, with the time it waited for a worker."""
    cloud, api, _ = pair()
    with api.call("a:f"), api.step("handoff", "b:g", via="submit") as handed:
        worker = api.on(2)
        handed.attributes["started"] = worker.now()
        with worker.step("call", "b:g", parent=handed.number):
            pass
    (head,) = forest(cloud).heads
    handoff, done = list(head.walk())[1:]
    assert (done.name, done.thread, done.tied_by) == ("b:g", 2, "handoff")
    assert handoff.attributes["waited"] == TICK


def test_a_step_keeps_what_its_event_said() -> None:
    """Times, place, ids and error move over; ids leave the attributes."""
    cloud, api, _ = pair()
    api.does("http", "GET /", error="OSError: x", request_id="req-1", global_request_id="", method="GET", path="/")
    (step,) = forest(cloud).heads
    (event,) = cloud.events
    assert (step.start, step.end, step.host, step.pid, step.error) == (event.start, event.end, "h1", 100, "OSError: x")
    assert (step.request_id, step.global_request_id) == ("req-1", None)
    assert step.attributes == {"method": "GET", "path": "/"}
    assert event.attributes["request_id"] == "req-1"  # what was read stays as it was


def test_log_lines_with_an_earlier_requests_id() -> None:
    """Threads have stale contexts: the request that a line was written in is that of the step around it."""
    cloud, api, conductor = pair()
    with api.calls(conductor, "ping", "req-1"), conductor.call("a:f"):
        conductor.log("fresh", "req-1")
        conductor.log("stale", "req-old")
        conductor.log("none")
    conductor.log("outside", "req-old")
    lines = {step.text("message"): step for head in forest(cloud).heads for step in head.walk() if step.kind == "log"}
    assert {name: step.request_id for name, step in lines.items()} == {
        "fresh": "req-1", "stale": "req-1", "none": None, "outside": "req-old",
    }  # fmt: skip
    assert [name for name, step in lines.items() if "logged_request_id" in step.attributes] == ["stale"]
    assert lines["stale"].attributes["logged_request_id"] == "req-old"


def test_a_call_has_its_far_side_inside() -> None:
    """By msg_id; the reply is no receiver of anything."""
    cloud, api, conductor = pair()
    with api.calls(conductor, "ping", "req-1"):
        conductor.sql("SELECT 1")
    assert heads(cloud) == ["API rpc ping\n  conductor rpc ping\n    conductor sql\n    conductor rpc reply"]
    served = forest(cloud).heads[0].children[0]
    assert (served.tied_by, served.attributes["mode"]) == ("msg_id", "call")


def test_a_cast_opens_a_chapter() -> None:
    """By unique_id; nobody waits for it, so it is below nothing."""
    cloud, api, conductor = pair()
    message = api.cast("build", "req-1")
    with conductor.receives(message):
        conductor.sql("SELECT 1")
    trees = forest(cloud)
    sent, received = trees.heads
    assert (sent.name, sent.children, received.tied_by) == ("build", [], "unique_id")
    assert trees.casts[sent.id] == [received]
    assert trees.senders[received.id] is sent
    assert (sent.attributes["peer"], received.service) == ("conductor", "conductor")


def test_a_fanout_has_several_receivers() -> None:
    """Each opens a chapter of its own."""
    cloud, compute, scheduler = pair()
    other = cloud.process("nova-scheduler", host="h2")
    message = compute.cast("update_instance_info", "req-1", mode="fanout")
    for each in (scheduler, other):
        with each.receives(message):
            pass
    trees = forest(cloud)
    assert [step.host for step in trees.casts[trees.heads[0].id]] == ["h1", "h2"]
    assert [step.text("mode") for step in trees.heads] == ["fanout"] * 3


def test_a_message_delivered_again_is_handled_twice() -> None:
    """A broker may do so after a failure: both are there."""
    cloud, api, conductor = pair()
    with api.step("rpc", "ping", side="client", mode="call", msg_id="m"):
        for _ in range(2):
            with conductor.receives(Message("ping", {"msg_id": "m"}, "req-1")):
                pass
    assert heads(cloud) == ["API rpc ping\n  conductor rpc ping\n  conductor rpc ping"]


def test_ends_that_are_missing() -> None:
    """A call to who was not traced, and a dispatch from who was not, stand for themselves."""
    cloud, api, conductor = pair()
    api.does("rpc", "ping", side="client", mode="call", msg_id="m1", topic="conductor")
    with conductor.receives(Message("pong", {"msg_id": "m2"}, "req-1")):
        pass
    trees = forest(cloud)
    assert [(step.name, step.text("peer"), step.tied_by) for step in trees.heads] == [
        ("ping", "conductor", ""), ("pong", "", ""),
    ]  # fmt: skip
    assert not trees.casts


def in_memory(worker: Worker, method: str, address: int, mode: str = "cast") -> Message:
    return worker.cast(method, "req-1", mode, message=address)


def test_one_process_ties_by_the_message_object() -> None:
    """The fake driver gives no ids; an address that is used again means the latest message before."""
    cloud, one, _ = pair()
    for _ in range(3):
        message = in_memory(one, "ping", 0x10)
        with one.receives(message):
            pass
    trees = forest(cloud)
    sent = [step for step in trees.heads if step.attributes["side"] == "client"]
    assert [[receiver.start > step.start for receiver in trees.casts[step.id]] for step in sent] == [[True]] * 3
    assert {step.tied_by for step in trees.heads if step.attributes["side"] == "server"} == {"message"}


def test_an_address_means_nothing_to_others() -> None:
    """Not in another process, not under another name, not before the message was sent, and only for one receiver."""
    cloud, one, other = pair()
    with one.receives(Message("ping", {"message": 0x10}, "req-1")):
        pass
    message = in_memory(one, "ping", 0x10)
    with other.receives(message):
        pass
    with one.receives(Message("pong", {"message": 0x10}, "req-1")):
        pass
    with one.receives(message):
        pass
    with one.receives(message):  # its own sender was not seen
        pass
    trees = forest(cloud)
    (tied,) = [step for receivers in trees.casts.values() for step in receivers]
    assert (tied.pid, tied.name) == (100, "ping")
    assert [step.tied_by for step in trees.heads] == ["", "", "", "", "message", ""]


def test_a_fanout_in_one_process_has_several_receivers() -> None:
    """All of them hold the same object."""
    cloud, one, _ = pair()
    message = in_memory(one, "tell", 0x10, "fanout")
    for thread in (2, 3):
        with one.on(thread).receives(message):
            pass
    trees = forest(cloud)
    assert len(trees.casts[trees.heads[0].id]) == 2


def test_an_id_made_up_at_arrival_does_not_hide_the_sender() -> None:
    """Oslo.messaging's fake driver gives what arrives an id that its sender never saw."""
    cloud, one, _ = pair()
    message = in_memory(one, "ping", 0x10)
    with one.on(2).receives(Message("ping", {**message.ids, "msg_id": "made up"}, "req-1")):
        pass
    assert forest(cloud).casts


def test_where_there_are_ids_addresses_do_not_count() -> None:
    """A sender that was not traced must not be confused with an earlier message at the same place."""
    cloud, one, _ = pair()
    in_memory(one, "ping", 0x10)
    with one.receives(Message("ping", {"message": 0x10, "unique_id": "u"}, "req-1")):
        pass
    assert not forest(cloud).casts


def test_a_callee_that_answers_with_its_callers_id() -> None:
    """Glance does: the API's own request must be tied to who asked it, not to what the API asks of Glance."""
    cloud, client, api = pair()
    with client.asks(api, "POST", "/servers", own="req-a"), api.asks(None, "GET", "/v2/images/1", own="req-a"):
        pass
    (head,) = forest(cloud).heads
    assert [(step.text("side"), step.text("path")) for step in head.walk()] == [
        ("client", "/servers"),
        ("server", "/servers"),
        ("client", "/v2/images/1"),
    ]


def test_a_request_by_the_id_its_answer_names() -> None:
    """Two at once, same path, same caller: each answer says which."""
    cloud, client, api = pair()
    other, path = client.on(2), "/v2.1/servers"
    with client.asks(None, "GET", path, own="req-a"), other.asks(None, "GET", path, own="req-b"):
        for own in ("req-b", "req-a"):
            api.does("http", own, side="server", method="GET", path=path, request_id=own)
    tied = {head.text("callee_request_id"): [step.name for step in head.children] for head in forest(cloud).heads}
    assert tied == {"req-a": ["req-a"], "req-b": ["req-b"]}


def test_a_request_without_an_answer_by_what_was_asked() -> None:
    """Method, path and the caller's id, while it was under way."""
    cloud, client, api = pair()
    for global_id in ("req-g", None):
        with client.asks(api, "GET", "/x", "req-1", global_id=global_id, answered=False):
            pass
    assert [head.children[0].tied_by for head in forest(cloud).heads] == ["global_request_id", "request"]


@pytest.mark.parametrize("differs", ["method", "path", "caller", "time", "answer", "two"])
def test_other_requests_are_not_tied(differs: str) -> None:
    """Neither by time alone, nor where two may be meant."""
    cloud, client, api = pair()
    said: dict[str, Any] = {"side": "server", "method": "GET", "path": "/x", "global_request_id": "req-g"}
    if differs == "two":
        with client.asks(None, "GET", "/x", global_id="req-g"), client.asks(None, "GET", "/x", global_id="req-g"):
            api.does("http", "served", **said)
    else:
        other = {"method": {"method": "PUT"}, "path": {"path": "/y"}, "caller": {"global_request_id": "req-h"}}
        with client.asks(None, "GET", "/x", own="req-z" if differs == "answer" else None, global_id="req-g"):
            if differs != "time":
                api.does("http", "served", **said | other.get(differs, {}))
        if differs == "time":
            api.does("http", "served", **said)
    assert "served" in [head.name for head in forest(cloud).heads]


def test_requests_that_never_ended_are_under_way() -> None:
    """kill -9 of the client: what it asked for last is still tied."""
    cloud, client, api = pair()
    with client.asks(api, "GET", "/x", answered=False) as served:
        pass
    sent = next(event for event in cloud.events if event.attributes["side"] == "client")
    sent.end = None
    assert served.parent == 0
    assert len(heads(cloud)) == 1


def test_services_by_endpoint_application_and_command() -> None:
    """An endpoint's module first, also in one process; else the parent's in that process, else the command line."""
    cloud = Cloud()
    one = cloud.process("python all-in-one.py")
    with one.step("http", "POST", side="server", application="nova.api.openstack.wsgi"):
        one.sql("SELECT 1")
        with one.calls(one, "pick", "req-1", module="nova.scheduler.manager", function="pick"):
            one.sql("SELECT 2")
    cloud.process("nova-compute").sql("SELECT 3")
    services = [(step.kind, step.service) for head in forest(cloud).heads for step in head.walk()]
    assert services == [
        ("http", "API"), ("sql", "API"), ("rpc", "API"),
        ("rpc", "scheduler"), ("sql", "scheduler"), ("rpc", "scheduler"),
        ("sql", "compute"),
    ]  # fmt: skip


def test_the_far_side_of_who_was_not_traced() -> None:
    """By topic, by path, else by whom others met at the same address."""
    cloud, api, _ = pair()
    api.does("http", side="client", path="/v2/images/1", host="10.0.0.1:9292")
    api.does("http", side="client", path="/", host="10.0.0.1:9292")
    api.does("http", side="client", path="/", host="10.0.0.2:80")
    api.does("http", side="client", path="/", host="")
    assert [step.text("peer") for step in forest(cloud).heads] == ["image", "image", "", ""]
