"""The truth check without a cloud: parsing the witnesses' lines, and matching them with the trace."""

import json
from pathlib import Path
from typing import Any

import pytest

from examples.cloud import general_log
from examples.cloud.accuracy import readers
from examples.cloud.accuracy.match import Agreement, HookedEvent, Trees, agree, misplaced
from examples.cloud.accuracy.readers import Entry
from examples.cloud.accuracy.run import _same_status, capture_of, report
from examples.cloud.errors import CloudError
from examples.cloud.inside.firehose import summary
from examples.cloud.plan import Plan
from tests.support.events import UUID, Cloud, Services, run
from tracer.model import Request, Step, participants

GENERAL = (
    "/usr/sbin/mariadbd, Version: 10.11.19-MariaDB-0+deb12u1 (Debian 12). started with:\n"
    "Tcp port: 15306  Unix socket: /state/mariadb/socket\n"
    "Time\t\t    Id Command\tArgument\n"
    "261122 14:51:52\t    30 Quit\t\n"
    "261122 14:51:58\t    11 Query\tSELECT project.id AS project_id \n"
    "FROM project \n"
    "WHERE project.name = 'Default' AND project.enabled = true\n"
    "\t\t    11 Query\tROLLBACK\n"
    "261122  4:52:03\t    31 Connect\tnova-conductor@127.0.0.1 on nova_api using TCP/IP\n"
    "\t\t    31 Query\tSET AUTOCOMMIT = 0\n"
    "\t\t    31 Query\tSHOW VARIABLES LIKE 'sql_mode'\n"
    "\t\t    31 Query\tROLLBACK TO SAVEPOINT sa_savepoint_1\n"
)
LIBVIRTD = """\
2026-11-22 14:41:56.982+0000: 21951: info : libvirt version: 9.0.0, package: 9.0.0-4+deb12u2 (Debian)
2026-11-22 14:52:11.528+0000: 1757: debug : virConnectGetLibVersion:234 : conn=0x559f9588e290, libVir=0x7f9dce3fd930
2026-11-22 14:52:11.992+0000: 1756: debug : virDomainGetInfo:2663 : dom=0x7f9dbc00c290, (VM: name=instance-00000002, \
uuid=0f84580a-697e-4172-8f9e-98a4a3c024c2), info=0x7f9dcebfe8f0
      <backend model="random">/dev/urandom</backend>
2026-11-22 14:52:12.100+0000: 1758: warning : qemuDomainObjTaintMsg:6603 : Domain id=1 name='instance-00000002'
"""
LIBVIRT_PY = """\
def open(name: "Optional[str]"=None) -> 'virConnect':
    ret = libvirtmod.virConnectOpen(name)

class virDomain(object):
    def info(self) -> "str":
        ret = libvirtmod.virDomainGetInfo(self._o)

    def vcpus(self) -> "X":
        ret = libvirtmod.virDomainGetVcpus(self._o)

class virConnect(object):
    def getInfo(self) -> "str":
        ret = libvirtmod.virNodeGetInfo(self._o)

    def lookupByUUIDString(self, uuidstr: "str") -> "virDomain":
        ret = libvirtmod.virDomainLookupByUUIDString(self._o, uuidstr)
"""
ACCESS = """\
[uwsgi 1992] 127.0.0.1 [22/Nov/2026:14:52:03 +0000] "GET /v3/auth/tokens?allow_expired=1 HTTP/1.1" 200 2647 1417ms
[uwsgi 1992] 127.0.0.1 [22/Nov/2026:14:52:04 +0000] "GET /v3/a%20b HTTP/1.1" 404 90 3ms
*** uWSGI is running in multiple interpreter mode ***
"""


def message(**fields: Any) -> bytes:
    return json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(fields)}).encode()


def test_the_general_log_has_users_and_marks_statements_of_drivers() -> None:
    """Users are read from the list of open connections or from Connect; a statement may have several lines."""
    statements = list(general_log.logged(GENERAL, "11\tkeystone\t127.0.0.1:59902\n30\troot\tlocalhost\n"))
    assert [(entry.connection, entry.user, entry.below) for entry in statements] == [
        (30, "root", "Quit"),
        (11, "keystone", ""),
        (11, "keystone", "ROLLBACK"),
        (31, "nova-conductor", "Connect"),
        (31, "nova-conductor", "SET AUTOCOMMIT"),
        (31, "nova-conductor", "questions to a fresh connection"),
        (31, "nova-conductor", ""),
    ]
    assert statements[1].statement.endswith("FROM project \nWHERE project.name = 'Default' AND project.enabled = true")
    assert [entry.time - statements[0].time for entry in statements] == [0, 6, 6, *[-35989] * 4]


