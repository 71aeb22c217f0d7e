"""Grouping steps into requests: simultaneous, failing and partly traced boots; shared and unrelated steps."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.events import UUID, Cloud, Services, run, tree
from tests.support.examples import examples
from tests.test_tracer_correlation_forest import CRAFTED
from tracer.correlation.pipeline import correlate
from tracer.events import Event, Events
from tracer.model import Request, Step, Trace, Value


def booted(**options: Any) -> tuple[Cloud, Services]:
    """Return a cloud with one finished boot."""
    cloud = Cloud()
    services = Services(cloud)
    run(services.boot(**options))
    return cloud, services


def without(cloud: Cloud, *words: str) -> Cloud:
    """Return the cloud with some processes untraced."""
    cloud.processes = [process for process in cloud.processes if not any(word in process.argv for word in words)]
    cloud.events = [event for event in cloud.events if event.process in cloud.processes]
    return cloud


def summary(boot: Request) -> tuple[str, str, str, str]:
    return boot.server, boot.request_id, boot.outcome, boot.host


def test_a_boot_has_its_chapters_and_fields() -> None:
    """From the client's call through API, conductor, scheduler and compute; casts open chapters."""
    cloud, _ = booted()
    boot = cloud.boot()
    assert summary(boot) == ("vm1", "req-1", "active", "cmp1")
    assert (boot.operation, boot.uuid, boot.request_ids) == ("boot", UUID.format(16), ["req-1", "req-p1"])
    assert [(chapter.service, chapter.name) for chapter in boot.chapters] == [
        ("client", "openstack.compute.v2._proxy:Proxy.create_server"),
        ("conductor", "schedule_and_build_instances"),
        ("compute", "build_and_run_instance"),
    ]
    assert [(chapter.address, chapter.opened_by) for chapter in boot.chapters] == [
        ("1", ""), ("2", "1-1-1-1-1"), ("3", "2-2"),
    ]  # fmt: skip
    assert len(list(boot.walk())) == len({step.id for step in boot.walk()})
    assert cloud.trace().others == []


def test_an_endpoint_and_its_call_point_are_one_step() -> None:
    """A call point on the endpoint's method records the dispatch again; a reply is an attribute of its step."""
    boot = booted()[0].boot()
    assert "build_and_run_instance" not in [step.name for step in list(boot.chapters[2].walk())[1:]]
    assert "reply" not in tree(boot)
    (save, _, spawn) = boot.chapters[2].children
    assert save.children[0].attributes["reply"]
    assert spawn.kind == "call"


def test_two_boots_at_once_are_not_mixed() -> None:
    """Interleaved step by step in the same processes, they have the same trees as in turn."""
    cloud = Cloud()
    services = Services(cloud)
    run(services.boot(1), services.boot(2))
    assert_two_boots(cloud.trace())


def assert_two_boots(trace: Trace) -> None:
    alone = tree(booted()[0].boot())
    assert [summary(boot) for boot in trace.boots] == [
        ("vm1", "req-1", "active", "cmp1"), ("vm2", "req-2", "active", "cmp1"),
    ]  # fmt: skip
    for boot in trace.boots:
        assert tree(boot) == alone
        assert {step.thread for step in boot.walk()} == {boot.number}
        assert boot.left_out == []
    assert trace.others == []


def test_two_boots_under_one_global_id_are_not_mixed() -> None:
    """A client's own id for all its requests links neither; a line with only that id belongs to no boot."""
    cloud = Cloud()
    services = Services(cloud)
    run(services.boot(1, global_id="req-all"), services.boot(2, global_id="req-all"))
    trace = cloud.trace()
    assert_two_boots(trace)
    services.api.log("lost", "req-all")
    services.api.log("found", "req-2")
    trace = cloud.trace()
    assert ["found" in tree_of_logs(boot) for boot in trace.boots] == [False, True]
    assert not any("lost" in tree_of_logs(boot) for boot in trace.boots)


def lifecycle_event(services: Services, uuid: str, own: str) -> None:
    """Record how Nova handles a libvirt event: in its own thread, under a new id, about a domain."""
    compute, conductor = services.compute.on(77), services.conductor.on(77)
    with compute.call("nova.compute.manager:ComputeManager.handle_lifecycle_event"):
        with compute.calls(conductor, "Instance.get_by_uuid", own):
            conductor.sql("SELECT 1 FROM instances")
        compute.does("libvirt", "virConnect.lookupByUUIDString", uuid=uuid)


