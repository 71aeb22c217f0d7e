"""Recording on many hosts: agents over real ssh on hosts that are namespaces of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ssh_hosts import GUARDED, PASSWORD, SshHost, SshHosts, ssh_hosts
from tests.support.victims import Victim, open_folder
from tests.support.waiting import wait_until
from tracer import trace_file
from tracer.attach import discovery, processes
from tracer.recording import recorded_hosts

pytestmark = pytest.mark.slow
PATIENCE = 240


@pytest.fixture(scope="module")
def hosts() -> Iterator[SshHosts]:
    """Yield two hosts, cmp1 and cmp2."""
    with open_folder() as folder, ssh_hosts(folder) as running:
        running.add("cmp1")
        running.add("cmp2")
        yield running


def bootseq(hosts: SshHosts, *words: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line with the hosts' ssh."""
    command = [sys.executable, "-m", "tracer", *map(str, words)]
    return subprocess.run(
        command, env=hosts.environment, capture_output=True, text=True, timeout=PATIENCE, check=False, input=text
    )


def start(hosts: SshHosts, *words: str | Path) -> subprocess.Popen[str]:
    """Start the command line with the hosts' ssh."""
    command = [sys.executable, "-m", "tracer", *map(str, words)]
    return subprocess.Popen(
        command,
        env=hosts.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def has_hooks(victim: Victim) -> bool:
    """Return whether a victim records."""
    process = processes.read(victim.pid)
    return process is not None and discovery.recording(process) is not None


def recording(hosts: SshHosts, folder: Path, *more: str) -> list[str | Path]:
    """Return the words of a recording on all hosts, whose command waits until a file ``stop`` exists."""
    chosen = [word for host in hosts.hosts[:2] for word in ("--host", host.url)]
    return [
        "record", "-o", folder / "x.trace.jsonl", "--keep", "--for", "30s", "--become", *chosen, *more, "--",
        "sh", "-c", waiting(folder),
    ]  # fmt: skip


def waiting(folder: Path) -> str:
    """Return the text of a shell that waits until a file ``stop`` exists."""
    return f"until [ -e {folder}/stop ]; do sleep 0.1; done"


def agents(host: SshHost) -> list[int]:
    """Return the pids of the agents on a host."""
    namespace = os.readlink(f"/proc/{host.pid}/ns/pid")
    running = [process for process in processes.everything() if process.argv[1:2] == ("-ISBc",)]
    return [process.pid for process in running if os.readlink(f"/proc/{process.pid}/ns/pid") == namespace]


def clients(host: SshHost) -> list[int]:
    """Return the pids of the ssh clients for a host."""
    return [item.pid for item in processes.everything() if "-T" in item.argv and str(host.port) in item.argv]


def log_until_sent(victim: Victim, text: str, host: SshHost, folder: Path) -> None:
    """Have a victim log warnings, until one has been recorded and sent here: its hooks may not be complete yet."""
    parts = folder / "x.trace.jsonl.capture" / "parts"

    def is_sent() -> bool:
        victim.ask(f"logging.getLogger('nova.test').warning({text!r})")
        return any(parts.glob(f"*_{host.port}+own/segments/*.seg"))

    wait_until(is_sent)


def messages(folder: Path) -> set[str]:
    """Return the texts of the log lines of the trace."""
    return {line.message for line in trace_file.read(folder / "x.trace.jsonl").lines}


def test_record_on_hosts_streams_and_leaves_nothing(hosts: SshHosts, tmp_path: Path) -> None:
    first, second = hosts.hosts[:2]
    with first.service("nova-compute") as compute, second.service("nova-conductor") as conductor:
        compute.ask("remember()")
        run = start(hosts, *recording(hosts, tmp_path))
        wait_until(lambda: has_hooks(compute) and has_hooks(conductor))
        # The records arrive while the command runs.
        log_until_sent(compute, "on cmp1", first, tmp_path)
        log_until_sent(conductor, "on cmp2", second, tmp_path)
        (tmp_path / "stop").touch()
        _, errors = run.communicate(timeout=PATIENCE)
        assert run.returncode == 0, errors
        assert "detached from 2 processes, 2 proved" in errors
        assert compute.ask("differences()") == []
        assert not has_hooks(conductor)
    assert messages(tmp_path) == {"on cmp1", "on cmp2"}
    assert (tmp_path / "x.trace.jsonl.capture").stat().st_mode & 0o777 == 0o700
    for host in (first, second):
        rest = subprocess.run(host.inside("ls", "-A", "/run", "/var/tmp"), capture_output=True, text=True, check=True)
        assert "bootseq-" not in rest.stdout


def test_a_host_that_fails_is_named_and_refused_or_allowed(hosts: SshHosts, tmp_path: Path) -> None:
    first = hosts.hosts[0]
    (tmp_path / "stop").touch()
    down = ["--host", "ssh://op@127.0.0.1:1"]
    with first.service("nova-compute"):
        refused = bootseq(hosts, *recording(hosts, tmp_path, *down))
        assert refused.returncode == 2
        assert "host 127.0.0.1:1: ssh: connect to host 127.0.0.1 port 1: Connection refused" in refused.stderr
        assert "1 of 3 hosts cannot be reached" in refused.stderr
        subprocess.run(["rm", "-rf", str(tmp_path / "x.trace.jsonl.capture")], check=True)
        allowed = bootseq(hosts, *recording(hosts, tmp_path, *down, "--allow-missing"))
    assert allowed.returncode == 0, allowed.stderr
    (warning,) = [line for line in trace_file.read(tmp_path / "x.trace.jsonl").warnings if "127.0.0.1:1 " in line]
    assert warning.startswith("host 127.0.0.1:1 was not recorded: ssh: connect")
    findings = json.loads(bootseq(hosts, "show", tmp_path / "x.trace.jsonl", "--findings", "--json").stdout)
    assert "unrecorded" in json.dumps(findings)


def test_the_refusals_of_hosts_have_reasons(hosts: SshHosts) -> None:
    """An unknown host key, sudo with a password, a wrong password."""
    first = hosts.hosts[0]
    stranger = hosts.add("stranger", is_known=False)
    reached = bootseq(hosts, "doctor", "--become", "--host", first.url, "--host", stranger.url)
    assert reached.returncode == 1
    assert f"host 127.0.0.1:{stranger.port}: its host key is not known" in reached.stderr
    guarded = first.url.replace("op@", f"{GUARDED}@")
    assert (
        "sudo asks for a password; add --ask-become-pass"
        in bootseq(hosts, "doctor", "--become", "--host", guarded).stderr
    )
    wrong = bootseq(hosts, "doctor", "--ask-become-pass", "--host", guarded, text="wrong\n")
    assert wrong.returncode == 2
    assert "sudo does not accept the password" in wrong.stderr
    right = bootseq(hosts, "doctor", "--ask-become-pass", "--host", guarded, text=f"{PASSWORD}\n")
    assert right.returncode == 0, right.stderr
    assert "agent as root" in right.stdout
    stranger.kill()


def test_the_password_is_in_no_command_line_and_no_environment(hosts: SshHosts, tmp_path: Path) -> None:
    (first,) = hosts.hosts[:1]
    words: list[str | Path] = [
        "record",
        "-o",
        tmp_path / "x.trace.jsonl",
        "--keep",
        "--for",
        "30s",
        "--ask-become-pass",
    ]
    words += ["--host", first.url.replace("op@", f"{GUARDED}@"), "--", "sh", "-c", waiting(tmp_path)]
    with first.service("nova-compute") as compute:
        run = start(hosts, *words)
        assert run.stdin is not None
        run.stdin.write(f"{PASSWORD}\n")
        run.stdin.flush()
        wait_until(lambda: has_hooks(compute))
        shown = b""
        for process in processes.everything():
            for name in ("cmdline", "environ"):
                shown += Path(f"/proc/{process.pid}/{name}").read_bytes()
        assert b"-ISBc" in shown
        assert PASSWORD.encode() not in shown
        (tmp_path / "stop").touch()
        _, errors = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, errors
    assert PASSWORD not in errors
    assert not any(PASSWORD.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("killed", ["controller", "agent", "link", "nothing"])
def test_hooks_go_when_the_controller_or_the_agent_is_killed(hosts: SshHosts, tmp_path: Path, killed: str) -> None:
    """Idle services lose their hooks too; what was recorded is kept, and the loss of a host is named.

    With nothing killed, the controller is only stopped: the hosts hear nothing.
    """
    first, second = hosts.hosts[:2]
    with first.service("nova-compute") as compute, second.service("nova-conductor") as conductor:
        compute.ask("remember()")
        run = start(hosts, *recording(hosts, tmp_path, "--silence", "6s"))
        wait_until(lambda: has_hooks(compute) and has_hooks(conductor))
        log_until_sent(compute, "before", first, tmp_path)
        if killed == "controller":
            run.kill()
            (tmp_path / "stop").touch()
            run.communicate(timeout=PATIENCE)
            wait_until(lambda: not has_hooks(compute) and not has_hooks(conductor))
        else:
            if killed == "nothing":
                run.send_signal(signal.SIGSTOP)
            else:
                (target,) = agents(first) if killed == "agent" else clients(first)
                os.kill(target, signal.SIGKILL)
            wait_until(lambda: not has_hooks(compute))
            run.send_signal(signal.SIGCONT)
            (tmp_path / "stop").touch()
            _, errors = run.communicate(timeout=PATIENCE)
            assert run.returncode == 3, errors
            assert "was lost while it was recorded" in errors
            assert messages(tmp_path) == {"before"}
        assert compute.ask("differences()") == []
        if killed == "controller":
            adopted = bootseq(
                hosts,
                "detach",
                "--become",
                "--host",
                first.url,
                "--host",
                second.url,
                tmp_path / "x.trace.jsonl.capture",
            )
            assert adopted.returncode == 0, adopted.stderr
    about = recorded_hosts.of(tmp_path / "x.trace.jsonl.capture")
    assert about is not None
    assert [host.began for host in about.hosts] == [True, True]
