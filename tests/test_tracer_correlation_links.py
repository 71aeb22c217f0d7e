"""Links between steps: parents within a process by context, across processes by ids."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.support.events import TICK, Cloud, Message, Worker, outline
from tracer.correlation import links
from tracer.correlation.forest import Forest
from tracer.events import Event, Process


def forest(cloud: Cloud) -> Forest:
    """Build the forest from the events in random order."""
    events = list(cloud.events)
    random.Random(1).shuffle(events)
    return links.build(events)


def heads(cloud: Cloud) -> list[str]:
    return [outline(head) for head in forest(cloud).heads]


def pair() -> tuple[Cloud, Worker, Worker]:
    cloud = Cloud()
    return cloud, cloud.process("nova-api"), cloud.process("nova-conductor")


def test_parents_are_linked_by_context() -> None:
    """Events inside a step are below it, in order of their start, whatever ended first."""
    cloud, api, _ = pair()
    with api.call("a:f"):
        api.sql("SELECT 1")
        with api.call("a:g"):
            api.sql("SELECT 2")
        api.does("log", "l")
    (head,) = forest(cloud).heads
    assert outline(head) == "API call a:f\n  API sql\n  API call a:g\n    API sql\n  API log l"
    assert [step.tied_by for step in head.walk()] == ["", "context", "context", "context", "context"]


def test_events_of_one_tick_are_ordered_by_number() -> None:
    """Clocks have coarse ticks: the parent has the lower number."""
    process = Process("p", 1, "h", "nova-api")
    events = [Event(process, number, number - 1, "call", f"f{number}", 1, 5, 5) for number in range(3, 0, -1)]
    (head,) = links.build(events).heads
    assert [step.service for step in head.walk()] == ["API"] * 3


def test_handed_over_work_is_below_its_hand_off() -> None:
    """The hand-off has the time that the work waited for a worker."""
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


def test_a_step_has_the_fields_of_its_event() -> None:
    """Times, position, ids and error; ids are removed from the attributes."""
    cloud, api, _ = pair()
    api.does("http", "GET /", error="OSError: x", request_id="req-1", global_request_id="", method="GET", path="/")
    (step,) = forest(cloud).heads
    (event,) = cloud.events
    assert (step.start, step.end, step.host, step.pid, step.error) == (event.start, event.end, "h1", 100, "OSError: x")
    assert (step.request_id, step.global_request_id) == ("req-1", None)
    assert step.attributes == {"method": "GET", "path": "/"}
    assert event.attributes["request_id"] == "req-1"  # the event is unchanged


def test_a_log_line_with_a_stale_request_id_has_the_id_of_its_step() -> None:
    """Threads have stale contexts: a line belongs to the request of the step around it."""
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


def test_a_call_contains_the_receivers_step() -> None:
    """By msg_id; the reply has no receiver."""
    cloud, api, conductor = pair()
    with api.calls(conductor, "ping", "req-1"):
        conductor.sql("SELECT 1")
    assert heads(cloud) == ["API rpc ping\n  conductor rpc ping\n    conductor sql\n    conductor rpc reply"]
    served = forest(cloud).heads[0].children[0]
    assert (served.tied_by, served.attributes["mode"]) == ("msg_id", "call")


def test_a_cast_opens_a_chapter() -> None:
    """By unique_id; as no caller waits for it, it is below no step."""
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


def test_every_receiver_of_a_fanout_opens_a_chapter() -> None:
    cloud, compute, scheduler = pair()
    other = cloud.process("nova-scheduler", host="h2")
    message = compute.cast("update_instance_info", "req-1", mode="fanout")
    for receiver in (scheduler, other):
        with receiver.receives(message):
            pass
    trees = forest(cloud)
    assert [step.host for step in trees.casts[trees.heads[0].id]] == ["h1", "h2"]
    assert [step.text("mode") for step in trees.heads] == ["fanout"] * 3


def test_a_redelivered_message_has_two_receivers() -> None:
    """A broker may deliver a message again after a failure."""
    cloud, api, conductor = pair()
    with api.step("rpc", "ping", side="client", mode="call", msg_id="m"):
        for _ in range(2):
            with conductor.receives(Message("ping", {"msg_id": "m"}, "req-1")):
                pass
    assert heads(cloud) == ["API rpc ping\n  conductor rpc ping\n  conductor rpc ping"]


def test_a_message_with_a_missing_end_is_a_step_of_its_own() -> None:
    """A call to, and a dispatch from, a service that was not traced."""
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


def test_messages_within_one_process_are_linked_by_the_object() -> None:
    """The fake driver adds no ids; a reused address means the latest message before."""
    cloud, worker, _ = pair()
    for _ in range(3):
        message = in_memory(worker, "ping", 0x10)
        with worker.receives(message):
            pass
    trees = forest(cloud)
    sent = [step for step in trees.heads if step.attributes["side"] == "client"]
    assert [[receiver.start > step.start for receiver in trees.casts[step.id]] for step in sent] == [[True]] * 3
    assert {step.tied_by for step in trees.heads if step.attributes["side"] == "server"} == {"message"}


def test_the_address_of_a_message_links_one_later_receiver_in_its_process() -> None:
    """Not in another process, under another name, before the sending, or for a second receiver."""
    cloud, worker, other = pair()
    with worker.receives(Message("ping", {"message": 0x10}, "req-1")):
        pass
    message = in_memory(worker, "ping", 0x10)
    with other.receives(message):
        pass
    with worker.receives(Message("pong", {"message": 0x10}, "req-1")):
        pass
    with worker.receives(message):
        pass
    with worker.receives(message):  # its own sender was not traced
        pass
    trees = forest(cloud)
    (linked,) = [step for receivers in trees.casts.values() for step in receivers]
    assert (linked.pid, linked.name) == (100, "ping")
    assert [step.tied_by for step in trees.heads] == ["", "", "", "", "message", ""]


def test_a_fanout_in_one_process_has_several_receivers() -> None:
    """All receivers have the same object."""
    cloud, worker, _ = pair()
    message = in_memory(worker, "tell", 0x10, "fanout")
    for thread in (2, 3):
        with worker.on(thread).receives(message):
            pass
    trees = forest(cloud)
    assert len(trees.casts[trees.heads[0].id]) == 2


def test_an_id_generated_at_arrival_does_not_hide_the_sender() -> None:
    """oslo.messaging's fake driver generates an id at arrival that the sender does not know."""
    cloud, worker, _ = pair()
    message = in_memory(worker, "ping", 0x10)
    with worker.on(2).receives(Message("ping", {**message.ids, "msg_id": "generated"}, "req-1")):
        pass
    assert forest(cloud).casts


