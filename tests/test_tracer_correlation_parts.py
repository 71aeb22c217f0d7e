"""Requests of which only log lines are known: parts of processes, lines that name an instance, what is not assigned."""

from __future__ import annotations

from typing import Any

from tests.support.events import UUID
from tests.test_tracer_unhooked import MS, SECOND, EventLog
from tracer.correlation.pipeline import correlate
from tracer.events import Event, Events, Process
from tracer.model import Request, Step, Trace

API, COMPUTE, CONDUCTOR = (
    Process(f"log {name} {pid}", pid, "", name)
    for pid, name in enumerate(("nova-api", "nova-compute", "nova-conductor"))
)


class Logs:
    """The logs of an API, a compute and a conductor."""

    def __init__(self) -> None:
        self.api, self.compute, self.conductor = map(EventLog, (API, COMPUTE, CONDUCTOR))

    def trace(self) -> Trace:
        logs = [self.api, self.compute, self.conductor]
        return correlate(Events([event for log in logs for event in log.events], [log.process for log in logs]))


def say(log: EventLog, time: int, message: str, request_id: str | None = None, **attributes: Any) -> Event:
    event = log.line(time, request_id)
    event.attributes |= {"message": message, "level": "INFO", **attributes}
    return event


def serve(log: EventLog, time: int, method: str, path: str, request_id: str, status: int = 202) -> None:
    log.add(
        "http", f"{method} {path}", time, time + 500 * MS, side="server", method=method, path=path, status=status,
        request_id=request_id,
    )  # fmt: skip


def heads(request: Request) -> list[tuple[str, str, str]]:
    return [(chapter.service, chapter.name, chapter.tied_by) for chapter in request.chapters]


def messages(step: Step) -> list[str]:
    return [child.text("message") for child in step.children]


def about(number: int, text: str) -> str:
    return f"[instance: {UUID.format(number)}] {text}"


def test_each_process_has_one_part() -> None:
    logs = Logs()
    serve(logs.api, 0, "POST", "/v2.1/servers", "req-a")
    say(logs.conductor, SECOND, "scheduling", "req-a")
    say(logs.compute, 2 * SECOND, "first", "req-a")
    say(logs.compute, 9 * SECOND, "last", "req-a")
    (boot,) = logs.trace().boots
    assert heads(boot) == [
        ("API", "POST /v2.1/servers", ""),
        ("conductor", "log lines", "request_id"),
        ("compute", "log lines", "request_id"),
    ]
    part = boot.chapters[2]
    assert (messages(part), part.duration, part.witnesses) == (["first", "last"], 7 * SECOND, ("logs",))


def test_one_service_alone_is_enough() -> None:
    logs = Logs()
    say(logs.compute, 0, about(1, "Claim successful on node kite"), "req-a", logger="nova.compute.claims")
    say(logs.compute, SECOND, about(2, "Terminating instance"), "req-b", logger="nova.compute.manager")
    say(logs.conductor, 2 * SECOND, "busy", "req-c")
    trace = logs.trace()
    assert [(boot.request_id, boot.uuid, boot.host) for boot in trace.boots] == [("req-a", UUID.format(1), "kite")]
    assert [(other.request_id, other.operation, other.outcome) for other in trace.others] == [
        ("req-b", "delete: log lines of compute", "unknown"),
        ("req-c", "log lines of conductor", "unknown"),
    ]
    assert trace.untied == []


def test_messages_that_a_part_sent_are_inside_it() -> None:
    logs = Logs()
    say(logs.compute, 0, "before", "req-a")
    logs.compute.add(
        "rpc", "Instance.save", SECOND, 2 * SECOND, side="client", mode="call", msg_id="1", request_id="req-a"
    )
    logs.conductor.serve("Instance.save", SECOND + MS, 2 * SECOND, msg_id="1", request_id="req-a")
    (request,) = logs.trace().others
    assert heads(request) == [("compute", "log lines", "")]
    assert [(step.kind, step.service) for step in request.walk()] == [
        ("call", "compute"), ("log", "compute"), ("rpc", "compute"), ("rpc", "conductor"),
    ]  # fmt: skip


def test_a_global_id_links_parts() -> None:
    logs = Logs()
    say(logs.compute, 0, "asking", "req-a")
    say(logs.api, SECOND, "answering", "req-b", global_request_id="req-a")
    (request,) = logs.trace().others
    assert (request.request_ids, len(request.chapters)) == (["req-a", "req-b"], 2)


def test_lines_under_an_id_of_two_requests_belong_to_neither() -> None:
    logs = Logs()
    for number in (0, 1):
        serve(logs.api, number * SECOND, "GET", f"/v2.1/flavors/{number}", "req-shared", 200)
    say(logs.compute, SECOND, "whose", "req-shared")
    trace = logs.trace()
    assert [len(list(other.walk())) for other in trace.others] == [1, 1]
    assert [(entry.why, entry.kind, entry.count) for entry in trace.untied] == [("unknown", "log", 1)]


def test_a_build_has_no_request_of_its_own_where_another_was_received() -> None:
    """A rebuild claims too, and so does a resize."""
    logs = Logs()
    serve(logs.api, 0, "POST", f"/v2.1/servers/{UUID.format(1)}/action", "req-a")
    say(logs.compute, SECOND, about(1, "Claim successful on node kite"), "req-a", logger="nova.compute.claims")
    trace = logs.trace()
    assert (trace.boots, [other.request_id for other in trace.others]) == ([], ["req-a"])


