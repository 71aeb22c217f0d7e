"""What logs and copies tell, merged and nested: witnesses of one step, and which request a line belongs to."""

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


class Told:
    """Events of a log, flat, as a reader gives them."""

    def __init__(self, process: Process = LOG, witness: str = "logs") -> None:
        self.process = process
        self.witness = witness
        self.events: list[Event] = []

    def add(self, kind: str, name: str, at: int, end: int | None = None, **told: Any) -> Event:
        event = Event(
            self.process, len(self.events) + 1, 0, kind, name, 0, EPOCH + at, None if end is None else EPOCH + end,
            attributes=told, witnesses=(self.witness,),
        )  # fmt: skip
        self.events.append(event)
        return event

    def line(self, at: int, request_id: str | None = None) -> Event:
        told = {"request_id": request_id} if request_id else {}
        return self.add("log", "nova.x", at, at, message=str(at), logger="nova.x", **told)

    def takes(self, method: str, at: int, end: int | None = None, **told: Any) -> Event:
        return self.add("rpc", method, at, end, side="server", **told)


def parents(told: Told) -> list[tuple[int, str]]:
    witnesses.unify(told.events)
    return [(event.parent, event.tied_by) for event in told.events]


def test_hooks_alone_stay_as_they_are() -> None:
    cloud = Cloud()
    cloud.process("nova-api").log("x")
    assert witnesses.unify(cloud.events) is cloud.events


def test_a_line_belongs_to_the_message_of_its_request() -> None:
    told = Told()
    told.takes("a", 0, request_id="req-a", unique_id="1")
    told.takes("b", 5 * MS, request_id="req-b", unique_id="2")
    line = told.line(20 * MS, "req-a")
    witnesses.unify(told.events)
    assert (line.parent, line.tied_by) == (told.events[0].number, "request_id")


def test_a_line_without_an_id_belongs_to_the_only_message_under_way() -> None:
    told = Told()
    taken = told.takes("a", 0, 50 * MS, request_id="req-a")
    inside, outside = told.line(20 * MS), told.line(90 * MS)
    witnesses.unify(told.events)
    assert (inside.parent, inside.tied_by) == (taken.number, "time")
    assert outside.parent == 0


def test_a_line_without_an_id_belongs_to_none_of_two() -> None:
    told = Told()
    told.takes("a", 0, 50 * MS, request_id="req-a")
    told.takes("b", 1 * MS, 50 * MS, request_id="req-b")
    assert told.line(20 * MS).parent == 0
    assert parents(told)[2] == (0, "")


def test_a_line_without_an_id_belongs_to_the_one_that_told_of_its_instance() -> None:
    told = Told()
    for place, name in enumerate("ab"):
        told.takes(name, place * MS, 50 * MS, request_id=f"req-{name}")
    for place, name in enumerate("ab"):
        line = told.line((10 + place) * MS, f"req-{name}")
        line.attributes["message"] = f"[instance: {UUID.format(place)}] starting"
    line = told.line(20 * MS)
    line.attributes["message"] = f"deleting {UUID.format(1)}"
    witnesses.unify(told.events)
    assert (line.parent, line.tied_by) == (told.events[1].number, "instance")


def test_a_message_without_an_answer_ends_with_what_was_heard_last() -> None:
    told = Told()
    taken = told.takes("a", 0, request_id="req-a")
    told.line(20 * MS, "req-a")
    late = told.line(60 * SECOND)
    witnesses.unify(told.events)
    assert taken.end == EPOCH + 20 * MS
    assert late.parent == 0


def test_a_cast_takes_the_first_id_that_is_told_after_it() -> None:
    told = Told()
    taken = told.takes("a", 0, unique_id="1")
    told.line(20 * MS, "req-a")
    witnesses.unify(told.events)
    assert taken.attributes["request_id"] == "req-a"


def test_a_stale_id_is_set_aside() -> None:
    told = Told()
    told.add("http", "GET /a", 0, 10 * MS, side="server", request_id="req-a")
    told.line(5 * MS, "req-a")
    later = told.add("http", "GET /b", 9 * SECOND, 9 * SECOND + 9 * MS, side="server", request_id="req-a")
    line = told.line(9 * SECOND + 5 * MS, "req-a")
    witnesses.unify(told.events)
    assert (later.attributes.get("request_id"), later.attributes["logged_request_id"]) == (None, "req-a")
    assert (line.parent, line.tied_by) == (later.number, "time")


def test_heartbeats_belong_to_nothing() -> None:
    told = Told()
    told.takes("a", 0, 50 * MS, request_id="req-a")
    begins = told.add("sql", "", 19 * MS, 19 * MS, statement="BEGIN IMMEDIATE")
    own = told.add("sql", "", 20 * MS, 20 * MS, statement="SELECT x FROM services \nWHERE services.id = ?")
    beat = told.add("sql", "", 21 * MS, 21 * MS, statement="UPDATE services SET report_count=? WHERE services.id = ?")
    other = told.add("sql", "", 22 * MS, 22 * MS, statement="SELECT x FROM services WHERE services.topic = ?")
    witnesses.unify(told.events)
    assert (begins.parent, own.parent, beat.parent, bool(other.parent)) == (0, 0, 0, True)


