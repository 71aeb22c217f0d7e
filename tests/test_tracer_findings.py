"""Findings: events that a witness should have recorded and did not; none for complete recordings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.events import UUID, Cloud, Services, Worker, run
from tests.support.log_traces import DIABLO, nova34, trace
from tracer import findings, trace_file
from tracer.cli import main
from tracer.findings import TraceFinding, errors
from tracer.model import Trace

COPIES = "rpc.jsonl"
#: The id of a call that the compute makes for the boot, and its name.
CALL = "c3ed9d5ffb72489bac2575bd5c386dd3"

NAME = "BlockDeviceMappingList.get_by_instance_uuid"


@pytest.fixture
def today(tmp_path: Path) -> Path:
    return nova34(tmp_path)


def without(path: Path, *patterns: str) -> None:
    """Remove the lines of a file that match one of the patterns."""
    lines = path.read_text().splitlines(keepends=True)
    remaining = [line for line in lines if not any(re.search(pattern, line) for pattern in patterns)]
    assert len(remaining) < len(lines)
    path.write_text("".join(remaining))


def copies(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_copies(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in sorted(lines, key=lambda line: line["t"])))


def of_boot(trace: Trace) -> list[TraceFinding]:
    """Return the findings about the boot."""
    return [finding for finding in findings.findings(trace) if finding.class_ != "untied"]


def lines(trace: Trace) -> list[str]:
    return [f"{finding.class_}: {findings.line(finding)}" for finding in of_boot(trace)]


def test_real_boots_have_no_findings(today: Path) -> None:
    for folder in (today, DIABLO):
        for paths in ([folder], sorted(folder.glob("*.log")), [folder / COPIES]):
            assert lines(trace(*paths)) == []


def test_real_lines_that_belong_to_no_request_are_counted(today: Path) -> None:
    (untied,) = findings.findings(trace(today))
    assert (untied.class_, untied.count) == ("untied", 12)


def test_a_synthetic_boot_has_no_findings() -> None:
    cloud = Cloud()
    run(Services(cloud).boot())
    assert lines(cloud.trace()) == []


def test_privsep_functions_are_not_expected_in_logs() -> None:
    """Logs contain only the programs that ran before and after."""
    cloud = Cloud()
    compute = cloud.process("/usr/bin/nova-compute")
    with compute.step("rpc", "build", side="server", unique_id="u", request_id="req-1"):
        for via in ("subprocess", "privsep", "subprocess"):
            compute.does("command", "env", via=via)
    for event in cloud.events:
        if event.attributes.get("via") != "privsep":
            event.witnesses = ("hooks", "logs")
    assert lines(cloud.trace()) == []


def test_a_message_missing_in_a_log_is_unlogged(today: Path) -> None:
    without(today / "nova-conductor.log", f"id:? {CALL}|id {CALL}")
    (finding,) = of_boot(trace(today))
    assert (finding.class_, finding.seen, finding.missed, finding.service) == (
        "unlogged",
        ("broker",),
        ("logs",),
        "conductor",
    )
    assert finding.boot == 1
    assert finding.address.startswith("3-")
    assert finding.text == f"rpc taking {NAME}"


def test_a_missing_copy_is_uncopied(today: Path) -> None:
    remaining = [
        line for line in copies(today / COPIES) if not (is_call(line) and line["trace_key"].startswith("deliver"))
    ]
    write_copies(today / COPIES, remaining)
    (finding,) = of_boot(trace(today))
    assert (finding.class_, finding.seen, finding.missed) == ("uncopied", ("logs",), ("broker",))


def is_call(line: dict[str, Any]) -> bool:
    message = line["payload"]["oslo.message"]
    return message.get("_msg_id") == CALL and "method" in message


def test_a_message_without_a_receiver_is_undelivered(today: Path) -> None:
    without(today / "nova-conductor.log", f"id:? {CALL}|id {CALL}")
    write_copies(today / COPIES, [
        line for line in copies(today / COPIES)
        if line["payload"]["oslo.message"].get("_msg_id") != CALL or line["trace_key"] == "publish.nova"
    ])  # fmt: skip
    (finding,) = [finding for finding in of_boot(trace(today)) if finding.class_ == "undelivered"]
    assert finding.service == "compute"
    assert set(finding.missed) == {"logs", "broker"}


def test_an_undelivered_message_without_a_queue_is_explained(today: Path) -> None:
    all_copies = copies(today / COPIES)
    (call,) = [line for line in all_copies if is_call(line) and line["trace_key"] == "publish.nova"]
    call["routed_queues"] = []
    write_copies(today / COPIES, [line for line in all_copies if line is call or not is_call(line)])
    (finding,) = [finding for finding in of_boot(trace(today / COPIES)) if finding.class_ == "undelivered"]
    assert finding.text.endswith(", there was no queue for it")


def test_a_message_delivered_twice_is_redelivered(today: Path) -> None:
    all_copies = copies(today / COPIES)
    (call,) = [line for line in all_copies if is_call(line) and line["trace_key"].startswith("deliver")]
    write_copies(today / COPIES, [*all_copies, call | {"t": call["t"] + 0.005, "redelivered": 1}])
    (finding,) = of_boot(trace(today / COPIES))
    assert (finding.class_, finding.text) == ("redelivered", f"rpc call {NAME}, taken 2 times")


def test_a_late_answer_is_a_timeout_and_unclaimed(today: Path) -> None:
    log = today / "nova-compute.log"
    record = next(line for line in log.read_text().splitlines() if f"CALL msg_id: {CALL}" in line)
    head, ids = record.partition("DEBUG")[0], re.search(r"\[.*?\]", record)
    assert ids is not None
    timeout = head.replace("12.271", "12.281") + f"ERROR nova.compute.manager {ids[0]} MessagingTimeout: Timed out "
    lines_before = log.read_text().splitlines(keepends=True)
    position = next(index for index, line in enumerate(lines_before) if f"received reply msg_id: {CALL}" in line)
    lines_before.insert(position, f"{timeout}waiting for a reply to message ID {CALL}\n")
    late = f"{head.replace('12.271', '12.293')}WARNING oslo_messaging._drivers.amqpdriver [-] No calling threads"
    lines_before.insert(position + 1, f"{late} waiting for msg_id : {CALL}\n")
    log.write_text("".join(lines_before))
    assert [finding.class_ for finding in of_boot(trace(today))] == ["timeout", "error", "unclaimed"]
    assert lines(trace(today))[0].startswith(
        f"timeout: [compute] rpc call {NAME}, after 0.0 s; the answer came 0.0 s later"
    )


def test_a_statement_missing_in_the_hooks_is_unhooked() -> None:
    """It is in the log, and the hooks recorded other statements of the process."""
    cloud = Cloud()
    services = Services(cloud)
    run(services.boot(1))
    run(services.boot(2))
    run(services.boot(3))
    sql = [event for event in cloud.events if event.kind == "sql" and event.process is services.conductor.process]
    missed = sql[len(sql) // 2]
    missed.witnesses, missed.attributes["statement"] = ("logs",), "SELECT 7 FROM others"
    (finding,) = of_boot(cloud.trace())
    assert (finding.class_, finding.seen, finding.missed) == ("unhooked", ("logs",), ("hooks",))


def test_show_prints_findings(today: Path, tmp_path: Path) -> None:
    without(today / "nova-conductor.log", f"id:? {CALL}|id {CALL}")
    file = tmp_path / "x.trace.jsonl.gz"
    trace_file.write(file, trace(today))
    shown = CliRunner().invoke(main, ["show", str(file), "--findings"])
    assert shown.exit_code == 0, shown.output
    head, first, second = shown.output.splitlines()
    assert head == "2 findings: 1 unlogged, 1 untied"
    assert re.fullmatch(
        rf"unlogged     capvm 3-\S+  \[conductor\] rpc taking {NAME}: seen by broker, not by logs",
        first,
    )
    assert second.startswith("untied       log of requests that are not known (image 12)")
    rows = json.loads(CliRunner().invoke(main, ["show", str(file), "capvm", "--findings", "--json"]).output)
    assert [(row["class"], row["boot"], row["count"]) for row in rows] == [("unlogged", 1, 1), ("untied", 0, 12)]
    assert [(row["first"], row["last"]) for row in rows] == [("", ""), ("", "")]
    none = CliRunner().invoke(main, ["show", str(file), "2", "--findings"])
    assert none.output.splitlines()[0] == "1 finding: 1 untied"


def failing(cloud: Cloud, message: str, level: str = "ERROR", request_id: str | None = None) -> Worker:
    """Return a compute that logs a line."""
    compute = cloud.process("/usr/bin/nova-compute")
    compute.log(message, request_id).attributes["level"] = level
    return compute


def test_error_lines_are_findings_by_service_and_text() -> None:
    """In a request and in none, with count, first and last; ids and addresses alone make no other text."""
    cloud = Cloud()
    compute = failing(cloud, f"[instance: {UUID.format(1)}] lost 10.0.0.1:5672")
    compute.log(f"[instance: {UUID.format(2)}] lost 10.0.0.2:5672").attributes["level"] = "ERROR"
    compute.log("cannot start\nTraceback (most recent call last):\nOSError: in use").attributes["level"] = "CRITICAL"
    compute.log("no matter").attributes["level"] = "WARNING"
    lost, start = findings.findings(cloud.trace())
    assert (lost.class_, lost.service, lost.count, lost.last - lost.first) == ("error", "compute", 2, 2_000_000)
    assert findings.line(lost) == (
        f"[compute] nova.x: [instance: {UUID.format(1)}] lost 10.0.0.1:5672 ×2, "
        "2026-01-01 00:00:00.001 to 2026-01-01 00:00:00.003"
    )
    assert start.text == "CRITICAL nova.x: cannot start … OSError: in use"


def test_an_error_within_a_request_has_its_address() -> None:
    cloud = Cloud()
    api = cloud.process("/usr/bin/nova-api")
    for number in (1, 2):
        with api.step("http", "GET /v2.1/x", side="server", request_id=f"req-{number}", status=200):
            api.log("boom").attributes["level"] = "ERROR"
    trace = cloud.trace()
    (finding,) = findings.findings(trace)
    assert (finding.boot, finding.address, finding.count) == (1, "1/1", 2)
    (second,) = findings.findings(trace, trace.others[1])
    assert (second.boot, second.count) == (2, 1)


def test_further_texts_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "MAX_TEXTS", 1)
    cloud = Cloud()
    compute = failing(cloud, "first")
    for text in ("second", "third", "third"):
        compute.log(text).attributes["level"] = "ERROR"
    texts = [(finding.text, finding.count) for finding in findings.findings(cloud.trace())]
    assert texts == [("nova.x: first", 1), ("2 further texts, see: bootseq show --timeline --level ERROR", 3)]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            "Unexpected exception\nTraceback:\nMessagingTimeout: Timed out waiting for a reply to message ID 77ab",
            "rpc call (call not logged), message ID 77ab",
        ),
        (
            'Timeout while waiting on RPC response - topic: "network", RPC method: "allocate_for_instance" info: "x"',
            "rpc call allocate_for_instance to network (call not logged)",
        ),
        (
            "Timed out waiting for nova-conductor.  Is it running? Or did this service start before nova-conductor?",
            "rpc call to conductor (call not logged)",
        ),
        (
            "Timeout in RPC method report_state. Waiting for 28 seconds before next attempt.",
            "rpc call report_state (call not logged)",
        ),
        ("MessagingTimeout after 60 seconds", "rpc call (call not logged), after 60 s"),
    ],
)
def test_a_line_alone_reports_a_timeout(message: str, text: str) -> None:
    """At any level, also where no request is known."""
    cloud = Cloud()
    compute = failing(cloud, message, "WARNING")
    compute.log(message).attributes["level"] = "ERROR"
    timeout, error = findings.findings(cloud.trace())
    assert (timeout.class_, timeout.text, timeout.service, timeout.count) == ("timeout", text, "compute", 2)
    assert error.class_ == "error"


def test_a_timeout_is_that_of_its_call_wherever_it_is_logged() -> None:
    """The line belongs to no request, or to another one."""
    cloud = Cloud()
    compute = cloud.process("/usr/bin/nova-compute")
    compute.does("rpc", "", side="client", mode="call", topic="conductor", msg_id="m1", request_id="req-1")
    cloud.now += 60_000_000_000
    compute.log("Timed out waiting for a reply to message ID m1").attributes["level"] = "WARNING"
    (finding,) = [finding for finding in findings.findings(cloud.trace()) if finding.class_ == "timeout"]
    assert (finding.text, finding.boot, finding.address) == ("rpc call to conductor, after 60.0 s", 1, "1")


@pytest.mark.parametrize(
    ("method", "status", "failed"),
    [("GET", 404, False), ("GET", 500, True), ("DELETE", 409, True), ("PUT", 200, False)],
)
def test_a_failed_request_is_a_finding(method: str, status: int, failed: bool) -> None:
    """A client that looks for a name before it uses an id is answered 404: that is no fault."""
    cloud = Cloud()
    cloud.process("/usr/bin/nova-api").does("http", f"{method} /x", side="server", request_id="req-1", status=status)
    expected = [("failed", f"{method} /x: error: HTTP {status}", 1, "1")] if failed else []
    results = findings.findings(cloud.trace())
    assert [(finding.class_, finding.text, finding.boot, finding.address) for finding in results] == expected


def test_work_that_fails_after_the_answer_is_a_finding_at_its_chapter() -> None:
    cloud = Cloud()
    api, compute = cloud.process("/usr/bin/nova-api"), cloud.process("/usr/bin/nova-compute")
    with api.step("http", "POST /v2.1/servers/a/action", side="server", status=202, request_id="req-1"):
        api.does("rpc", "resize_instance", side="client", mode="cast", unique_id="u1")
    ids = {"unique_id": "u1", "request_id": "req-1"}
    compute.does("rpc", "resize_instance", side="server", error="nova.exception.ResizeError: no space", **ids)
    (finding,) = findings.findings(cloud.trace())
    assert (finding.class_, finding.address, finding.service) == ("failed", "2", "compute")
    assert finding.text == "POST /v2.1/servers/a/action: failed: ResizeError: no space"


def test_a_notification_in_the_log_is_no_error_line() -> None:
    cloud = Cloud()
    failing(cloud, "{}")
    for event in cloud.events:
        event.attributes |= {"level": "ERROR", "logger": "oslo.messaging.notification.instance.create.error"}
    assert findings.findings(cloud.trace()) == []


def test_the_exception_that_hooks_recorded_is_part_of_the_text() -> None:
    cloud = Cloud()
    failing(cloud, "Instance failed to spawn")
    cloud.events[-1].attributes["exception"] = "OSError: no space"
    (finding,) = findings.findings(cloud.trace())
    assert finding.text == "nova.x: Instance failed to spawn … OSError: no space"