def test_ids_take_precedence_over_addresses() -> None:
    """An untraced sender must not be confused with an earlier message at the same address."""
    cloud, worker, _ = pair()
    in_memory(worker, "ping", 0x10)
    with worker.receives(Message("ping", {"message": 0x10, "unique_id": "u"}, "req-1")):
        pass
    assert not forest(cloud).casts


def test_a_callee_that_answers_with_its_callers_id_is_not_linked_as_its_server() -> None:
    """Glance does this: the API's step must be below its client's request, not below its own request to Glance."""
    cloud, client, api = pair()
    with client.asks(api, "POST", "/servers", own="req-a"), api.asks(None, "GET", "/v2/images/1", own="req-a"):
        pass
    (head,) = forest(cloud).heads
    assert [(step.text("side"), step.text("path")) for step in head.walk()] == [
        ("client", "/servers"),
        ("server", "/servers"),
        ("client", "/v2/images/1"),
    ]


def test_a_request_is_linked_by_the_id_in_its_response() -> None:
    """Two simultaneous requests of one caller to one path are distinguished by their responses."""
    cloud, client, api = pair()
    other, path = client.on(2), "/v2.1/servers"
    with client.asks(None, "GET", path, own="req-a"), other.asks(None, "GET", path, own="req-b"):
        for own in ("req-b", "req-a"):
            api.does("http", own, side="server", method="GET", path=path, request_id=own)
    linked = {head.text("callee_request_id"): [step.name for step in head.children] for head in forest(cloud).heads}
    assert linked == {"req-a": ["req-a"], "req-b": ["req-b"]}


def test_a_request_without_a_response_is_linked_by_method_path_and_caller() -> None:
    """Within the time of the client's step."""
    cloud, client, api = pair()
    for global_id in ("req-g", None):
        with client.asks(api, "GET", "/x", "req-1", global_id=global_id, answered=False):
            pass
    assert [head.children[0].tied_by for head in forest(cloud).heads] == ["global_request_id", "request"]


@pytest.mark.parametrize("differs", ["method", "path", "caller", "time", "answer", "two"])
def test_other_requests_are_not_linked(differs: str) -> None:
    """Neither by time alone, nor if two match."""
    cloud, client, api = pair()
    attributes: dict[str, Any] = {"side": "server", "method": "GET", "path": "/x", "global_request_id": "req-g"}
    if differs == "two":
        with client.asks(None, "GET", "/x", global_id="req-g"), client.asks(None, "GET", "/x", global_id="req-g"):
            api.does("http", "served", **attributes)
    else:
        other = {"method": {"method": "PUT"}, "path": {"path": "/y"}, "caller": {"global_request_id": "req-h"}}
        with client.asks(None, "GET", "/x", own="req-z" if differs == "answer" else None, global_id="req-g"):
            if differs != "time":
                api.does("http", "served", **attributes | other.get(differs, {}))
        if differs == "time":
            api.does("http", "served", **attributes)
    assert "served" in [head.name for head in forest(cloud).heads]


def test_a_request_without_an_end_is_still_linked() -> None:
    """After a kill -9 of the client its last request has no end."""
    cloud, client, api = pair()
    with client.asks(api, "GET", "/x", answered=False) as served:
        pass
    sent = next(event for event in cloud.events if event.attributes["side"] == "client")
    sent.end = None
    assert served.parent == 0
    assert len(heads(cloud)) == 1


def test_services_are_named_by_endpoint_application_and_command_line() -> None:
    """The endpoint's module decides, else the parent's service in the process, else the command line."""
    cloud = Cloud()
    worker = cloud.process("python all-in-one.py")
    with worker.step("http", "POST", side="server", application="nova.api.openstack.wsgi"):
        worker.sql("SELECT 1")
        with worker.calls(worker, "pick", "req-1", module="nova.scheduler.manager", function="pick"):
            worker.sql("SELECT 2")
    cloud.process("nova-compute").sql("SELECT 3")
    services = [(step.kind, step.service) for head in forest(cloud).heads for step in head.walk()]
    assert services == [
        ("http", "API"), ("sql", "API"), ("rpc", "API"),
        ("rpc", "scheduler"), ("sql", "scheduler"), ("rpc", "scheduler"),
        ("sql", "compute"),
    ]  # fmt: skip


def test_the_peer_of_an_untraced_service_is_named() -> None:
    """By topic or path, else by other requests to the same address."""
    cloud, api, _ = pair()
    api.does("http", side="client", path="/v2/images/1", host="10.0.0.1:9292")
    api.does("http", side="client", path="/", host="10.0.0.1:9292")
    api.does("http", side="client", path="/", host="10.0.0.2:80")
    api.does("http", side="client", path="/", host="")
    assert [step.text("peer") for step in forest(cloud).heads] == ["image", "image", "", ""]