def test_a_line_without_an_id_belongs_to_the_only_request_of_its_instance() -> None:
    logs = Logs()
    for number in (1, 2):
        serve(logs.api, number * MS, "POST", "/v2.1/servers", f"req-{number}")
        say(logs.compute, SECOND + number * MS, about(number, "Creating image"), f"req-{number}")
        say(logs.compute, 3 * SECOND + number * MS, about(number, "Took 2 seconds to build instance."), f"req-{number}")
    say(logs.compute, 2 * SECOND, about(2, "Instance spawned successfully."))
    first, second = logs.trace().boots
    assert "Instance spawned" not in str([step.text("message") for step in first.walk()])
    (line,) = [step for step in second.walk() if "Instance spawned" in step.text("message")]
    assert line.tied_by == "instance"


def test_a_line_that_two_requests_may_have_belongs_to_none() -> None:
    """It still makes a request of its own: its instance is known."""
    logs = Logs()
    for name in ("a", "b"):
        serve(logs.api, 0, "POST", f"/v2.1/servers/{UUID.format(1)}/action", f"req-{name}")
    say(logs.compute, 100 * MS, about(1, "Rebooting"))
    first, second, third = logs.trace().others
    assert {len(list(request.walk())) for request in (first, second)} == {1}
    assert messages(third.chapters[0]) == [about(1, "Rebooting")]


def test_who_only_reads_is_not_asked_for_a_line() -> None:
    logs = Logs()
    serve(logs.api, 0, "GET", f"/v2.1/servers/{UUID.format(1)}", "req-a", 200)
    serve(logs.api, 1, "DELETE", f"/v2.1/servers/{UUID.format(1)}", "req-b", 204)
    say(logs.compute, SECOND, about(1, "Instance destroyed successfully."))
    deleted = next(other for other in logs.trace().others if other.request_id == "req-b")
    assert heads(deleted)[1:] == [("compute", "log lines", "instance")]


def test_lines_about_an_instance_are_one_request_until_a_long_silence() -> None:
    logs = Logs()
    for time in (0, 300, 2000):
        say(logs.compute, time * SECOND, about(1, f"at {time}"))
    assert [messages(other.chapters[0]) for other in logs.trace().others] == [
        [about(1, "at 0"), about(1, "at 300")], [about(1, "at 2000")],
    ]  # fmt: skip


def test_an_event_of_libvirt_belongs_to_its_instance_not_to_its_id() -> None:
    logs = Logs()
    for number in (1, 2):
        say(logs.compute, number * MS, about(number, "Creating image"), f"req-{number}")
        say(logs.compute, 2 * SECOND, about(number, "VM Started (Lifecycle Event)"), "req-since-start")
    boots = logs.trace().boots
    for number, boot in enumerate(boots, 1):
        assert {step.text("message")[:46] for step in boot.walk() if step.kind == "log"} == {about(number, "")[:46]}
        assert len(boot.chapters[0].children) == 2


NEUTRON = Process("log neutron-server 9", 9, "", "neutron-server")


def test_a_part_of_neutron_belongs_to_the_request_of_its_port() -> None:
    """Before 2016 Neutron had no id of its caller."""
    logs, neutron = Logs(), EventLog(NEUTRON)
    say(logs.compute, 0, about(1, f"Creating image, port {UUID.format(7)}"), "req-a")
    say(neutron, SECOND, f"Failed to bind port {UUID.format(7)} on host kite", "req-b")
    say(neutron, SECOND, f"Failed to bind port {UUID.format(8)} on host kite", "req-c")
    say(logs.compute, 2 * SECOND, about(1, "Instance failed to spawn"), "req-a", logger="nova.compute.manager")
    trace = correlate(Events([*logs.compute.events, *neutron.events], [COMPUTE, NEUTRON]))
    (boot,) = trace.boots
    assert heads(boot) == [("compute", "log lines", ""), ("network", "log lines", "instance")]
    assert boot.request_ids == ["req-a", "req-b"]
    assert [other.request_id for other in trace.others] == ["req-c"]


def test_a_part_about_several_ports_belongs_to_no_request_of_one() -> None:
    """The service may have kept its id since it started."""
    logs, neutron = Logs(), EventLog(NEUTRON)
    say(logs.compute, 0, about(1, f"Creating image, port {UUID.format(7)}"), "req-a", logger="nova.virt.libvirt.driver")
    say(logs.compute, 2 * SECOND, about(1, "Instance failed to spawn"), "req-a", logger="nova.compute.manager")
    for number in (7, 8):
        say(neutron, SECOND, f"Port {UUID.format(number)} updated", "req-kept")
    trace = correlate(Events([*logs.compute.events, *neutron.events], [COMPUTE, NEUTRON]))
    assert len(trace.boots[0].chapters) == 1


def test_work_on_a_timer_is_no_request() -> None:
    logs = Logs()
    say(logs.compute, 0, "Running periodic task", "req-a").name = "oslo_service.periodic_task"
    say(logs.compute, SECOND, "auditing", "req-a")
    trace = logs.trace()
    assert (trace.others, [entry.why for entry in trace.untied]) == ([], ["periodic", "periodic"])


def test_equal_requests_without_ids_have_nothing_by_time() -> None:
    """One of them has the id that is logged next; the statement before it may be the other's."""
    log = EventLog(API)
    for start in (0, 10 * MS):
        log.add("http", "POST /servers", start, SECOND, side="server", method="POST", path="/servers")
    log.add("sql", "", 2 * MS, 2 * MS, statement="INSERT INTO instances (uuid) VALUES (?)")
    log.line(100 * MS, "req-a")
    trace = correlate(Events(log.events, [API]))
    assert [boot.request_id for boot in trace.boots] == ["req-a", ""]
    assert [step.kind for boot in trace.boots for step in boot.walk()] == ["http", "log", "http"]
