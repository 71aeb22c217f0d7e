"""The boots of a Tempest run by their tests: Tempest's log, baselines, verdicts."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from examples.ci import commands
from examples.ci.tempest import main
from examples.ci.tempest_log import by_request
from tests.support.builders import boot, call, http, sql
from tests.test_tracer_cli import bootseq
from tracer import trace_file
from tracer.model import Request, Trace

IDS = [f"req-14992dba-bcb4-48a4-bbe3-25c6b9068b{number}f" for number in range(4)]
LINE = (
    "2026-05-06 07:19:15.063 104297 INFO tempest.lib.common.rest_client [{id} ] Request ({test}): {status} {method} "
    "http://10.0.0.1/compute/v2.1/{path} 1.523s\n"
)


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run bootseq's commands in this process: their start is most of what they cost."""
    monkeypatch.setattr(commands, "_bootseq", lambda arguments, silent: bootseq(*arguments).exit_code)


def line(number: int, test: str, status: int = 202, method: str = "POST", path: str = "servers") -> str:
    return LINE.format(id=IDS[number], test=test, status=status, method=method, path=path)


def request(number: int, statements: int = 2) -> Request:
    """Return the boot that a test asked for."""
    rows = [sql("API", "SELECT", "instances") for _ in range(statements)]
    sent = boot(http("client", "API", "POST", "/servers", call("API", "nova.api:create", *rows)))
    sent.number, sent.server, sent.request_id = number + 1, f"tempest-server-{number}", IDS[number]
    sent.operation, sent.outcome = "boot", "active"
    return sent


def trace(path: Path, *boots: Request, warnings: tuple[str, ...] = ()) -> Path:
    trace_file.write(path, Trace(list(boots), warnings=list(warnings)))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "tempest.log"
    path.write_text(
        line(0, "TestServerBasicOps:test_server_basic_ops")
        + line(1, "TestNetworkBasicOps:setUpClass")
        + line(2, "main")
        + line(3, "TestServerBasicOps:test_server_basic_ops", method="GET", path="servers/detail", status=200)
    )
    return path


def test_requests_have_tests(log: Path, tmp_path: Path) -> None:
    """Accepted requests for a server, of a test; in a packed log too."""
    expected = {IDS[0]: "TestServerBasicOps.test_server_basic_ops", IDS[1]: "TestNetworkBasicOps.setUpClass"}
    assert by_request([log]) == expected
    packed = tmp_path / "tempest.log.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    assert by_request([packed]) == expected
    other = tmp_path / "other.log"
    other.write_text(line(2, "TestA:test", status=403) + line(3, "TestA:test", path="servers/x/action"))
    assert by_request([other]) == {}


def test_boots_are_listed_by_test(log: Path, tmp_path: Path) -> None:
    done = run("list", trace(tmp_path / "t.trace.jsonl", request(0), request(3)), "--log", log)
    assert done.exit_code == 0
    assert [row.split(" ")[:2] for row in done.stdout.splitlines()] == [
        ["TestServerBasicOps.test_server_basic_ops:", "tempest-server-0"],
        ["no", "test:"],
        ["TestNetworkBasicOps.setUpClass:", "not"],
    ]


def test_boots_of_a_test_are_judged_by_its_baseline(log: Path, tmp_path: Path) -> None:
    """The same boots are the same; another statement in one test's boot differs, and the report shows it."""
    baselines, reports = tmp_path / "baselines", tmp_path / "reports"
    file = trace(tmp_path / "1.trace.jsonl", request(0), request(1))
    done = run("bless", file, "--log", log, "--baselines", baselines)
    assert done.exit_code == 0, done.output
    assert [path.name for path in sorted(baselines.iterdir())] == [
        "TestNetworkBasicOps.setUpClass.baseline", "TestServerBasicOps.test_server_basic_ops.baseline",
    ]  # fmt: skip
    judged = ("--log", log, "--baselines", baselines, "-o", reports)
    done = run("judge", file, *judged)
    assert (done.exit_code, done.stdout.count(": same (tempest-server-")) == (0, 2)
    done = run("judge", trace(tmp_path / "2.trace.jsonl", request(0), request(1, statements=3)), *judged)
    assert (done.exit_code, done.stdout.splitlines()) == (1, [
        "TestNetworkBasicOps.setUpClass: differs (tempest-server-1)",
        "TestServerBasicOps.test_server_basic_ops: same (tempest-server-0)",
    ])  # fmt: skip
    assert "SELECT instances" in (reports / "TestNetworkBasicOps.setUpClass.md").read_text()


def test_several_runs_make_a_baseline(log: Path, tmp_path: Path) -> None:
    """Counts that differ from run to run are ranges."""
    runs = [trace(tmp_path / f"{count}.trace.jsonl", request(0, count), request(1)) for count in (1, 3)]
    assert run("bless", *runs, "--log", log, "--baselines", tmp_path / "b").exit_code == 0
    assert "×1–3" in (tmp_path / "b/TestServerBasicOps.test_server_basic_ops.baseline").read_text()


def test_missing_baselines_and_boots_leave_it_undecided(log: Path, tmp_path: Path) -> None:
    file = trace(tmp_path / "t.trace.jsonl", request(0))
    done = run("judge", file, "--log", log, "--baselines", tmp_path / "b", "-o", tmp_path / "r")
    assert done.exit_code == 2
    assert f"test_server_basic_ops: undecided, no {tmp_path}/b/TestServerBasicOps" in done.stdout
    assert f"TestNetworkBasicOps.setUpClass: undecided, not recorded: {IDS[1]}" in done.stdout
    empty = tmp_path / "empty.log"
    empty.write_text("")
    done = run("judge", file, "--log", empty, "--baselines", tmp_path / "b", "-o", tmp_path / "r")
    assert (done.exit_code, done.stdout) == (2, "undecided: no boot of a test was recorded\n")


def test_no_baseline_is_made_of_unlike_or_incomplete_boots(log: Path, tmp_path: Path) -> None:
    failed = request(0)
    failed.outcome = "error: NoValidHost"
    runs = [trace(tmp_path / f"{number}.trace.jsonl", sent) for number, sent in enumerate((request(0), failed))]
    done = run("bless", *runs, "--log", log, "--baselines", tmp_path / "b")
    assert "ended differently: active, error" in str(done.exception)
    torn = trace(tmp_path / "torn.trace.jsonl", request(0), warnings=("lost-events: 3 events were lost",))
    done = run("bless", torn, "--log", log, "--baselines", tmp_path / "b")
    assert "3 events were lost; record again" in str(done.exception)


def test_parameters_of_a_test_make_no_path(tmp_path: Path) -> None:
    log = tmp_path / "tempest.log"
    log.write_text(line(0, "TestA:test/../../x"))
    file = trace(tmp_path / "t.trace.jsonl", request(0))
    assert run("bless", file, "--log", log, "--baselines", tmp_path / "b").exit_code == 0
    (baseline,) = (tmp_path / "b").iterdir()
    assert baseline.name == "TestA.test_.._.._x.baseline"
