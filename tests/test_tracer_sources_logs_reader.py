"""Reading logs: SQL, RPC, HTTP, commands and lines as events."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.events import Event
from tracer.sources.logs import reader

R = "req-c29ec537-4c93-4257-b1e1-a97407e9c85d"
LOGGERS = (
    "sqlalchemy.engine.Engine", "oslo_messaging._drivers.amqpdriver", "oslo_messaging.rpc.server", "nova.rpc",
    "keystoneauth.session", "nova.api.openstack.wsgi", "nova.api.openstack.requestlog", "oslo_concurrency.processutils",
)  # fmt: skip


class Log:
    """A growing log, with lines a millisecond apart."""

    def __init__(self, folder: Path, name: str = "nova-api.log") -> None:
        self.path = folder / name
        self.lines: list[str] = []

    def add(self, logger: str, message: str, ids: str = f"None {R} u p - - - -", level: str = "DEBUG") -> None:
        self.lines.append(f"2026-11-22 12:00:00.{len(self.lines):03} 7 {level} {logger} [{ids}] {message}\n")

    def events(self) -> list[Event]:
        self.path.write_text("".join(self.lines))
        return reader.read(self.path).events


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_parameters_without_their_statement_are_ignored(log: Log) -> None:
    """Two threads of one request: a BEGIN, the other thread's statement, and only then the BEGIN's parameters."""
    for message in ("BEGIN", "SELECT 1", "[cached since 4.2s ago] ()", "ROLLBACK", "[raw sql] ()"):
        log.add(LOGGERS[0], message, level="INFO")
    assert [event.attributes["statement"] for event in log.events()] == ["BEGIN", "SELECT 1"]


@pytest.mark.parametrize("origin", ["[generated in 0.00018s] ", "[cached since 18.7s ago] ", "[raw sql] ", ""])
def test_statement_parameters_and_rows_are_one_event(log: Log, origin: str) -> None:
    engine = LOGGERS[0]
    log.add(engine, "BEGIN (implicit)", level="INFO")
    log.add(engine, "SELECT 1\nFROM instances \nWHERE uuid = ?", level="INFO")
    log.add(engine, f"{origin}('u-1', datetime.datetime(2026, 11, 22, 8, 13), 5L)", level="INFO")
    log.add(engine, "Col ('a',)")
    log.add(engine, "Row (1,)")
    log.add(engine, "ROLLBACK", level="INFO")
    (event,) = log.events()
    assert event.attributes["statement"] == "SELECT 1\nFROM instances \nWHERE uuid = ?"
    assert event.attributes["parameters"] == ["u-1", "2026-11-22 08:13:00", 5]
    assert event.attributes["rows"] == 1
    assert (event.end or 0) - event.start == 3_000_000
    assert event.attributes["request_id"] == R


def test_alternating_statements_of_two_requests_are_separated(log: Log) -> None:
    other = "None req-00000000-4c93-4257-b1e1-a97407e9c85d u p - -"
    log.add(LOGGERS[0], "SELECT 1", level="INFO")
    log.add(LOGGERS[0], "SELECT 2", other, level="INFO")
    log.add(LOGGERS[0], "{'a': 1}", level="INFO")
    log.add(LOGGERS[0], "{'a': 2}", other, level="INFO")
    assert [(e.attributes["statement"], e.attributes["parameters"]) for e in log.events()] == [
        ("SELECT 1", {"a": 1}), ("SELECT 2", {"a": 2}),
    ]  # fmt: skip


def test_secrets_in_parameters_are_masked_by_name_and_by_column(log: Log) -> None:
    log.add(LOGGERS[0], "UPDATE x SET admin_pass=?, host=? WHERE id = ?", level="INFO")
    log.add(LOGGERS[0], "('hunter2', 'h1', 3)", level="INFO")
    log.add(LOGGERS[0], "SELECT 1 FROM users WHERE password = :password_1", level="INFO")
    log.add(LOGGERS[0], "{'password_1': 'hunter2'}", level="INFO")
    assert [event.attributes["parameters"] for event in log.events()] == [["***", "h1", 3], {"password_1": "***"}]


def test_a_call_ends_with_its_reply(log: Log) -> None:
    driver = LOGGERS[1]
    log.add(driver, "Calling RPC method select_destinations on target scheduler")
    log.add(driver, "Expecting reply to msg abc in queue reply_1")
    log.add(driver, "CALL msg_id: abc exchange 'nova' topic 'scheduler'")
    log.add(driver, "received reply msg_id: abc", "-")
    (event,) = log.events()
    assert (event.name, event.attributes["mode"], event.attributes["topic"]) == (
        "select_destinations",
        "call",
        "scheduler",
    )
    assert (event.attributes["msg_id"], (event.end or 0) - event.start) == ("abc", 3_000_000)


def test_a_served_call_ends_with_its_answer(log: Log) -> None:
    log.add(LOGGERS[1], "received message msg_id: abc reply to reply_1", "-")
    log.add(LOGGERS[2], "Receive incoming message with id abc and method: object_action.", "-")
    log.add(LOGGERS[1], "sending reply msg_id: abc reply queue: reply_1 time elapsed: 0.01s")
    (event,) = log.events()
    assert (event.name, event.attributes["side"], event.attributes["request_id"]) == ("object_action", "server", R)
    assert event.end is not None


def test_a_received_cast_has_no_request_id_of_a_stale_thread(log: Log) -> None:
    log.add(LOGGERS[1], "received message with unique_id: abc")
    log.add(LOGGERS[2], "Receive incoming message with id something-else and method: build_and_run_instance.")
    (event,) = log.events()
    assert (event.name, event.attributes["unique_id"]) == ("build_and_run_instance", "abc")
    assert "request_id" not in event.attributes


def test_a_finished_cast_has_its_request_id(log: Log) -> None:
    """Its dispatch has a separate id. Threads may continue it, so its end is unknown."""
    log.add(LOGGERS[1], "received message with unique_id: abc", "-")
    log.add(LOGGERS[2], "Receive incoming message with id own and method: sync_instance_info.", "-")
    log.add(LOGGERS[2], "Replied success message with id own and method: sync_instance_info. Time elapsed: 0.002")
    (event,) = log.events()
    assert (event.name, event.attributes["request_id"], event.end) == ("sync_instance_info", R, None)


def test_a_fanout_is_recognised(log: Log) -> None:
    log.add(LOGGERS[1], "CAST unique_id: abc FANOUT topic 'scheduler'")
    (event,) = log.events()
    assert event.attributes["mode"] == "fanout"


def test_an_outgoing_request_has_the_callees_request_id(log: Log) -> None:
    session = LOGGERS[4]
    log.add(session, 'REQ: curl -g -i -X GET http://h:1/v2/images/5?a=b -H "X-Auth-Token: {SHA256}abc"')
    log.add(session, "RESP: [200] Connection: close x-openstack-request-id: req-11111111-4c93-4257-b1e1-a97407e9c85d")
    log.add(session, "RESP BODY: {}")
    log.add(
        session, "GET call to image for http://h:1/v2/images/5 used request id req-11111111-4c93-4257-b1e1-a97407e9c85d"
    )
    (event,) = log.events()
    assert (event.name, event.attributes["status"], event.attributes["host"]) == ("GET /v2/images/5", 200, "h:1")
    assert event.attributes["callee_request_id"] == "req-11111111-4c93-4257-b1e1-a97407e9c85d"


def test_answers_to_requests_of_two_threads_go_to_the_urls_that_the_log_names(log: Log) -> None:
    """Compute creates a port and a volume at once, under one request id; the first to be asked answers last."""
    session = LOGGERS[4]
    port, volume = (f"req-{number:08}-4c93-4257-b1e1-a97407e9c85d" for number in (1, 2))
    log.add(session, "REQ: curl -g -i -X POST http://h:96/v2.0/ports -d '{}'")
    log.add(session, "REQ: curl -g -i -X POST http://h:76/v3/volumes -d '{}'")
    log.add(session, "REQ: curl -g -i -X GET http://h:76/")
    log.add(session, f"RESP: [202] x-openstack-request-id: {volume}")
    log.add(session, f"POST call to block-storage for http://h:76/v3/volumes used request id {volume}")
    log.add(session, f"RESP: [300] x-openstack-request-id: {R}")
    log.add(session, f"RESP: [201] x-openstack-request-id: {port}")
    log.add(session, f"GET call to http://h:76/ used request id {R}")
    log.add(session, f"POST call to network for http://h:96/v2.0/ports used request id {port}")
    attributes = {event.name: event.attributes for event in log.events()}
    answers = {name: (known["status"], known["callee_request_id"]) for name, known in attributes.items()}
    assert answers == {"POST /v2.0/ports": (201, port), "POST /v3/volumes": (202, volume), "GET /": (300, R)}


def test_an_incoming_request_is_read_from_application_and_server_lines(log: Log) -> None:
    body = '{"server": {"name": "vm1", "adminPass": "hunter2"}}'
    log.add(LOGGERS[5], f"Action: 'create', calling method: <bound method S.create of <x at 0x1>>, body: {body}")
    log.add(LOGGERS[6], '127.0.0.1 "POST /v2.1/servers" status: 202 len: 5 microversion: 2.1 time: 0.001', level="INFO")
    log.lines.append('[uwsgi 7] 127.0.0.1 [22/Nov/2026:12:00:00 +0000] "POST /v2.1/servers HTTP/1.1" 202 5 3ms\n')
    (event,) = log.events()
    assert (event.name, event.attributes["status"], event.attributes["request_id"]) == ("POST /v2.1/servers", 202, R)
    assert event.attributes["body"] == {"server": {"name": "vm1", "adminPass": "***"}}
    assert event.attributes["action"] == "S.create"


def test_a_command_has_its_exit_code(log: Log) -> None:
    log.add(LOGGERS[7], "Running cmd (subprocess): /bin/cp -r a b")
    log.add(LOGGERS[7], 'CMD "/bin/cp -r a b" returned: 1 in 0.1s')
    (event,) = log.events()
    assert (event.kind, event.name, event.attributes["exit_code"]) == ("command", "cp", 1)


def test_a_command_under_prlimit_is_the_limited_command(log: Log) -> None:
    """The hooks record the command without prlimit; both must be the same step."""
    command = "/venv/bin/python3.11 -m oslo_concurrency.prlimit --as=1 --cpu=30 -- env LC_ALL=C qemu-img info /disk"
    log.add(LOGGERS[7], f"Running cmd (subprocess): {command}")
    log.add(LOGGERS[7], f'CMD "{command}" returned: 0 in 0.1s')
    (event,) = log.events()
    assert (event.name, event.attributes["arguments"], event.attributes["exit_code"]) == (
        "env", ["env", "LC_ALL=C", "qemu-img", "info", "/disk"], 0,
    )  # fmt: skip


def test_processes_of_merged_logs_are_separated(tmp_path: Path) -> None:
    (tmp_path / "all").write_text(
        "".join(
            f"{name}.log:2026-11-22 12:00:00.00{number} {number} INFO x [-] a\n"
            for number, name in enumerate(["nova-api", "nova-compute", "nova-api"], 1)
        )
    )
    assert [process.argv for process in reader.read(tmp_path / "all").processes] == [
        "nova-api.log",
        "nova-compute.log",
        "nova-api.log",
    ]


ODD = (
    "received {u'method': u'x', u'args': ", "received {'method': 5}", "(((((", "[generated in 0.1s]", "REQ: curl",
    "CALL msg_id: ", "sending reply msg_id: x", '"GET / HTTP/1.1" 200 999', "Making asynchronous cast on ...",
    "MSG_ID is 5",
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(LOGGERS), st.text(max_size=80) | st.sampled_from(ODD)), max_size=200))
def test_any_messages_are_read_without_an_error(
    tmp_path_factory: pytest.TempPathFactory, messages: list[tuple[str, str]]
) -> None:
    log = Log(tmp_path_factory.mktemp("said"))
    for logger, message in messages:
        log.add(logger, message)
    for event in log.events():
        assert event.end is None or event.end >= event.start


def test_an_invalid_date_in_parameters_is_text(log: Log) -> None:
    log.add(LOGGERS[0], "SELECT 1", level="INFO")
    log.add(LOGGERS[0], "(datetime.datetime(2026,  , ),)", level="INFO")
    (event,) = log.events()
    assert event.attributes["parameters"] == "(datetime.datetime(2026,  , ),)"


def test_an_explicit_begin_is_a_statement(log: Log) -> None:
    for message in ("BEGIN (implicit)", "BEGIN", "[raw sql] ()", "COMMIT"):
        log.add(LOGGERS[0], message, level="INFO")
    (event,) = log.events()
    assert event.attributes["statement"] == "BEGIN"


def test_a_traceback_belongs_to_its_message(log: Log) -> None:
    """oslo.log writes every line of it as a record of its own with the same time."""
    for message in ("Failed", "Traceback (most recent call last):", "  File x.py, line 1", "KeyError: 1"):
        log.add("nova.x", message, level="ERROR")
    log.lines = [line.replace(line[:23], log.lines[0][:23]) for line in log.lines]
    log.add("nova.x", "Failed again", level="ERROR")
    log.add("nova.y", "KeyError: 2", level="ERROR")
    assert [event.attributes["message"] for event in log.events()] == [
        "Failed\nTraceback (most recent call last):\n  File x.py, line 1\nKeyError: 1", "Failed again", "KeyError: 2",
    ]  # fmt: skip


def test_two_equal_requests_at_the_same_time_are_two(log: Log) -> None:
    for _ in range(2):
        log.add(LOGGERS[6], '127.0.0.1 "GET /v2.1" status: 200 len: 385 microversion: 2.1 time: 0.002', "-", "INFO")
    assert len(log.events()) == 2


def test_a_microversion_is_no_duration(log: Log) -> None:
    log.add("placement.requestlog", '127.0.0.1 "GET /usages" status: 200 len: 19 microversion: 1.39', level="INFO")
    (event,) = log.events()
    assert event.start == event.end