def test_an_instance_event_belongs_to_the_boot_of_its_instance() -> None:
    """By its uuid, as a chapter with its requests; before and after the boot it is another request."""
    cloud = Cloud()
    services = Services(cloud)
    first, second = UUID.format(16), UUID.format(32)
    lifecycle_event(services, first, "req-early")
    stories = services.boot(1), services.boot(2)
    for _ in range(10):
        for story in stories:
            next(story)
    lifecycle_event(services, second, "req-during")
    run(*stories)
    lifecycle_event(services, second, "req-late")
    trace = cloud.trace()
    counts = [[chapter.tied_by for chapter in boot.chapters].count("instance") for boot in trace.boots]
    assert counts == [0, 1]
    chapter = next(chapter for chapter in trace.boots[1].chapters if chapter.tied_by == "instance")
    assert [step.kind for step in chapter.walk()] == ["call", "rpc", "rpc", "sql", "libvirt"]
    assert [other.operation for other in trace.others] == [chapter.name] * 2
    assert_numbered(trace)


def test_neutrons_port_event_belongs_to_the_boot_of_its_server() -> None:
    """Together with the message that it casts to the compute."""
    cloud = Cloud()
    services = Services(cloud)
    neutron = cloud.process("uwsgi neutron-server")
    story = services.boot()
    for _ in range(10):
        next(story)
    body: dict[str, Value] = {"events": [{"name": "network-vif-plugged", "server_uuid": UUID.format(16)}]}
    with neutron.call("neutron.notifiers.nova:Notifier.send_events"):
        neutron.does("http", "POST /v3/auth/tokens", side="client", method="POST", path="/v3/auth/tokens")
        with neutron.asks(services.api.on(7), "POST", "/v2.1/os-server-external-events", "req-ext") as served:
            served.attributes["body"] = body
            sent = services.api.on(7).cast("external_instance_event", "req-ext")
    with services.compute.on(7).receives(sent):
        pass
    run(story)
    boot = cloud.boot()
    assert [chapter.name for chapter in boot.chapters if chapter.tied_by == "instance"] == [
        "neutron.notifiers.nova:Notifier.send_events"
    ]
    assert boot.chapters[-1].name == "external_instance_event"
    assert cloud.trace().others == []


def tree_of_logs(boot: Request) -> list[str]:
    return [step.text("message") for step in boot.walk() if step.kind == "log"]


def test_a_step_that_two_boots_share_is_another_request() -> None:
    """A client function that boots two servers: neither boot contains the other's steps."""
    cloud = Cloud()
    services = Services(cloud)
    with services.client.on(1).step("http", "POST /stacks", side="server", method="POST", path="/stacks") as stack:
        run(services.boot(1))
        run(services.boot(2, own="req-2"))
    for event in cloud.events:
        if event.kind == "call" and event.process is services.client.process:
            event.parent = stack.number
    trace = cloud.trace()
    assert [boot.server for boot in trace.boots] == ["vm1", "vm2"]
    assert [boot.chapters[0].address for boot in trace.boots] == ["1", "1"]
    assert_numbered(trace)
    (shared,) = trace.others
    assert [step.name for step in shared.walk()] == ["POST /stacks"]


def assert_numbered(trace: Trace) -> None:
    """Assert that every step is in one request, once, and has an address below its parent's."""
    everything = [step.id for boot in [*trace.boots, *trace.others] for step in boot.walk()]
    assert len(everything) == len(set(everything))
    for boot in [*trace.boots, *trace.others]:
        addresses = [step.address for step in boot.walk()]
        assert len(addresses) == len(set(addresses))
        assert [chapter.address for chapter in boot.chapters] == [str(n + 1) for n in range(len(boot.chapters))]
        for step in boot.walk():
            for child in step.children:
                assert child.address.rpartition("-" if child.numbered else "/")[0] == step.address


def test_the_outcome_of_a_failed_boot_is_its_last_error() -> None:
    """The last error before the instance was given up, in one line."""
    cloud, services = booted(fails=True)
    boot = cloud.boot()
    assert boot.outcome == "error: NoValidHost: No valid host was found."
    assert boot.uuid == UUID.format(16)
    assert len(boot.chapters) == 2
    assert services.compute.process.key not in {step.id.rpartition("/")[0] for step in boot.walk()}