def test_log_and_copy_of_a_message_are_one_step_with_two_witnesses() -> None:
    log, broker = Told(), Told(Process("broker x", 0, "", "nova-api"), "broker")
    log.add("rpc", "object_action", 0, 30 * MS, side="client", mode="call", msg_id="m", topic="conductor")
    broker.add(
        "rpc", "Instance.save", MS, 29 * MS, side="client", mode="call", msg_id="m", unique_id="u", topic="conductor"
    )
    (merged,) = witnesses.unify([*broker.events, *log.events])
    assert (merged.name, merged.witnesses, merged.attributes["unique_id"]) == ("Instance.save", ("logs", "broker"), "u")
    assert merged.process is LOG


def hooked(log: Told) -> Trace:
    """A capture of a process and the log that it wrote."""
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


def test_log_of_a_hooked_process_confirms_and_adds() -> None:
    (boot,) = hooked(Told()).boots
    seen = [(step.kind, step.name, step.witnesses) for step in boot.walk()]
    both = ("hooks", "logs")
    assert seen == [
        ("http", "POST /v2.1/servers", both),
        ("sql", "SELECT x", both),
        ("log", "nova.x", both),
        ("log", "nova.y", ("logs",)),
    ]


def test_casts_of_2011_are_paired_by_topic_in_their_order() -> None:
    api, scheduler = Told(Process("a", 1, "", "nova-api")), Told(Process("s", 2, "", "nova-scheduler"))
    first = api.add("rpc", "", 0, 0, side="client", mode="cast", topic="scheduler")
    second = api.add("rpc", "", MS, MS, side="client", mode="cast", topic="scheduler")
    taken = [scheduler.takes(f"run_{each}", 5 * MS + each, request_id=f"req-{each}") for each in range(2)]
    witnesses.unify([*api.events, *scheduler.events])
    assert [sent.name for sent in (first, second)] == ["run_0", "run_1"]
    assert [sent.attributes["topic_order"] for sent in (first, second)] == [
        each.attributes["topic_order"] for each in taken
    ]


def test_logs_of_two_hosts_with_the_same_pid_are_not_mixed() -> None:
    """In containers every service is number 7: whose log it is tell the messages, and no statement goes elsewhere."""
    cloud = Cloud()
    one, other = cloud.process("/usr/bin/nova-compute", "h1"), cloud.process("/usr/bin/nova-compute", "h2")
    one.process.pid = other.process.pid = 7
    for worker, unique_id in ((one, "u1"), (other, "u2")):
        with worker.step("rpc", "build", side="server", unique_id=unique_id):
            worker.sql("SELECT 1 FROM x")
    log = Told(Process("log h2 7", 7, "", "nova-compute"))
    log.takes("build", 5 * MS, unique_id="u2")
    log.add("sql", "", 3 * MS, 3 * MS, statement="SELECT 1 FROM x")
    seen = {event.process.host for event in witnesses.unify([*cloud.events, *log.events]) if "logs" in event.witnesses}
    assert seen == {"h2"}
    stranger = Told(Process("log h3 7", 7, "", "nova-compute"))
    stranger.add("sql", "", 3 * MS, 3 * MS, statement="SELECT 1 FROM x")
    alone = witnesses.unify([*cloud.events, *stranger.events])
    assert [event.process for event in alone if "logs" in event.witnesses and "hooks" not in event.witnesses] == [
        stranger.process
    ]


def test_a_log_writes_out_what_hooks_leave_out() -> None:
    cloud = Cloud()
    compute = cloud.process("/usr/bin/nova-compute")
    for message in ("Weighed <list>", "Took 0.5 s", "Boom"):
        compute.log(message).attributes["level"] = "ERROR" if message == "Boom" else "DEBUG"
    log = Told(Process("log compute", compute.process.pid, "", "nova-compute"))
    written = "Weighed [host1]", f"[instance: {UUID.format(1)}] Took 0.5 s", "Boom: KeyError", "Took 1 s"
    for at, message in enumerate(written):
        level = "ERROR" if message.startswith("Boom") else "DEBUG"
        log.line(at * MS).attributes |= {"message": message, "level": level}
    told = [(event.attributes["message"], event.witnesses) for event in witnesses.unify([*cloud.events, *log.events])]
    both = ("hooks", "logs")
    assert sorted(told, key=str) == [
        ("Boom", both), ("Took 0.5 s", both), ("Took 1 s", ("logs",)), ("Weighed <list>", both),
    ]  # fmt: skip


