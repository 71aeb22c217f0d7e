"""Privileged calls of oslo.privsep with real daemons: what a daemon does is below the call that had it done."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from patches import privsep
from tests.support.events import Cloud, outline
from tests.support.recording import failing, inside_step, recording
from tests.support.victims import Victim
from tests.support.waiting import runs, wait_until
from tracer.attach import detach, processes
from tracer.attach.attach import Attachment
from tracer.correlation import links
from tracer.model import Step
from tracer.recording import capture as captures
from tracer.sources.hooks import segments

pytest.importorskip("oslo_privsep")

SUPPORT = Path(__file__).parent / "support"
METHODS = ("fork", "rootwrap")


@contextmanager
def service(method: str, mode: str = "serve") -> Iterator[tuple[Victim, int]]:
    """Yield a service and its daemon's number; the daemon ends with the service, as it would without hooks."""
    with Victim(mode) as victim:
        victim.ask(f"sys.path.append({str(SUPPORT)!r})")
        victim.ask("exec('import privileged_calls as calls', globals())")
        assert victim.ask(f"calls.start({method!r})") is None
        daemon = victim.ask("calls.pid()")
        yield victim, daemon
    wait_until(lambda: not runs(daemon))


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Return an empty capture."""
    captures.make(tmp_path / "capture", points=[], ask=["ask"], echo=False)
    return tmp_path / "capture"


def attach(capture: Path, *pids: int) -> None:
    """Attach to processes, each of which must succeed."""
    wanted = [process for pid in pids if (process := processes.read(pid)) is not None]
    reports = Attachment(capture, 60).attach(wanted)
    assert [(report.state, report.reason) for report in reports] == [("attached", "")] * len(pids)


def calls(capture: Path) -> list[Step]:
    """Return the recorded privileged calls with all below them, without log lines."""
    events = [event for event in segments.read(capture).events if event.kind != "log"]
    return [head for head in links.build(events).heads if head.attributes.get("via") == "privsep"]


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the client's end of an oslo.privsep channel, with a fake daemon that echoes or fails."""
    daemon = pytest.importorskip("oslo_privsep.daemon")
    comm = pytest.importorskip("oslo_privsep.comm")

    class Channel(daemon._ClientChannel):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.log_traceback = False

        def send_recv(self, message: Any, _timeout: float | None = None) -> Any:
            _, name, args, _ = message
            if name.endswith("fail"):
                return (comm.Message.ERR, "builtins.FileNotFoundError", ("no such path",))
            return (comm.Message.RET, args)

    return Channel()


def test_privileged_functions_are_named(tmp_path: Path, channel: Any) -> None:
    with recording(tmp_path, "privsep") as recorded, inside_step() as step:
        arguments = ("/etc/shadow", "w", "geheim")
        assert channel.remote_call("nova.privsep.path.writefile", arguments, {}, None) == arguments
        event = recorded.single("command")
    assert (event.name, event.parent) == ("nova.privsep.path.writefile", step)
    assert event.attributes == {"via": "privsep", "function": "nova.privsep.path.writefile"}


def test_commands_that_the_daemon_runs_show_their_arguments(tmp_path: Path, channel: Any) -> None:
    with recording(tmp_path, "privsep") as recorded:
        command, more = ("iscsiadm", "--secret", "geheim"), {"process_input": "geheim"}
        channel.remote_call("os_brick.privileged.rootwrap.execute_root", command, more, None)
        assert recorded.single("command").attributes["arguments"] == ["iscsiadm", "--secret", "***"]


def test_packet_filters_that_the_daemon_loads_show_their_chains(tmp_path: Path, channel: Any) -> None:
    rules = ":neutron-openvswi-i1 - [0:0]\n-A neutron-openvswi-i1 --comment geheim\n"
    with recording(tmp_path, "privsep") as recorded:
        neutron = (["iptables-restore", "-n"], rules.encode(), None)
        channel.remote_call("neutron.privileged.agent.linux.utils.execute_process", neutron, {}, None)
        channel.remote_call("vif.linux_net.execute", ("iptables-restore", "-n"), {"process_input": rules}, None)
        events = recorded.events("command")
    for event in events:
        assert event.attributes["arguments"] == ["iptables-restore", "-n"]
        assert event.attributes["chains"] == ["neutron-openvswi-i1"]
    assert len(events) == 2
    assert not [path for path in (tmp_path / "segments").iterdir() if b"geheim" in path.read_bytes()]


def test_an_error_of_a_privileged_function_is_recorded(tmp_path: Path, channel: Any) -> None:
    with recording(tmp_path, "privsep") as recorded:
        with pytest.raises(FileNotFoundError, match="no such path"):
            channel.remote_call("nova.privsep.path.fail", (), {}, None)
        assert recorded.single("command").error == "FileNotFoundError: no such path"


def test_the_hooks_own_failures_do_not_reach_the_caller(tmp_path: Path, channel: Any) -> None:
    with recording(tmp_path, "privsep"), failing():
        assert [channel.remote_call("nova.privsep.path.exists", ("/",), {}, None) for _ in range(6)] == [("/",)] * 6
        assert not privsep.privsep.enabled