def test_handled_and_later_errors_are_not_the_outcome() -> None:
    """An earlier error that was caught, and a later one of the clean-up."""
    cloud = Cloud()
    services = Services(cloud)
    story = services.boot(fails=True)
    next(story)
    with services.client.on(1).call("x:early", error="ConsumerNotFound: first"):
        pass
    run(story)
    services.conductor.log("x", "req-1")
    with services.conductor.on(9).receives(services.conductor.cast("late", "req-1"), error="Late: last"):
        pass
    assert cloud.boot().outcome == "error: NoValidHost: No valid host was found."


def test_the_outcome_of_a_refused_request_is_status_and_error() -> None:
    """For example over quota: there is no instance."""
    cloud = Cloud()
    services = Services(cloud)
    with services.client.asks(services.api, "POST", "/v2.1/servers", "req-1", status=403):  # noqa: SIM117
        with services.api.call("nova.compute.api:API.create", error="TooManyInstances: Quota exceeded\nmore"):
            pass
    assert cloud.boot().outcome == "error: HTTP 403, TooManyInstances: Quota exceeded"


def test_the_outcome_without_a_response_is_the_clients_error() -> None:
    cloud = Cloud()
    client = cloud.process("openstack server create vm1")
    with client.asks(None, "POST", "/v2.1/servers", status=None, error="ConnectionError: refused"):
        pass
    assert cloud.boot().outcome == "error: ConnectionError: refused"


def test_an_interrupted_boot_is_unfinished() -> None:
    """After a kill -9 of the compute in the middle of spawn."""
    cloud = Cloud()
    services = Services(cloud)
    story = services.boot()
    for _ in range(9):
        next(story)
    boot = cloud.boot()
    assert boot.outcome == "unfinished"
    assert next(step.name for step in boot.walk() if not step.finished) == "build_and_run_instance"


@pytest.mark.parametrize(
    ("untraced", "first", "chapters"),
    [
        (("openstack",), "API", 3),
        (("openstack", "nova-api"), "conductor", 2),
        (("openstack", "nova-api", "nova-conductor", "scheduler", "placement"), "compute", 1),
        (("nova-api",), "client", 3),
        (("nova-conductor",), "client", 3),
        (("nova-api", "nova-conductor"), "client", 3),
        (("nova-scheduler", "placement-api"), "client", 3),
    ],
)
def test_a_partly_traced_boot_stays_one_boot(untraced: tuple[str, ...], first: str, chapters: int) -> None:
    """It begins with its first traced step, and its middle may be missing."""
    boot = without(booted()[0], *untraced).boot()
    assert boot.chapters[0].service == first
    assert len(boot.chapters) == chapters
    assert boot.request_id == "req-1"
    if "nova-conductor" not in untraced:
        assert boot.outcome == "active"


def test_several_servers_of_one_request_are_one_boot() -> None:
    """min_count=2: a chapter for every server; active when all are."""
    boot = booted(servers=2)[0].boot()
    assert [chapter.name for chapter in boot.chapters[2:]] == ["build_and_run_instance"] * 2
    assert (boot.uuid, boot.outcome) == (UUID.format(16), "active")
    cloud = Cloud()
    story = Services(cloud).boot(servers=2)
    while not any(step.attributes.get("instance") == UUID.format(17) for step in states(cloud)):
        next(story)
    assert cloud.boot().outcome == "unfinished"


def states(cloud: Cloud) -> list[Step]:
    return [step for boot in cloud.trace().boots for step in boot.walk() if step.kind == "state"]


def test_unrelated_trees_in_the_boots_time_are_counted() -> None:
    """By service, kind and name."""
    cloud = Cloud()
    services = Services(cloud)
    heartbeat = services.compute.on(9)
    with heartbeat.calls(services.conductor.on(9), "Service.save", "req-h"):  # before the boot
        pass
    story = services.boot()
    next(story)
    for _ in range(3):
        with heartbeat.calls(services.conductor.on(9), "Service.save", "req-h"):
            services.conductor.on(9).sql("UPDATE services SET report_count=? WHERE id = ?", 1, 1)
    services.conductor.on(8).sql("UPDATE services SET report_count=?", 1)
    services.conductor.on(8).sql("SELECT 1 FROM agents")
    services.conductor.on(8).log("tick")
    run(story)
    services.conductor.on(8).log("after")
    trace = cloud.trace()
    assert [(entry.service, entry.what, entry.kind, entry.count) for entry in trace.boots[0].left_out] == [
        ("compute", "heartbeat Service.save", "rpc", 3),
        ("conductor", "agents", "sql", 1),
        ("conductor", "heartbeat services", "sql", 1),
        ("conductor", "log lines", "log", 1),
    ]
    assert [other.operation for other in trace.others] == ["Service.save"] * 4