def test_lines_of_one_place_in_the_source_are_one_line() -> None:
    """Whatever each witness left out or masked of the message."""
    cloud = Cloud()
    compute = cloud.process("/usr/bin/nova-compute")
    source = {"level": "DEBUG", "file": "/nova/compute.py"}
    compute.log("Weighed <list>").attributes |= {**source, "line": 5}
    compute.log("token ***").attributes |= {**source, "line": 6}
    log = Told(Process("log compute", compute.process.pid, "", "nova-compute"))
    for at, (message, line) in enumerate((("Weighed nothing", 4), ("Weighed [host1]", 5), ("a token: ***", 6))):
        log.line(at * MS).attributes |= {**source, "message": message, "line": line}
    told = [(event.attributes["line"], event.witnesses) for event in witnesses.unify([*cloud.events, *log.events])]
    assert sorted(told) == [(4, ("logs",)), (5, ("hooks", "logs")), (6, ("hooks", "logs"))]


def test_a_statement_that_the_echo_shortened_is_one_step() -> None:
    """SQLAlchemy does so with an INSERT of many rows."""
    cloud = Cloud()
    compute = cloud.process("/usr/bin/nova-compute")
    row = "(%(key__0)s, %(value__0)s, %(instance_uuid__0)s)"
    whole = f"INSERT INTO instance_system_metadata (`key`, value, instance_uuid) VALUES {', '.join([row] * 20)}"
    compute.sql(whole)
    log = Told(Process("log compute", compute.process.pid, "", "nova-compute"))
    cut = len(whole) - 350
    log.add("sql", "", 0, statement=f"{whole[:250]} ... {cut} characters truncated ... {whole[-100:]}")
    other = log.add("sql", "", 0, statement=f"{whole[:250]} ... {cut + 1} characters truncated ... {whole[-100:]}")
    merged = witnesses.unify([*cloud.events, *log.events])
    assert [event.witnesses for event in merged if event is not other] == [("hooks", "logs")]
    assert (len(merged), other.witnesses) == (2, ("logs",))


POST = {"side": "server", "method": "POST", "path": "/v2.1/servers"}


def access(pid: int, *seconds: int, folder: str = "h1") -> Told:
    """uWSGI's own log of a process's requests: no ids, and the whole second in which each came."""
    log = Told(Process(f"log {folder}/nova-api-access.log {pid}", pid, "", "nova-api-access"))
    for second in seconds:
        log.add("http", "POST /v2.1/servers", second * SECOND, second * SECOND + 100 * MS, **POST, status=202)
    return log


def asked(pid: int, *starts: int, folder: str = "h1") -> Told:
    """The same requests in the process's own log."""
    log = Told(Process(f"log {folder}/nova-api.log {pid}", pid, "", "nova-api"))
    for place, start in enumerate(starts):
        log.add("http", "POST /v2.1/servers", start, start + 90 * MS, **POST, request_id=f"req-{pid}-{place}")
    return log


def test_a_servers_access_log_tells_the_requests_that_its_process_tells() -> None:
    """Once each; the request that the process did not tell stays."""
    own, server = asked(7, 900 * MS, SECOND, 5 * SECOND), access(7, 0, 1, 5, 9)
    trace = correlate(Events([*own.events, *server.events], [own.process, server.process]))
    assert [(boot.request_id, boot.started - EPOCH) for boot in trace.boots] == [
        ("req-7-0", 900 * MS), ("req-7-1", SECOND), ("req-7-2", 5 * SECOND), ("", 9 * SECOND),
    ]  # fmt: skip


def test_a_request_seen_by_hooks_and_two_logs_is_one_step() -> None:
    cloud = Cloud()
    api = cloud.process("/usr/bin/nova-api")
    api.does("http", "POST /v2.1/servers", **POST, request_id="req-1")
    own, server = asked(api.process.pid, MS), access(api.process.pid, 0)
    own.events[0].attributes["request_id"] = "req-1"
    (merged,) = witnesses.unify([*server.events, *own.events, *cloud.events])
    assert (merged.witnesses, merged.attributes["status"]) == (("hooks", "logs"), 202)


def test_access_logs_of_two_hosts_with_the_same_pid_are_left_alone() -> None:
    """Nothing says whose requests they are."""
    told = [asked(7, MS), asked(7, 2 * MS, folder="h2"), access(7, 0), access(7, 0, folder="h2")]
    merged = witnesses.unify([event for log in told for event in log.events])
    assert [event.witnesses for event in merged] == [("logs",)] * 4


def test_a_request_whose_log_tells_a_stale_id_is_one_step() -> None:
    cloud = Cloud()
    api = cloud.process("/usr/bin/nova-api")
    asked = {"side": "server", "method": "GET", "path": "/v2.1"}
    api.does("http", "GET /v2.1", **asked, request_id="req-1")
    log = Told(Process("log api", api.process.pid, "", "nova-api"))
    log.add("http", "GET /v2.1", MS, 2 * MS, **asked, request_id="req-0")
    (merged,) = witnesses.unify([*cloud.events, *log.events])
    assert (merged.witnesses, merged.attributes["request_id"]) == (("hooks", "logs"), "req-1")
