"""``bootseq explain`` on logs alone, as people paste them: causes, hosts, services in trouble, what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support import builders
from tests.support.explanations import explain, json_of, text_of
from tracer import trace_file
from tracer.cli import main
from tracer.model import LogLine, Trace

ROOT = Path(__file__).parents[1]


class TestWhatIsMissing:
    """A boot of which only the API's log is there."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        log = tmp_path / "nova-api.log"
        log.write_text(
            "2024-03-01 10:00:01.500 101 INFO nova.osapi_compute.wsgi.server [req-0a1b2c3d-1111-4aaa-8bbb-000000000002 "
            'u p - default default] 192.0.2.10 "POST /v2.1/servers HTTP/1.1" status: 202 len: 500 time: 0.5000000\n'
        )
        trace = tmp_path / "boot.jsonl"
        assert CliRunner().invoke(main, ["ingest", "-o", str(trace), str(log)]).exit_code == 0
        return trace

    def test_nothing_is_guessed(self, path: Path) -> None:
        result = explain(path)
        assert result.exit_code == 2
        assert "Its end is not in the trace" in result.stdout
        assert "First cause" not in result.stdout

    def test_the_next_log_and_the_command_are_named(self, path: Path) -> None:
        text = explain(path).stdout
        assert "nova-conductor.log" in text
        assert "    bootseq ingest -o FILE … nova-conductor.log" in text


class TestLogsAlone:
    """Logs at INFO, as people paste them."""

    @staticmethod
    def trace(folder: Path, **logs: str) -> Path:
        for name, text in logs.items():
            (folder / f"nova-{name}.log").write_text(text)
        path = folder / "logs.jsonl"
        result = CliRunner().invoke(main, ["ingest", "-o", str(path), *map(str, folder.glob("*.log"))])
        assert result.exit_code == 0, result.stderr
        return path

    def test_a_timeout_s_traceback_names_who_was_called(self, tmp_path: Path) -> None:
        path = self.trace(tmp_path, api=_api(), conductor=_conductor())
        cause = json_of(path)["cause"]
        assert cause["service"] == "scheduler"
        assert "Conductor gave up waiting for scheduler to answer RPC call select_destinations" in cause["text"]
        assert cause["quotations"][0]["source"].endswith("nova-conductor.log:1")

    def test_the_filter_that_left_no_host(self, tmp_path: Path) -> None:
        result = "Filtering removed all hosts for the request with instance ID '7a'. Filter results: "
        counts = "['ComputeFilter: (start: 3, end: 2)', 'NUMATopologyFilter: (start: 2, end: 0)']"
        scheduler = _line("INFO nova.filters", "Filter NUMATopologyFilter returned 0 hosts") + _line(
            "INFO nova.filters", result + counts
        )
        conductor = _line("ERROR nova.conductor.manager", f"Failed to schedule instances: {_NO_HOST}")
        value = json_of(self.trace(tmp_path, api=_api(), scheduler=scheduler, conductor=conductor))
        assert value["cause"]["text"] == (
            "NUMATopologyFilter, which passes hosts whose NUMA cells fit the flavor's and the image's demands, removed "
            "the last host (ComputeFilter left 2 of 3, NUMATopologyFilter left 0 of 2)."
        )
        assert value["next"][0]["command"] == "openstack flavor show FLAVOR"
        assert value["cause"]["error"] == (
            "NoValidHost: No valid host was found. There are not enough hosts available."
        )

    def test_an_answer_whose_reason_was_not_logged(self, tmp_path: Path) -> None:
        answer = '192.0.2.10 "POST /v2.1/servers HTTP/1.1" status: 403 len: 500 time: 0.5'
        value = json_of(self.trace(tmp_path, api=_line("INFO nova.osapi_compute.wsgi.server", answer)))
        assert value["cause"]["text"] == ("The API answered POST /v2.1/servers with HTTP 403; why is not in the trace.")
        assert "nova.api.openstack.wsgi" in value["next"][0]["text"]

    def test_an_answer_with_its_reason(self, tmp_path: Path) -> None:
        reason = "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances"
        text = _line("INFO nova.api.openstack.wsgi", f"HTTP exception thrown: {reason}")
        answer = '192.0.2.10 "POST /v2.1/servers HTTP/1.1" status: 403 len: 500 time: 0.5'
        log = text + _line("INFO nova.osapi_compute.wsgi.server", answer)
        cause = json_of(self.trace(tmp_path, api=log))["cause"]
        assert reason in cause["text"]
        assert cause["text"].startswith("The API refused the request at 10:00:02.100: ")

    def test_what_the_api_only_accepted_is_not_called_a_success(self, tmp_path: Path) -> None:
        answer = '192.0.2.10 "POST /v2.1/servers/7a7a7a7a/action HTTP/1.1" status: 202 len: 0 time: 0.5'
        path = self.trace(tmp_path, api=_line("INFO nova.osapi_compute.wsgi.server", answer))
        result = explain(path, "req-0a1b2c3d-1111-4aaa-8bbb-000000000002")
        assert result.exit_code == 2
        assert "The API accepted it; what came of it is not in the trace." in result.stdout
        assert "bootseq ingest -o FILE … nova-compute.log" in result.stdout

    @pytest.mark.parametrize(
        ("sample", "service", "error", "hosts"),
        [
            ("02-info-outcome-error", "scheduler", "NoValidHost: No valid host was found.", []),
            ("02c-out-of-retries-in-2015", "compute", "libvirtError: internal error: no space", ["kite", "lark"]),
            ("03-one-service-only", "compute", "VirtualInterfaceCreateException: Virtual Interface", ["kite"]),
            ("12c-quota-refused", "API", "TooManyInstances: Quota exceeded for cores: Requested 1", []),
        ],
    )  # fmt: skip
    def test_samples_of_the_field(
        self, sample: str, service: str, error: str, hosts: list[str], tmp_path: Path
    ) -> None:
        path = tmp_path / "sample.jsonl"
        logs = sorted((ROOT / "tests" / "data" / "field" / sample).rglob("*.log"))
        assert CliRunner().invoke(main, ["ingest", "-o", str(path), *map(str, logs)]).exit_code == 0
        value = json_of(path)
        assert value["cause"]["service"] == service
        assert value["cause"]["error"].startswith(error)
        assert [attempt["host"] for attempt in value["hosts"] if attempt["host"]] == hosts
        assert value["cause"]["quotations"][0]["source"]


