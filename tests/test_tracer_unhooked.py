"""Events of logs and copies, merged and nested: witnesses of one step, and the request of a line."""

from __future__ import annotations

from typing import Any

from tests.support.events import EPOCH, UUID, Cloud
from tracer.correlation import witnesses
from tracer.correlation.pipeline import correlate
from tracer.events import Event, Events, Process
from tracer.model import Trace

SECOND = 1_000_000_000
MS = 1_000_000
LOG = Process("log nova-compute 7", 7, "", "nova-compute")


class EventLog:
    """The flat events of a log, as a reader returns them."""

    def __init__(self, process: Process = LOG, witness: str = "logs") -> None:
        self.process = process
        self.witness = witness
        self.events: list[Event] = []

    def add(self, kind: str, name: str, start: int, end: int | None = None, **attributes: Any) -> Event:
        event = Event(
            self.process, len(self.events) + 1, 0, kind, name, 0, EPOCH + start, None if end is None else EPOCH + end,
            attributes=attributes, witnesses=(self.witness,),
        )  # fmt: skip
        self.events.append(event)
        return event

    def line(self, time: int, request_id: str | None = None) -> Event:
        ids = {"request_id": request_id} if request_id else {}
        return self.add("log", "nova.x", time, time, message=str(time), logger="nova.x", **ids)

    def serve(self, method: str, start: int, end: int | None = None, **attributes: Any) -> Event:
        return self.add("rpc", method, start, end, side="server", **attributes)


def parents(log: EventLog) -> list[tuple[int, str]]:
    witnesses.unify(log.events)
    return [(event.parent, event.tied_by) for event in log.events]


def test_events_of_hooks_alone_stay_unchanged() -> None:
    cloud = Cloud()
    cloud.process("nova-api").log("x")
    assert witnesses.unify(cloud.events) is cloud.events


def test_a_line_belongs_to_the_message_of_its_request() -> None:
    log = EventLog()
    log.serve("a", 0, request_id="req-a", unique_id="1")
    log.serve("b", 5 * MS, request_id="req-b", unique_id="2")
    line = log.line(20 * MS, "req-a")
    witnesses.unify(log.events)
    assert (line.parent, line.tied_by) == (log.events[0].number, "request_id")


def test_a_line_without_an_id_belongs_to_the_only_message_under_way() -> None:
    log = EventLog()
    served = log.serve("a", 0, 50 * MS, request_id="req-a")
    inside, outside = log.line(20 * MS), log.line(90 * MS)
    witnesses.unify(log.events)
    assert (inside.parent, inside.tied_by) == (served.number, "time")
    assert outside.parent == 0


def test_a_line_without_an_id_belongs_to_none_of_two() -> None:
    log = EventLog()
    log.serve("a", 0, 50 * MS, request_id="req-a")
    log.serve("b", 1 * MS, 50 * MS, request_id="req-b")
    assert log.line(20 * MS).parent == 0
    assert parents(log)[2] == (0, "")


def test_a_line_without_an_id_belongs_to_the_message_of_its_instance() -> None:
    log = EventLog()
    for number, name in enumerate("ab"):
        log.serve(name, number * MS, 50 * MS, request_id=f"req-{name}")
    for number, name in enumerate("ab"):
        line = log.line((10 + number) * MS, f"req-{name}")
        line.attributes["message"] = f"[instance: {UUID.format(number)}] starting"
    line = log.line(20 * MS)
    line.attributes["message"] = f"deleting {UUID.format(1)}"
    witnesses.unify(log.events)
    assert (line.parent, line.tied_by) == (log.events[1].number, "instance")


def test_a_message_without_an_answer_ends_with_its_last_line() -> None:
    log = EventLog()
    served = log.serve("a", 0, request_id="req-a")
    log.line(20 * MS, "req-a")
    late = log.line(60 * SECOND)
    witnesses.unify(log.events)
    assert served.end == EPOCH + 20 * MS
    assert late.parent == 0


def test_a_cast_has_the_first_request_id_after_it() -> None:
    log = EventLog()
    served = log.serve("a", 0, unique_id="1")
    log.line(20 * MS, "req-a")
    witnesses.unify(log.events)
    assert served.attributes["request_id"] == "req-a"