def test_a_call_is_linked_by_an_id_that_one_step_of_each_end_has() -> None:
    """Not by an id that two have, and not without one, as before oslo.privsep 2.6."""
    cloud = Cloud()
    compute, daemon = cloud.process("nova-compute"), cloud.process("privsep-helper --privsep_context os_brick.default")
    for ids in (["1"], ["2", "2"], [""]):
        for call_id in ids:
            with (
                compute.step("command", f"b.f{call_id}", call_id=call_id),
                daemon.step("call", f"b:f{call_id}", call_id=call_id),
                daemon.step("command", "ls"),
            ):
                pass
    heads = links.build(cloud.events).heads
    assert [outline(head) for head in heads if head.name == "b.f1"] == [
        "compute command b.f1\n  compute call b:f1\n    compute command ls"
    ]
    assert [len(list(head.walk())) for head in heads if head.name in ("b.f2", "b.f")] == [1] * 3


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["serve", "eventlet"])
@pytest.mark.parametrize("method", METHODS)
def test_what_a_running_daemon_does_is_below_the_call(capture: Path, method: str, mode: str) -> None:
    """Its errors too; after the detach the daemon has the threads and descriptors that it had before."""
    with service(method, mode) as (victim, daemon):
        before = victim.ask("calls.threads()")
        attach(capture, victim.pid, daemon)
        assert victim.ask("calls.echo('a', 'b')") == "a\nb\n"
        assert victim.ask("calls.read('/no/such')").startswith("FileNotFoundError")
        assert victim.ask("calls.execute('sh', '-c', 'echo geheim; exit 3')").startswith("ProcessExecutionError")
        reports = detach.detach(capture)
        assert sorted((report.pid, report.state) for report in reports) == sorted(
            (pid, "detached") for pid in (victim.pid, daemon)
        )
        assert victim.ask("calls.threads()") == before
        assert victim.ask("calls.echo('c')") == "c\n"
    echoed, read, executed = calls(capture)
    call = "call privileged_calls:"
    assert outline(echoed).replace("client ", "") == (
        f"command privileged_calls.echo\n  {call}echo\n    command echo\n    command echo"
    )
    assert (echoed.pid, echoed.children[0].pid, echoed.children[0].tied_by) == (victim.pid, daemon, "call_id")
    assert [step.error for step in read.walk()] == ["FileNotFoundError: No such file or directory"] * 2
    assert [step.error for step in executed.walk()] == [
        "ProcessExecutionError: exit code 3", "ProcessExecutionError", "ProcessExecutionError: exit code 3"
    ]  # fmt: skip
    assert not [path for path in (capture / "segments").iterdir() if b"geheim\n" in path.read_bytes()]


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_daemon_of_a_service_started_with_hooks_has_them(tmp_path: Path, method: str) -> None:
    """A helper passes the environment on; the daemon ends with its service."""
    code = (
        "import sys; sys.path.append(sys.argv[1]); import privileged_calls as calls; calls.start(sys.argv[2]);"
        "print(calls.pid(), calls.echo('a', 'b'))"
    )
    command = [sys.executable, "-m", "tracer", "run", "-o", str(tmp_path / "capture"), "--", sys.executable, "-c", code]
    done = subprocess.run(
        [*command, str(SUPPORT), method], capture_output=True, text=True, timeout=120, check=False,
        cwd=SUPPORT.parents[1], env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    wait_until(lambda: not runs(int(done.stdout.split()[0])))
    _pid, echoed = calls(tmp_path / "capture")
    assert [step.kind for step in echoed.walk()] == ["command", "call", "command", "command"]
    assert echoed.children[0].pid == int(done.stdout.split()[0])


@pytest.mark.slow
def test_calls_at_the_same_time_have_their_own_work(capture: Path) -> None:
    """Each has the commands of its words, however many threads call and work."""
    words = [f"w{number}" for number in range(24)]
    with service("rootwrap") as (victim, daemon):
        attach(capture, victim.pid, daemon)
        victim.ask("exec('from concurrent.futures import ThreadPoolExecutor', globals())")
        answers = victim.ask(f"list(ThreadPoolExecutor(8).map(lambda word: calls.echo(word, word), {words!r}))")
        assert answers == [f"{word}\n{word}\n" for word in words]
        detach.detach(capture)
    works = [head.children for head in calls(capture)]
    assert [len(children) for children in works] == [1] * len(words)
    done = [[command.attributes["arguments"] for command in work.children] for (work,) in works]
    assert sorted(done, key=str) == sorted(([["echo", word]] * 2 for word in words), key=str)


@pytest.mark.slow
def test_a_daemon_ends_with_its_service_while_attached(capture: Path) -> None:
    """The guard removes its registration, as of any process that has ended."""
    with service("rootwrap") as (victim, daemon):
        attach(capture, victim.pid, daemon)
        assert victim.ask("calls.echo('a')") == "a\n"
    (echoed,) = calls(capture)
    assert [step.finished for step in echoed.walk()] == [True] * 3


@pytest.mark.slow
def test_a_services_daemons_are_attached_with_it() -> None:
    """They are in its process group; a daemon of another service is left alone."""
    with service("rootwrap") as (_victim, daemon):
        process = processes.read(daemon)
        assert process is not None
        assert process.service == "privsep-helper"
        assert process.group == os.getpgid(0)
        assert daemon in [service_.pid for service_ in processes.services("privsep-*")]
        assert daemon not in [service_.pid for service_ in processes.services("nova-compute")]
