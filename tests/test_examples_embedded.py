"""The embedded cloud: every release boots, refuses unsupported options, and leaves no process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from examples.embedded import EmbeddedCloud, EmbeddedError, boot_in_one_process
from examples.embedded.boot import Journal
from examples.embedded.building import locked
from examples.embedded.config import free_ports, without_keystone
from examples.embedded.release import RELEASES
from tests.support.waiting import wait_until


def test_an_unknown_release_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="no release 12 of Nova here: there are 34, 32, 29"):
        EmbeddedCloud(release="12", state=tmp_path)


def test_unsupported_threads_are_refused(tmp_path: Path) -> None:
    """The release's default is not used silently."""
    with pytest.raises(EmbeddedError, match="Nova 29 has no native threads"):
        EmbeddedCloud(release="29", state=tmp_path, threads="native")


def test_native_threads_in_one_process_need_support_by_the_compute_service(tmp_path: Path) -> None:
    """In one process all services must run on the same kind of threads."""
    with pytest.raises(EmbeddedError, match="Nova 32's nova-compute runs on eventlet only"):
        boot_in_one_process(release="32", state=tmp_path, threads="native")


def test_free_ports_are_unique() -> None:
    assert len(set(free_ports(3))) == 3


def test_paste_pipelines_are_complete_except_for_the_token_check() -> None:
    """The request passes the same filters as in a real cloud."""
    shipped = "keystone = cors faultwrap authtoken keystonecontext osapi_compute_app_v21\n"
    assert without_keystone(shipped).startswith(
        "keystone = cors faultwrap noauth keystonecontext osapi_compute_app_v21\n"
    )


def test_a_lock_is_released_by_the_death_of_its_owner(tmp_path: Path) -> None:
    """A killed build does not block the next one."""
    lock = tmp_path / "lock"
    code = "import sys, time; from pathlib import Path; from examples.embedded.building import locked\n"
    code += "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"held\n"
        owner.kill()
    with locked(lock):
        pass


def test_every_release_pins_nova_and_placement() -> None:
    """A new machine installs the tested versions."""
    for release in RELEASES.values():
        names = {line.partition("==")[0] for line in release.lock.read_text().splitlines()}
        assert {"nova", "openstack-placement", "sqlalchemy", "oslo-messaging", "kombu", "openstacksdk"} <= names


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
def test_separate_processes_boot_two_servers_and_fail_a_huge_one(release: str, tmp_path: Path) -> None:
    """With independent witnesses: messages, logs, access lines."""
    state = tmp_path / "state"
    with EmbeddedCloud(release=release, state=state, echo=True) as cloud:
        two = cloud.boot_all(["one", "two"], metadata={"a": "b"}, personality={"/motd": "hello"}, user_data="hi")
        failed = cloud.boot("huge", flavor="huge")
        pids = dict(cloud.pids)
    assert [boot.state for boot in two] == ["active", "active"]
    assert failed.state == "error"
    assert len(list((state / "messages").glob("*.compute.compute1.msg"))) == 2
    assert (state / "logs" / "nova-api-access.log").read_text().count('"POST /v2.1/servers HTTP/1.1" 202') == 3
    assert "INSERT INTO build_requests" in (state / "logs" / "nova-api.log").read_text()
    assert "SELECT" in (state / "logs" / "placement.log").read_text()
    assert not _running(pids.values())


@pytest.mark.slow
def test_a_killed_service_is_no_error_and_a_dead_one_is_reported_with_its_log(tmp_path: Path) -> None:
    """A test may kill a service on purpose; an unexpected death ends the wait for a boot at once."""
    with EmbeddedCloud(release="34", state=tmp_path / "state", spawn_delay=30) as cloud:
        (pending,) = cloud.start_boot(["vm1"])
        pending.wait_for("spawn")
        cloud.kill("nova-compute")
        assert "nova-compute" not in cloud.pids
        with pytest.raises(EmbeddedError, match=r"no instance\.create\.end"):
            pending.wait(timeout=1)
        os.killpg(cloud.pids["nova-scheduler"], signal.SIGKILL)
        with pytest.raises(EmbeddedError, match=r"nova-scheduler ended with code -9; .*nova-scheduler\.log"):
            pending.wait(timeout=30)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_command_leaves_no_process(number: int, tmp_path: Path) -> None:
    """Even after kill -9 its services end, as they die with their parent."""
    state = tmp_path / "state"
    command = [sys.executable, "-m", "examples.embedded", "boot", "--state", str(state), "--spawn-delay", "60"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        wait_until(lambda: any(entry["event"] == "spawn" for entry in Journal(state / "journal.jsonl")))
        pids = [int(path.read_text()) for path in (state / "pids").iterdir()]
        running.send_signal(number)
    wait_until(lambda: not _running(pids))


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
def test_one_process_boots_with_libvirt(release: str, tmp_path: Path) -> None:
    """With Nova's own libvirt driver."""
    boots = boot_in_one_process(release=release, state=tmp_path / "state", servers=2)
    assert [boot.state for boot in boots] == ["active", "active"]
    assert "nova.virt.libvirt.driver" in (tmp_path / "state" / "logs" / "nova.log").read_text()


@pytest.mark.slow
def test_one_process_reports_a_boot_without_a_valid_host(tmp_path: Path) -> None:
    """On the command line, as JSON."""
    command = [sys.executable, "-m", "examples.embedded", "boot", "--mode", "one-process", "--driver", "fake"]
    done = subprocess.run(
        [*command, "--no-valid-host", "--state", str(tmp_path / "state")], capture_output=True, check=True
    )
    assert json.loads(done.stdout)["event"] == "compute_task.build_instances.error"


def _running(groups: Iterable[int]) -> list[str]:
    """Return the processes of these groups that have not ended."""
    stats = [text.rpartition(")")[2].split() for text in map(_read, Path("/proc").glob("[0-9]*/stat")) if text]
    return [group for state, _parent, group, *_rest in stats if state != "Z" and int(group) in set(groups)]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