def test_an_id_is_not_given_to_one_of_two_messages_by_time() -> None:
    log = EventLog()
    log.serve("a", 0, unique_id="1")
    log.serve("b", 5 * MS, unique_id="2")
    log.line(20 * MS, "req-a")
    assert parents(log)[2] == (0, "")
    assert all("request_id" not in event.attributes for event in log.events[:2])


def test_a_message_that_has_been_silent_for_long_leaves_the_id_to_the_next() -> None:
    log = EventLog()
    log.serve("a", 0, unique_id="1")
    served = log.serve("b", 60 * SECOND, unique_id="2")
    log.line(60 * SECOND + 20 * MS, "req-b")
    assert parents(log)[2] == (served.number, "request_id")


def test_a_stale_request_id_is_ignored() -> None:
    log = EventLog()
    log.add("http", "GET /a", 0, 10 * MS, side="server", request_id="req-a")
    log.line(5 * MS, "req-a")
    later = log.add("http", "GET /b", 9 * SECOND, 9 * SECOND + 9 * MS, side="server", request_id="req-a")
    line = log.line(9 * SECOND + 5 * MS, "req-a")
    witnesses.unify(log.events)
    assert (later.attributes.get("request_id"), later.attributes["logged_request_id"]) == (None, "req-a")
    assert (line.parent, line.tied_by) == (later.number, "time")


def test_heartbeats_belong_to_no_request() -> None:
    log = EventLog()
    log.serve("a", 0, 50 * MS, request_id="req-a")
    begins = log.add("sql", "", 19 * MS, 19 * MS, statement="BEGIN IMMEDIATE")
    own = log.add("sql", "", 20 * MS, 20 * MS, statement="SELECT x FROM services \nWHERE services.id = ?")
    beat = log.add("sql", "", 21 * MS, 21 * MS, statement="UPDATE services SET report_count=? WHERE services.id = ?")
    other = log.add("sql", "", 22 * MS, 22 * MS, statement="SELECT x FROM services WHERE services.topic = ?")
    witnesses.unify(log.events)
    assert (begins.parent, own.parent, beat.parent, bool(other.parent)) == (0, 0, 0, True)


def test_log_and_copy_of_a_message_are_one_step_with_two_witnesses() -> None:
    log, broker = EventLog(), EventLog(Process("broker x", 0, "", "nova-api"), "broker")
    log.add("rpc", "object_action", 0, 30 * MS, side="client", mode="call", msg_id="m", topic="conductor")
    broker.add(
        "rpc", "Instance.save", MS, 29 * MS, side="client", mode="call", msg_id="m", unique_id="u", topic="conductor"
    )
    (merged,) = witnesses.unify([*broker.events, *log.events])
    assert (merged.name, merged.witnesses, merged.attributes["unique_id"]) == ("Instance.save", ("logs", "broker"), "u")
    assert merged.process is LOG


def hooked(log: EventLog) -> Trace:
    """Correlate a capture of a process and the log that it wrote."""
    cloud = Cloud()
    compute = cloud.process("/usr/bin/nova-compute")
    with compute.step(
        "http", "POST /v2.1/servers", side="server", method="POST", path="/v2.1/servers", request_id="req-1"
    ):
        compute.sql("SELECT 1  FROM x", 5)
        compute.log("hello", "req-1")
    pid = compute.process.pid
    log.process = Process(f"log nova-compute {pid}", pid, "", "nova-compute")
    log.add(
        "http", "POST /v2.1/servers", MS, 9 * MS, side="server", method="POST", path="/v2.1/servers", request_id="req-1"
    )
    log.add("sql", "", 3 * MS, 3 * MS, statement="SELECT 1 FROM x", parameters=[5], request_id="req-1")
    log.add("log", "nova.x", 5 * MS, 5 * MS, message="hello", logger="nova.x", request_id="req-1")
    log.add("log", "nova.y", 5 * MS, 5 * MS, message="only in the log", logger="nova.y", request_id="req-1")
    return correlate(Events([*cloud.events, *log.events], [*cloud.processes, log.process]))


def test_the_log_of_a_hooked_process_confirms_and_adds_steps() -> None:
    (boot,) = hooked(EventLog()).boots
    steps = [(step.kind, step.name, step.witnesses) for step in boot.walk()]
    both = ("hooks", "logs")
    assert steps == [
        ("http", "POST /v2.1/servers", both),
        ("sql", "SELECT x", both),
        ("log", "nova.x", both),
        ("log", "nova.y", ("logs",)),
    ]