def test_other_requests_have_chapters_states_and_outcomes() -> None:
    """All requests and messages that boot no server."""
    cloud = Cloud()
    services = Services(cloud)
    api, compute = services.api, services.compute
    with services.client.asks(api, "DELETE", "/v2.1/servers/1", "req-d", status=204):
        message = api.cast("terminate_instance", "req-d")
    with compute.receives(message), compute.calls(services.conductor, "Instance.save", "req-d"):
        services.conductor.sql("UPDATE instances SET vm_state=? WHERE uuid = ?", "deleted", UUID.format(1))
    compute.log("gone", "req-d")
    api.does("http", "GET /", side="server", method="GET", path="/", error="KeyError: 'x'")
    with api.step("rpc", "ping", side="client", mode="call", open_=True):
        pass
    services.conductor.sql("SELECT 1 FROM agents")  # no message: no request
    trace = cloud.trace()
    assert trace.boots == []
    assert [(other.number, other.operation, other.outcome) for other in trace.others] == [
        (1, "DELETE /v2.1/servers/1", "done"), (2, "GET /", "failed"), (3, "ping", "unfinished"),
    ]  # fmt: skip
    deletion = trace.others[0]
    assert (deletion.request_ids, len(deletion.chapters)) == (["req-d"], 2)
    (state,) = [step for step in deletion.walk() if step.kind == "state"]
    assert state.attributes["changes"] == {"vm_state": [None, "deleted"]}
    assert [step.name for step in deletion.walk() if step.kind == "log"] == ["nova.x"]
    assert_numbered(trace)


@settings(max_examples=examples(200))
@given(st.lists(CRAFTED, max_size=24))
def test_any_events_are_in_one_request_once(events: list[Event]) -> None:
    """Without exceptions, duplicate steps or duplicate addresses."""
    assert_numbered(correlate(Events(events)))


def test_a_boot_does_not_depend_on_the_others() -> None:
    """Ten at once in the same processes: all have the same tree, and they are in order of their start."""
    cloud = Cloud()
    services = Services(cloud)
    run(*(services.boot(number) for number in range(1, 11)))
    trace = cloud.trace()
    assert [boot.number for boot in trace.boots] == list(range(1, 11))
    assert all(earlier.started < later.started for earlier, later in pairwise(trace.boots))
    assert len({tree(boot) for boot in trace.boots}) == 1


@pytest.mark.parametrize(
    ("status", "outcome"), [(404, "error: HTTP 404"), (409, "error: HTTP 409"), (500, "error: HTTP 500"), (204, "done")]
)
def test_a_request_that_creates_nothing_ends_as_its_answer_says(status: int, outcome: str) -> None:
    cloud = Cloud()
    api = cloud.process("/usr/bin/nova-api")
    with api.step("http", "DELETE /v2.1/servers/a", side="server", request_id="req-1") as step:
        step.attributes["status"] = status
    (request,) = cloud.trace().others
    assert request.outcome == outcome


def test_a_request_whose_cast_fails_later_has_failed() -> None:
    """The API answers 202, and the compute fails afterwards."""
    cloud = Cloud()
    api, compute = cloud.process("/usr/bin/nova-api"), cloud.process("/usr/bin/nova-compute")
    with api.step("http", "POST /v2.1/servers/a/action", side="server", status=202, request_id="req-1"):
        api.does("rpc", "resize_instance", side="client", mode="cast", unique_id="u1")
    ids = {"unique_id": "u1", "request_id": "req-1"}
    compute.does("rpc", "resize_instance", side="server", error="ResizeError: no space", **ids)
    (request,) = cloud.trace().others
    assert (request.outcome, len(request.chapters)) == ("failed", 2)
