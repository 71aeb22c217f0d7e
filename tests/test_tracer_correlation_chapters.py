"""Events outside any step: below the step of their time, as a chapter of their own, or not in the boot."""

from __future__ import annotations

from typing import Any

from tests.support.events import Cloud, Services, run, tree
from tests.test_tracer_correlation_requests import assert_numbered, booted, tree_of_logs
from tracer.events import Event


def test_lines_outside_steps_are_below_the_step_of_their_time() -> None:
    """Lines with the boot's id are assigned by process, thread and time."""
    cloud = Cloud()
    services = Services(cloud)
    api = services.api.on(7)
    with services.client.asks(None, "POST", "/v2.1/servers", "req-1"), api.step(
        "http", "POST", side="server", request_id="req-1", method="POST", path="/v2.1/servers"
    ):  # fmt: skip
        with api.call("a:first"):
            api.does("log", "in first", parent=0, request_id="req-1")
            services.api.on(8).does("log", "elsewhere", parent=0, request_id="req-1")
        api.does("log", "between", parent=0, request_id="req-1")
        with api.call("a:second"):
            pass
    boot = cloud.boot()
    assert tree(boot).splitlines() == [
        "client http POST /v2.1/servers",
        "  API http POST",
        "    API call a:first",
        "      API log in first",
        "      API log elsewhere",
        "    API log between",
        "    API call a:second",
    ]
    assert {step.tied_by for step in boot.walk() if step.kind == "log"} == {"request_id"}
    assert {step.address for step in boot.walk() if step.kind == "log"} == {"1-1-1/1", "1-1-1/2", "1-1/1"}


def test_other_requests_of_the_same_caller_open_chapters() -> None:
    """Neutron's port event for the server, and the chapter that its cast opens."""
    cloud, services = booted()
    path = "/v2.1/os-server-external-events"
    neutron: dict[str, Any] = {"method": "POST", "path": path, "request_id": "req-e", "global_request_id": "req-1"}
    with services.api.on(9).step("http", "POST", side="server", **neutron):
        message = services.api.on(9).cast("external_instance_event", "req-e")
    with services.compute.on(9).receives(message):
        pass
    services.api.on(9).does("log", "late", request_id="req-e")
    boot = cloud.boot()
    assert [chapter.name for chapter in boot.chapters[3:]] == ["POST", "external_instance_event"]
    assert [step.tied_by for step in boot.chapters[3:]] == ["request_id", "unique_id"]
    assert "req-e" in boot.request_ids
    assert "API log late" in tree(boot)
    assert_numbered(cloud.trace())


def test_lines_of_a_process_without_steps_are_in_a_chapter_of_its_own() -> None:
    """A line of a service is never below a step of another."""
    cloud = Cloud()
    services, other = Services(cloud), cloud.process("glance-api")
    story = services.boot()
    next(story)
    other.log("while asking", "req-1")
    run(story)
    other.log("after all", "req-1")
    boot = cloud.boot()
    assert [(chapter.service, chapter.tied_by) for chapter in boot.chapters] == [
        ("client", ""), ("image", "request_id"), ("conductor", "unique_id"), ("compute", "unique_id"),
    ]  # fmt: skip
    assert [step.text("message") for step in boot.chapters[1].children] == ["while asking", "after all"]


def test_every_event_with_an_id_of_the_boot_is_in_it() -> None:
    """Also before the first step of a process, and in processes without other events."""
    cloud, services = booted()
    early = Event(services.api.process, 900, 0, "log", "early", 1, cloud.events[0].start - 5, attributes={})
    early.attributes["request_id"] = "req-1"
    cloud.events.append(early)
    other = cloud.process("nova-novncproxy")
    other.log("alone", "req-1")
    other.sql("SELECT 1", request_id="req-1")
    with other.step("rpc", "unlinked", side="server", request_id="req-1"):
        pass
    boot = cloud.boot()
    assert len(list(boot.walk())) > len(cloud.events) - 8
    with_id = [event for event in cloud.events if event.attributes.get("request_id") in boot.request_ids]
    assert {f"{event.process.key}/{event.number}" for event in with_id if event.name != "reply"} <= {
        step.id for step in boot.walk()
    }
    assert_numbered(cloud.trace())


def test_the_id_of_a_start_up_context_adds_no_other_steps() -> None:
    """The resource tracker saves under its service's start-up id: only that call is below the claim."""
    cloud = Cloud()
    services = Services(cloud)
    story = services.boot()
    services.compute.does("rpc", "Service.create", side="client", mode="call", msg_id="1", request_id="req-start")
    for _ in range(9):
        next(story)
    with services.compute.on(1).calls(services.conductor.on(5), "ComputeNode.save", "req-start"):
        pass
    services.compute.on(6).log("periodic", "req-start")
    run(story)
    trace = cloud.trace()
    (boot,) = trace.boots
    assert "ComputeNode.save" in tree(boot)
    assert "Service.create" not in tree(boot)
    assert "periodic" not in tree_of_logs(boot)
    assert "req-start" not in boot.request_ids
    assert [other.operation for other in trace.others] == ["Service.create"]