@pytest.mark.parametrize(
    ("logged", "statement", "parameters"),
    [
        (r"SELECT a FROM t WHERE a = 'it\'s' LIMIT 1", "SELECT a \nFROM t WHERE a = %(a)s LIMIT 1", {"a": "it's"}),
        ("UPDATE t SET a=NULL, b=1.5", "UPDATE t SET a=%s, b=%s", [None, 1.5]),
        ("UPDATE t SET a='2026-11-22 14:52:06.550021'", "UPDATE t SET a=%s", ["2026-11-22T14:52:06.550021"]),
        ("INSERT INTO t (a) VALUES ('x'), ('y')", "INSERT INTO t (a) VALUES (%(a)s)", {"a": "x"}),
        (r"""INSERT INTO t (a) VALUES ('{\"k\": 1}')""", "INSERT INTO t (a) VALUES (%(a)s)", {"a": '{"k": 1}'}),
        ("SELECT a FROM t WHERE a LIKE 'x%' AND b = 2", "SELECT a FROM t WHERE a LIKE 'x%%' AND b = %s", [2]),
        ("SELECT s_1.id_2 FROM t WHERE p = 'secret'", "SELECT s_1.id_2 FROM t WHERE p = %(p)s", {"p": "***"}),
        ("SELECT DATABASE()", "SELECT DATABASE()", []),
        ("UPDATE t SET deleted=0", "UPDATE t SET deleted=%s", [False]),
    ],
)  # fmt: skip
def test_logged_and_recorded_statements_match(logged: str, statement: str, parameters: Any) -> None:
    """Their texts are equal, and their literals are equal as far as they were recorded."""
    theirs, ours = general_log.cut(logged), general_log.cut(general_log.rendered(statement, parameters))
    assert theirs[0] == ours[0]
    assert general_log.same(theirs[1], ours[1])


def test_statements_with_other_values_do_not_match() -> None:
    theirs, ours = (general_log.cut(f"SELECT a FROM t WHERE a = '{value}'")[1] for value in ("x", "y"))
    assert not general_log.same(theirs, ours)


def test_methods_of_libvirt_are_mapped_to_the_functions_in_libvirtds_log() -> None:
    """The mapping is read from libvirt-python's source."""
    first, second = readers.libvirt_calls(LIBVIRTD)
    assert (first.key, second.key) == (("virConnectGetLibVersion",), ("virDomainGetInfo",))
    assert second.ids == {"0f84580a-697e-4172-8f9e-98a4a3c024c2"}
    assert second.time - first.time == 464_000_000
    assert readers.libvirt_functions(LIBVIRT_PY) == {
        "libvirt.open": ("virConnectOpen",),
        "virDomain.info": ("virDomainGetInfo",),
        "virDomain.vcpus": ("virDomainGetVcpus", "virDomainGetInfo", "virNodeGetCPUMap"),
        "virConnect.getInfo": ("virNodeGetInfo",),
        "virConnect.lookupByUUIDString": ("virDomainLookupByUUID",),
    }


def test_access_lines_are_read_without_their_queries() -> None:
    assert [(*line.key, *line.values) for line in readers.access_lines("identity", ACCESS)] == [
        ("identity", "GET", "/v3/auth/tokens", "200"),
        ("identity", "GET", "/v3/a b", "404"),
    ]


def test_the_firehose_is_logged_without_the_content_of_messages() -> None:
    """With method and ids; for an object action the object's method."""
    arguments = {"objmethod": "save", "objinst": {"nova_object.name": "Instance", "password": "s3cret"}}
    ids = {"_msg_id": "m1", "_unique_id": "u1", "_context_request_id": "req-1"}
    sent = summary("publish.nova", {"connection": "c"}, message(method="object_action", args=arguments, **ids))
    reply = summary("deliver.reply_1", {}, message(_msg_id="m1", _unique_id="u2", result={"uuid": UUID.format(1)}))
    assert (sent["event"], sent["place"], sent["method"]) == ("publish", "nova", "Instance.save")
    assert (reply["method"], reply["uuids"]) == ("reply", [UUID.format(1)])
    assert "s3cret" not in json.dumps(sent)
    log = "\n".join(json.dumps(entry) for entry in ({"event": "ready"}, sent, reply, sent | {"event": "deliver"}))
    assert [entry.key for entry in readers.messages(log, "publish")] == [("u1",)]
    assert [entry.key for entry in readers.messages(log, "deliver")] == [("u1",)]
    assert readers.unread(log) == 0