def test_casts_of_2011_are_linked_by_topic_and_order() -> None:
    api, scheduler = EventLog(Process("a", 1, "", "nova-api")), EventLog(Process("s", 2, "", "nova-scheduler"))
    first = api.add("rpc", "", 0, 0, side="client", mode="cast", topic="scheduler")
    second = api.add("rpc", "", MS, MS, side="client", mode="cast", topic="scheduler")
    received = [scheduler.serve(f"run_{number}", 5 * MS + number, request_id=f"req-{number}") for number in range(2)]
    witnesses.unify([*api.events, *scheduler.events])
    assert [sent.name for sent in (first, second)] == ["run_0", "run_1"]
    assert [sent.attributes["topic_order"] for sent in (first, second)] == [
        number.attributes["topic_order"] for number in received
    ]


def test_logs_of_two_hosts_with_the_same_pid_are_not_mixed() -> None:
    """In containers every service may have pid 7: a log is matched by its messages, or not at all."""
    cloud = Cloud()
    first, second = cloud.process("/usr/bin/nova-compute", "h1"), cloud.process("/usr/bin/nova-compute", "h2")
    first.process.pid = second.process.pid = 7
    for worker, unique_id in ((first, "u1"), (second, "u2")):
        with worker.step("rpc", "build", side="server", unique_id=unique_id):
            worker.sql("SELECT 1 FROM x")
    log = EventLog(Process("log h2 7", 7, "", "nova-compute"))
    log.serve("build", 5 * MS, unique_id="u2")
    log.add("sql", "", 3 * MS, 3 * MS, statement="SELECT 1 FROM x")
    hosts = {event.process.host for event in witnesses.unify([*cloud.events, *log.events]) if "logs" in event.witnesses}
    assert hosts == {"h2"}
    unknown = EventLog(Process("log h3 7", 7, "", "nova-compute"))
    unknown.add("sql", "", 3 * MS, 3 * MS, statement="SELECT 1 FROM x")
    alone = witnesses.unify([*cloud.events, *unknown.events])
    assert [event.process for event in alone if "logs" in event.witnesses and "hooks" not in event.witnesses] == [
        unknown.process
    ]


def test_a_log_line_matches_its_abbreviated_event() -> None:
    cloud = Cloud()
    compute = cloud.process("/usr/bin/nova-compute")
    for message in ("Weighed <list>", "Took 0.5 s", "Boom"):
        compute.log(message).attributes["level"] = "ERROR" if message == "Boom" else "DEBUG"
    log = EventLog(Process("log compute", compute.process.pid, "", "nova-compute"))
    written = "Weighed [host1]", f"[instance: {UUID.format(1)}] Took 0.5 s", "Boom: KeyError", "Took 1 s"
    for number, message in enumerate(written):
        level = "ERROR" if message.startswith("Boom") else "DEBUG"
        log.line(number * MS).attributes |= {"message": message, "level": level}
    merged = [(event.attributes["message"], event.witnesses) for event in witnesses.unify([*cloud.events, *log.events])]
    both = ("hooks", "logs")
    assert sorted(merged, key=str) == [
        ("Boom", both), ("Took 0.5 s", both), ("Took 1 s", ("logs",)), ("Weighed <list>", both),
    ]  # fmt: skip


def test_lines_of_one_source_position_are_one_event() -> None:
    """Even if the witnesses have abbreviated or masked the message differently."""
    cloud = Cloud()
    compute = cloud.process("/usr/bin/nova-compute")
    source = {"level": "DEBUG", "file": "/nova/compute.py"}
    compute.log("Weighed <list>").attributes |= {**source, "line": 5}
    compute.log("token ***").attributes |= {**source, "line": 6}
    log = EventLog(Process("log compute", compute.process.pid, "", "nova-compute"))
    for number, (message, line) in enumerate((("Weighed nothing", 4), ("Weighed [host1]", 5), ("a token: ***", 6))):
        log.line(number * MS).attributes |= {**source, "message": message, "line": line}
    merged = [(event.attributes["line"], event.witnesses) for event in witnesses.unify([*cloud.events, *log.events])]
    assert sorted(merged) == [(4, ("logs",)), (5, ("hooks", "logs")), (6, ("hooks", "logs"))]


