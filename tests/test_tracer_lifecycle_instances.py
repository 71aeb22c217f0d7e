"""The lives of instances: each action with its time, its request and how that ended; from hooks and from logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.events import UUID, Cloud, Services, run
from tests.support.log_traces import DIABLO, nova34, trace
from tracer import trace_file
from tracer.cli import main
from tracer.lifecycle import Instance, instances
from tracer.model import Trace

SERVER, OTHER = UUID.format(1), UUID.format(2)


def actions(life: Instance) -> list[tuple[str, str, str]]:
    return [(action.name, action.request_id, action.outcome) for action in life.actions]


def api_request(cloud: Cloud, method: str, path: str, number: int, status: int = 202, **more: Any) -> None:
    """Record a request that the API answered."""
    api = cloud.process("/usr/bin/nova-api")
    known = {"method": method, "path": path, "status": status, "request_id": f"req-{number}", **more}
    api.does("http", f"{method} {path}", side="server", **known)


def test_hooks_name_actions_by_the_body() -> None:
    cloud = Cloud()
    for number, body in enumerate(({"os-stop": None}, {"resize": {"flavorRef": "2"}}, {"os-getConsoleOutput": {}})):
        api_request(cloud, "POST", f"/v2.1/servers/{SERVER}/action", number, body=body)
    api_request(cloud, "GET", f"/v2.1/servers/{SERVER}", 3, 200)
    api_request(cloud, "POST", f"/v2.1/servers/{SERVER}/os-volume_attachments", 4, 409)
    api_request(cloud, "DELETE", f"/v2.1/servers/{OTHER}", 5, 204)
    first, second = instances(cloud.trace())
    assert (first.uuid, second.uuid) == (SERVER, OTHER)
    assert actions(first) == [
        ("stopped", "req-0", "done"), ("resized", "req-1", "done"), ("changed", "req-2", "done"),
        ("volume attached", "req-4", "error: HTTP 409"),
    ]  # fmt: skip
    assert actions(second) == [("deleted", "req-5", "done")]


def test_a_boot_creates_its_instance_on_its_host() -> None:
    cloud = Cloud()
    run(Services(cloud).boot())
    (life,) = instances(cloud.trace())
    assert (life.server, life.host, actions(life)) == ("vm1", "cmp1", [("created", "req-1", "active")])


@pytest.mark.parametrize(
    ("method", "name"),
    [("terminate_instance", "deleted"), ("reboot_instance", "rebooted"), ("live_migration", "live-migrated")],
)
def test_a_message_alone_names_the_action(method: str, name: str) -> None:
    """The API was not traced, and a line names the instance."""
    cloud = Cloud()
    compute = cloud.process("/usr/bin/nova-compute")
    with compute.step("rpc", method, side="server", method=method, unique_id="u1", request_id="req-1"):
        compute.log(f"[instance: {SERVER}] under way")
    (life,) = instances(cloud.trace())
    assert (life.uuid, actions(life)) == (SERVER, [(name, "req-1", "done")])


_IDS = "[req-0a1b2c3d-1111-4aaa-8bbb-{:012} u p - default default]"


def log(*lines: tuple[int, int, str, str]) -> str:
    """Return a log of (second, request, level and logger, message)."""
    return "".join(
        f"2025-03-01 10:00:{second:02}.000 101 {source} {_IDS.format(request)} {message}\n"
        for second, request, source, message in lines
    )


def lives(folder: Path, **logs: str) -> list[Instance]:
    for name, text in logs.items():
        (folder / f"nova-{name}.log").write_text(text)
    return instances(trace(*(folder / f"nova-{name}.log" for name in logs)))


def answered(second: int, request: int, line: str, status: int) -> tuple[int, int, str, str]:
    text = f'192.0.2.1 "{line} HTTP/1.1" status: {status} len: 5 time: 0.5'
    return second, request, "INFO nova.osapi_compute.wsgi.server", text


def test_logs_name_what_was_done_to_an_instance(tmp_path: Path) -> None:
    """Created, resized in vain and deleted: by the API's access lines and the compute's at INFO."""
    manager, about = "INFO nova.compute.manager", f"[instance: {SERVER}]"
    (life,) = lives(
        tmp_path,
        api=log(
            answered(1, 1, "POST /v2.1/servers", 202), answered(20, 2, f"POST /v2.1/servers/{SERVER}/action", 202),
            answered(40, 3, f"DELETE /v2.1/servers/{SERVER}", 204),
        ),
        compute=log(
            (5, 1, manager, f"{about} Took 3.00 seconds to build instance."),
            (22, 2, manager, f"{about} Migrating"),
            (23, 2, "ERROR nova.compute.manager", f"{about} Setting instance vm_state to ERROR: OSError: no space"),
            (41, 3, manager, f"{about} Terminating instance"),
        ),
    )  # fmt: skip
    assert life.uuid == SERVER
    assert [(action.name, action.request_id[-1]) for action in life.actions] == [
        ("created", "1"), ("resized", "2"), ("deleted", "3"),
    ]  # fmt: skip
    created, resized, deleted = (action.outcome for action in life.actions)
    assert (created, deleted) == ("active", "done")
    assert resized.startswith("error: ")
    assert "no space" in resized


def test_three_servers_of_one_request_are_three_rows(tmp_path: Path) -> None:
    compute = log(*(
        (number + 2, 1, "INFO nova.compute.manager", f"[instance: {UUID.format(number)}] {message}")
        for number in range(3)
        for message in ("Claim successful on node c1", "Took 2.00 seconds to build instance.")
    ))  # fmt: skip
    rows = lives(tmp_path, api=log(answered(1, 1, "POST /v2.1/servers", 202)), compute=compute)
    assert [life.uuid for life in rows] == [UUID.format(number) for number in range(3)]
    assert {actions(life)[0][0::2] for life in rows} == {("created", "active")}


def test_the_command_prints_one_row_per_instance(tmp_path: Path) -> None:
    """List the instances of a boot of 2011 and of one of Nova 34 from their logs."""
    for number, folder in enumerate((DIABLO, nova34(tmp_path))):
        file = tmp_path / f"{number}.trace.jsonl"
        trace_file.write(file, trace(folder))
        (boot,) = trace_file.read(file).boots
        rows = json.loads(CliRunner().invoke(main, ["list", str(file), "--instances", "--json"]).output)
        row = next(row for row in rows if row["uuid"] == boot.uuid)
        assert (row["server"], row["host"], row["actions"][0]["action"]) == (boot.server, boot.host, "created")
        assert row["actions"][0]["request_id"] == boot.request_id
        done = CliRunner().invoke(main, ["list", str(file), "--instances"])
        (line,) = (line for line in done.output.splitlines() if line.startswith(boot.uuid))
        assert f"created {row['actions'][0]['time'][:10]} " in line
        assert f" by {boot.number}: {boot.outcome}" in line


def test_a_trace_without_instances_says_so(tmp_path: Path) -> None:
    trace_file.write(tmp_path / "t.jsonl", Trace([]))
    assert CliRunner().invoke(main, ["list", str(tmp_path / "t.jsonl"), "--instances"]).output == "no instances\n"