def match(witnessed_: list[Entry], cloud: Cloud) -> Agreement:
    """Match SQL by its bare text."""
    trace = cloud.trace()
    trees = Trees(trace, trace.boots[0], cloud.events)
    recorded = [
        HookedEvent(
            event, Entry(event.start, (str(event.attributes["statement"]),), str(event.attributes["statement"]))
        )
        for event in cloud.events
        if event.kind == "sql"
    ]
    return agree("SQL", witnessed_, recorded, trees)


def booted() -> Cloud:
    cloud = Cloud()
    run(Services(cloud).boot())
    return cloud


def witnessed(cloud: Cloud) -> list[Entry]:
    statements = [event for event in cloud.events if event.kind == "sql"]
    return [
        Entry(event_.start, (str(event_.attributes["statement"]),), str(event_.attributes["statement"]))
        for event_ in statements
    ]


def test_every_witnessed_statement_is_in_the_tree() -> None:
    cloud = booted()
    lines = witnessed(cloud)
    agreement = match(lines, cloud)
    assert (agreement.witnessed, agreement.in_tree, agreement.recall, agreement.precision) == (
        len(lines),
        len(lines),
        1,
        1,
    )
    assert list(misplaced(cloud.boot())) == []
    assert "100.00%" in "\n".join(report(cloud.boot(), [agreement]))


def test_misses_are_reported_with_their_reason() -> None:
    """Not recorded, or in no tree; heartbeats are separate; unwitnessed statements lower the precision."""
    cloud = Cloud()
    services = Services(cloud)
    story = services.boot()
    for _ in range(9):
        next(story)
    services.conductor.on(9).sql("UPDATE services SET report_count=1")
    services.conductor.on(9).sql("SELECT 1 FROM loose")
    run(story)
    lines = witnessed(cloud)
    unseen = Entry(lines[1].time, ("SELECT 1 FROM unseen",), "SELECT 1 FROM unseen")
    agreement = match([*lines[1:], unseen], cloud)
    assert dict(agreement.missed) == {
        ("the hooks have no such event", "SELECT 1 FROM unseen"): 1,
        ("recorded, but in no tree", "SELECT 1 FROM loose"): 1,
    }
    assert dict(agreement.apart) == {"heartbeat, in no request": 1}
    assert agreement.beyond.total() == 1
    assert agreement.recall < 1 > agreement.precision


@pytest.mark.parametrize(("names", "missed"), [((), 0), ((UUID.format(16),), 1)])
def test_a_task_by_the_clock_is_missing_only_if_it_names_the_boot(names: tuple[str, ...], missed: int) -> None:
    """Neutron's workers also run such tasks while nothing boots."""
    cloud = Cloud()
    services = Services(cloud)
    story = services.boot()
    for _ in range(9):
        next(story)
    services.conductor.on(9).sql("SELECT 1 FROM loose")
    run(story)
    lines = [
        Entry(line.time, line.key, f"neutron-periodic-workers: {line.text}", ids=frozenset(names))
        if line.text.endswith("loose")
        else line
        for line in witnessed(cloud)
    ]
    assert match(lines, cloud).missed.total() == missed


def test_a_statement_in_another_tree_is_missing_only_if_it_names_the_boot() -> None:
    cloud = Cloud()
    services = Services(cloud)
    story = services.boot()
    for _ in range(9):
        next(story)
    with services.compute.on(9).calls(services.conductor.on(9), "Other.get", "req-other"):
        services.conductor.on(9).sql("SELECT 1 FROM others")
        services.conductor.on(9).sql("SELECT 1 FROM instances")
    run(story)
    lines = [
        Entry(line.time, line.key, line.text, ids=frozenset([UUID.format(16)]))
        if line.text.endswith("1 FROM instances")
        else line
        for line in witnessed(cloud)
    ]
    agreement = match(lines, cloud)
    assert [reason for reason, _ in agreement.missed] == [
        "names this boot, but is in the tree of Other.get (req-other)"
    ]
    assert dict(agreement.apart) == {"request Other.get": 1}