_NO_HOST = "nova.exception_Remote.NoValidHost_Remote: No valid host was found. There are not enough hosts available."


def _line(head: str, message: str) -> str:
    ids = "[req-0a1b2c3d-1111-4aaa-8bbb-000000000002 u p - default default]"
    return f"2024-03-01 10:00:02.100 303 {head} {ids} {message}\n"


def _api() -> str:
    answer = '192.0.2.10 "POST /v2.1/servers HTTP/1.1" status: 202 len: 500 time: 0.5000000'
    return _line("INFO nova.osapi_compute.wsgi.server", answer)


def _conductor() -> str:
    """Return what Nova 34's conductor logs if the scheduler does not answer."""
    timeout = "oslo_messaging.exceptions.MessagingTimeout: Timed out waiting for a reply to message ID 00b213de"
    frames = [
        "Traceback (most recent call last):",
        '  File "/usr/lib/python3/dist-packages/oslo_messaging/_drivers/amqpdriver.py", line 497, in get',
        "    return self._queues[msg_id].get(block=True, timeout=timeout)",
        "_queue.Empty",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "Traceback (most recent call last):",
        '  File "/usr/lib/python3/dist-packages/nova/scheduler/rpcapi.py", line 160, in select_destinations',
        "    return cctxt.call(ctxt, 'select_destinations', **msg_args)",
        timeout,
    ]
    head = _line("ERROR nova.conductor.manager", f"Failed to schedule instances: {timeout}")
    return head + "".join(_line("ERROR nova.conductor.manager", frame) for frame in frames)


def test_a_service_that_cannot_start(tmp_path: Path) -> None:
    path = tmp_path / "start.jsonl"
    start = builders.EPOCH
    message = "Could not bind to 0.0.0.0:8773"
    lines = [
        LogLine(start + seconds * 10**9, "", "API", 101, "ERROR", "nova.wsgi", message, "", "nova-api.log", seconds + 1)
        for seconds in range(3)
    ]
    trace_file.write(path, Trace([], lines=lines))
    text = text_of(path)
    assert "First cause: API cannot start, 3 times from 2026-01-01 00:00:00.000 UTC to 00:00:02.000: Could not" in text
    assert "(nova-api.log:1)" in text


def test_an_id_that_only_lines_of_no_request_name(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    port = "7a7a7a7a-0000-4000-8000-000000000005"
    message = f"Port {port} failed to bind"
    line = LogLine(builders.EPOCH, "", "network", 1, "ERROR", "neutron.agent", message, "", "a.log", 7)
    trace_file.write(path, Trace([], lines=[line]))
    value = json_of(path, port)
    assert value["cause"]["text"].startswith("Network reports an error, at 2026-01-01 00:00:00.000 UTC: Port 7a7a")
    assert value["services"][0]["quotations"][0]["source"] == "a.log:7"
