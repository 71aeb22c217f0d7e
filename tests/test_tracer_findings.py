"""Findings: what a witness should have seen and did not; nothing where nothing is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.events import Cloud, Services, run
from tests.support.log_traces import DIABLO, nova34, trace
from tracer import findings, trace_file
from tracer.cli import main
from tracer.findings import TraceFinding
from tracer.model import Trace

COPIES = "rpc.jsonl"
#: The id of a call that the compute makes for the boot, and its name.
CALL = "c3ed9d5ffb72489bac2575bd5c386dd3"

NAME = "BlockDeviceMappingList.get_by_instance_uuid"


@pytest.fixture
def today(tmp_path: Path) -> Path:
    return nova34(tmp_path)


def without(path: Path, *patterns: str) -> None:
    """Take the lines out of a file that hold one of the patterns."""
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not any(re.search(pattern, line) for pattern in patterns)]
    assert len(kept) < len(lines)
    path.write_text("".join(kept))


def copies(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def put(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in sorted(lines, key=lambda line: line["t"])))


def found(trace: Trace) -> list[TraceFinding]:
    """Of the boot."""
    return [one for one in findings.findings(trace) if one.class_ != "untied"]


def lines(trace: Trace) -> list[str]:
    return [f"{one.class_}: {findings.line(one)}" for one in found(trace)]


def test_real_boots_have_none(today: Path) -> None:
    for folder in (today, DIABLO):
        for paths in ([folder], sorted(folder.glob("*.log")), [folder / COPIES]):
            assert lines(trace(*paths)) == []


def test_real_lines_that_belong_to_no_request_are_counted(today: Path) -> None:
    (untied,) = findings.findings(trace(today))
    assert (untied.class_, untied.count) == ("untied", 35)


def test_hooks_of_a_made_up_boot_have_none() -> None:
    cloud = Cloud()
    run(Services(cloud).boot())
    assert lines(cloud.trace()) == []


def test_logs_tell_of_no_function_of_privsep() -> None:
    """They tell of the programs that were run before and after it."""
    cloud = Cloud()
    compute = cloud.process("/usr/bin/nova-compute")
    with compute.step("rpc", "build", side="server", unique_id="u", request_id="req-1"):
        for via in ("subprocess", "privsep", "subprocess"):
            compute.does("command", "env", via=via)
    for event in cloud.events:
        if event.attributes.get("via") != "privsep":
            event.witnesses = ("hooks", "logs")
    assert lines(cloud.trace()) == []


def test_a_log_that_leaves_a_message_out(today: Path) -> None:
    without(today / "nova-conductor.log", f"id:? {CALL}|id {CALL}")
    (one,) = found(trace(today))
    assert (one.class_, one.seen, one.missed, one.service) == ("unlogged", ("broker",), ("logs",), "conductor")
    assert one.boot == 1
    assert one.address.startswith("3-")
    assert one.text == f"rpc taking {NAME}"


def test_a_copy_that_is_missing(today: Path) -> None:
    kept = [line for line in copies(today / COPIES) if not (is_call(line) and line["trace_key"].startswith("deliver"))]
    put(today / COPIES, kept)
    (one,) = found(trace(today))
    assert (one.class_, one.seen, one.missed) == ("uncopied", ("logs",), ("broker",))


def is_call(line: dict[str, Any]) -> bool:
    message = line["payload"]["oslo.message"]
    return message.get("_msg_id") == CALL and "method" in message


def test_a_message_that_is_never_delivered(today: Path) -> None:
    without(today / "nova-conductor.log", f"id:? {CALL}|id {CALL}")
    put(today / COPIES, [
        line for line in copies(today / COPIES)
        if line["payload"]["oslo.message"].get("_msg_id") != CALL or line["trace_key"] == "publish.nova"
    ])  # fmt: skip
    (one,) = [one for one in found(trace(today)) if one.class_ == "undelivered"]
    assert one.service == "compute"
    assert set(one.missed) == {"logs", "broker"}


def test_a_message_without_a_queue(today: Path) -> None:
    kept = copies(today / COPIES)
    (call,) = [line for line in kept if is_call(line) and line["trace_key"] == "publish.nova"]
    call["routed_queues"] = []
    put(today / COPIES, [line for line in kept if line is call or not is_call(line)])
    (one,) = [one for one in found(trace(today / COPIES)) if one.class_ == "undelivered"]
    assert one.text.endswith(", there was no queue for it")


def test_a_message_that_is_handed_out_twice(today: Path) -> None:
    kept = copies(today / COPIES)
    (call,) = [line for line in kept if is_call(line) and line["trace_key"].startswith("deliver")]
    put(today / COPIES, [*kept, call | {"t": call["t"] + 0.005, "redelivered": 1}])
    (one,) = found(trace(today / COPIES))
    assert (one.class_, one.text) == ("redelivered", f"rpc call {NAME}, taken 2 times")


def test_an_answer_that_comes_too_late(today: Path) -> None:
    log = today / "nova-compute.log"
    record = next(line for line in log.read_text().splitlines() if f"CALL msg_id: {CALL}" in line)
    head, ids = record.partition("DEBUG")[0], re.search(r"\[.*?\]", record)
    assert ids is not None
    said = head.replace("12.271", "12.281") + f"ERROR nova.compute.manager {ids[0]} MessagingTimeout: Timed out "
    lines_before = log.read_text().splitlines(keepends=True)
    at = next(place for place, line in enumerate(lines_before) if f"received reply msg_id: {CALL}" in line)
    lines_before.insert(at, f"{said}waiting for a reply to message ID {CALL}\n")
    late = f"{head.replace('12.271', '12.293')}WARNING oslo_messaging._drivers.amqpdriver [-] No calling threads"
    lines_before.insert(at + 1, f"{late} waiting for msg_id : {CALL}\n")
    log.write_text("".join(lines_before))
    assert [one.class_ for one in found(trace(today))] == ["timeout", "unclaimed"]
    assert lines(trace(today))[0].startswith(
        f"timeout: [compute] rpc call {NAME}, after 0.0 s; the answer came 0.0 s later"
    )


def test_hooks_that_are_missing_in_a_process() -> None:
    """What a log tells that the hooks did not record, though they did of other statements."""
    cloud = Cloud()
    services = Services(cloud)
    run(services.boot(1))
    run(services.boot(2))
    run(services.boot(3))
    sql = [event for event in cloud.events if event.kind == "sql" and event.process is services.conductor.process]
    missed = sql[len(sql) // 2]
    missed.witnesses, missed.attributes["statement"] = ("logs",), "SELECT 7 FROM others"
    (one,) = found(cloud.trace())
    assert (one.class_, one.seen, one.missed) == ("unhooked", ("logs",), ("hooks",))


def test_show_tells_them(today: Path, tmp_path: Path) -> None:
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
    assert second.startswith("untied       log of requests that are not known (compute 13,")
    told = json.loads(CliRunner().invoke(main, ["show", str(file), "capvm", "--findings", "--json"]).output)
    assert [(one["class"], one["boot"], one["count"]) for one in told] == [("unlogged", 1, 1), ("untied", 0, 35)]
    none = CliRunner().invoke(main, ["show", str(file), "2", "--findings"])
    assert none.output.splitlines()[0] == "1 finding: 1 untied"