def test_periodic_tasks_that_read_the_instance_are_not_part_of_its_boot() -> None:
    cloud = Cloud()
    services = Services(cloud)
    story = services.boot()
    for _ in range(9):
        next(story)
    compute, conductor = services.compute.on(9), services.conductor.on(9)
    with compute.call("nova.manager:Manager.periodic_tasks"), compute.calls(conductor, "InstanceList.get", "req-tick"):
        conductor.sql("SELECT 1 FROM instances")
    run(story)
    names = frozenset([UUID.format(16)])
    agreement = match([Entry(line.time, line.key, line.text, ids=names) for line in witnessed(cloud)], cloud)
    assert not agreement.missed
    assert dict(agreement.apart) == {"request nova.manager:Manager.periodic_tasks": 1}


@pytest.mark.parametrize(("tied_by", "count"), [("port", 0), ("unique_id", 1)])
def test_a_chapter_about_a_port_needs_no_message(tied_by: str, count: int) -> None:
    """OVN's events and the agent's loop are linked by the port alone."""
    boot = booted().boot()
    chapter = boot.chapters[1]
    chapter.tied_by = tied_by
    for name in ("unique_id", "msg_id"):
        chapter.attributes.pop(name, None)
    wrong = [reason for reason, step in misplaced(boot) if step is chapter]
    assert wrong == ["chapter opened by another message"] * count


def test_statements_before_the_recording_are_not_matched_with_the_boot() -> None:
    """Under load the same statements also precede the recording, and a log's whole seconds order them badly."""
    cloud = booted()
    lines = witnessed(cloud)
    earlier = [Entry(line.time - 2 * readers.SECOND, line.key, line.text, within=readers.SECOND) for line in lines]
    agreement = match([*earlier, *lines], cloud)
    assert (agreement.missed, agreement.in_tree, agreement.recall, agreement.precision) == ({}, len(lines), 1, 1)


def test_the_resource_trackers_reads_are_not_part_of_the_boot() -> None:
    cloud = Cloud()
    services = Services(cloud)
    story = services.boot()
    for _ in range(9):
        next(story)
    compute, conductor = services.compute.on(9), services.conductor.on(9)
    with compute.call("nova.compute.manager:ComputeManager.terminate_instance"):
        tracker = "nova.scheduler.client.report:SchedulerReportClient.get_allocations_for_provider_tree"
        with compute.call(tracker), compute.calls(conductor, "Any.get", "req-delete"):
            conductor.sql("SELECT 1 FROM instances")
    run(story)
    names = frozenset([UUID.format(16)])
    agreement = match([Entry(line.time, line.key, line.text, ids=names) for line in witnessed(cloud)], cloud)
    assert not agreement.missed
    assert agreement.apart.total() == 1


def test_a_request_without_a_recorded_status_matches_any_status() -> None:
    theirs, other = (Entry(0, ("API", "GET", "/"), "", (status,)) for status in ("200", "404"))
    assert _same_status(theirs, Entry(0, theirs.key, "", ("",)))
    assert _same_status(theirs, theirs)
    assert not _same_status(theirs, other)


def test_the_capture_is_read_from_the_wrapper_command(tmp_path: Path) -> None:
    plan = Plan(tmp_path, "34", 15000, "default", echo=False, wrap="bootseq run -o /captures/c --", secret="s")
    assert capture_of(plan) == Path("/captures/c")
    with pytest.raises(CloudError, match="--capture"):
        capture_of(Plan(tmp_path, "34", 15000, "default", echo=False, wrap="", secret="s"))


def test_services_have_the_names_by_which_steps_are_compared() -> None:
    """Each user of the database is a program, whose steps bear the service's name in trees."""
    commands = {name: f"/usr/bin/python3 /usr/bin/{name} --config-file /etc/x.conf" for name in readers.user_services()}
    commands |= {name: f"uwsgi --module {name}.wsgi.api:application" for name in ("keystone", "glance", "neutron")}
    assert {name: participants.of_command(command) for name, command in commands.items()} == readers.user_services()


@pytest.mark.parametrize(
    ("module", "reasons"), [("oslo_service.loopingcall", []), ("nova.x", ["begins after its parent's end"])]
)
def test_runs_of_a_loop_follow_the_call_that_starts_it(module: str, reasons: list[str]) -> None:
    """The call has returned by then; below any other call this contradicts the times."""
    start = Step("p/1", "call", "compute", "start", 0, 5, attributes={"module": module, "function": "start"})
    start.children = [Step("p/2", "call", "compute", "run", 7, 9, tied_by="context")]
    assert [reason for reason, _ in misplaced(Request(1, "boot", [start]))] == reasons