def test_a_statement_that_the_echo_truncated_is_one_step() -> None:
    """SQLAlchemy truncates an INSERT of many rows."""
    cloud = Cloud()
    compute = cloud.process("/usr/bin/nova-compute")
    row = "(%(key__0)s, %(value__0)s, %(instance_uuid__0)s)"
    whole = f"INSERT INTO instance_system_metadata (`key`, value, instance_uuid) VALUES {', '.join([row] * 20)}"
    compute.sql(whole)
    log = EventLog(Process("log compute", compute.process.pid, "", "nova-compute"))
    cut = len(whole) - 350
    log.add("sql", "", 0, statement=f"{whole[:250]} ... {cut} characters truncated ... {whole[-100:]}")
    other = log.add("sql", "", 0, statement=f"{whole[:250]} ... {cut + 1} characters truncated ... {whole[-100:]}")
    merged = witnesses.unify([*cloud.events, *log.events])
    assert [event.witnesses for event in merged if event is not other] == [("hooks", "logs")]
    assert (len(merged), other.witnesses) == (2, ("logs",))


POST = {"side": "server", "method": "POST", "path": "/v2.1/servers"}


def access(pid: int, *seconds: int, folder: str = "h1") -> EventLog:
    """Return uWSGI's own log of a process's requests, without ids and with times in whole seconds."""
    log = EventLog(Process(f"log {folder}/nova-api-access.log {pid}", pid, "", "nova-api-access"))
    for second in seconds:
        log.add("http", "POST /v2.1/servers", second * SECOND, second * SECOND + 100 * MS, **POST, status=202)
    return log


def service_log(pid: int, *starts: int, folder: str = "h1") -> EventLog:
    """Return the same requests in the process's own log."""
    log = EventLog(Process(f"log {folder}/nova-api.log {pid}", pid, "", "nova-api"))
    for number, start in enumerate(starts):
        log.add("http", "POST /v2.1/servers", start, start + 90 * MS, **POST, request_id=f"req-{pid}-{number}")
    return log


def test_requests_in_the_servers_and_the_processs_log_are_merged() -> None:
    """A request that only the server has logged stays."""
    own, server = service_log(7, 900 * MS, SECOND, 5 * SECOND), access(7, 0, 1, 5, 9)
    trace = correlate(Events([*own.events, *server.events], [own.process, server.process]))
    assert [(boot.request_id, boot.started - EPOCH) for boot in trace.boots] == [
        ("req-7-0", 900 * MS), ("req-7-1", SECOND), ("req-7-2", 5 * SECOND), ("", 9 * SECOND),
    ]  # fmt: skip


def test_a_request_with_hooks_and_two_logs_is_one_step() -> None:
    cloud = Cloud()
    api = cloud.process("/usr/bin/nova-api")
    api.does("http", "POST /v2.1/servers", **POST, request_id="req-1")
    own, server = service_log(api.process.pid, MS), access(api.process.pid, 0)
    own.events[0].attributes["request_id"] = "req-1"
    (merged,) = witnesses.unify([*server.events, *own.events, *cloud.events])
    assert (merged.witnesses, merged.attributes["status"]) == (("hooks", "logs"), 202)


def test_access_logs_of_two_hosts_with_the_same_pid_are_not_merged() -> None:
    """Their requests cannot be assigned."""
    logs = [service_log(7, MS), service_log(7, 2 * MS, folder="h2"), access(7, 0), access(7, 0, folder="h2")]
    merged = witnesses.unify([event for log in logs for event in log.events])
    assert [event.witnesses for event in merged] == [("logs",)] * 4


def test_a_request_with_a_stale_id_in_its_log_is_one_step() -> None:
    cloud = Cloud()
    api = cloud.process("/usr/bin/nova-api")
    service_log = {"side": "server", "method": "GET", "path": "/v2.1"}
    api.does("http", "GET /v2.1", **service_log, request_id="req-1")
    log = EventLog(Process("log api", api.process.pid, "", "nova-api"))
    log.add("http", "GET /v2.1", MS, 2 * MS, **service_log, request_id="req-0")
    (merged,) = witnesses.unify([*cloud.events, *log.events])
    assert (merged.witnesses, merged.attributes["request_id"]) == (("hooks", "logs"), "req-1")
