"""The embedded cloud itself: each release boots, says what it cannot, and leaves nothing behind."""

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


def test_unknown_release_names_the_known_ones(tmp_path: Path) -> None:
    """The message is what a user needs."""
    with pytest.raises(EmbeddedError, match="no release 12 of Nova here: there are 34, 32, 29"):
        EmbeddedCloud(release="12", state=tmp_path)


def test_threads_that_a_release_has_not_are_refused(tmp_path: Path) -> None:
    """No other kind is taken in silence."""
    with pytest.raises(EmbeddedError, match="Nova 29 has no native threads"):
        EmbeddedCloud(release="29", state=tmp_path, threads="native")


def test_one_process_of_a_release_whose_compute_is_eventlet_refuses_native_threads(tmp_path: Path) -> None:
    """In processes only the compute service would stay on eventlet; in one process all would have to."""
    with pytest.raises(EmbeddedError, match="Nova 32's nova-compute runs on eventlet only"):
        boot_in_one_process(release="32", state=tmp_path, threads="native")


def test_ports_differ() -> None:
    """Three servers get three ports."""
    assert len(set(free_ports(3))) == 3


def test_paste_pipelines_keep_all_but_the_token_check() -> None:
    """The request passes the same filters as in a real cloud."""
    shipped = "keystone = cors faultwrap authtoken keystonecontext osapi_compute_app_v21\n"
    assert without_keystone(shipped).startswith(
        "keystone = cors faultwrap noauth keystonecontext osapi_compute_app_v21\n"
    )


def test_lock_is_free_after_its_owner_died(tmp_path: Path) -> None:
    """A build that was killed does not stop the next one."""
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
    """A fresh machine gets what was tested."""
    for release in RELEASES.values():
        names = {line.partition("==")[0] for line in release.lock.read_text().splitlines()}
        assert {"nova", "openstack-placement", "sqlalchemy", "oslo-messaging", "kombu", "openstacksdk"} <= names


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
def test_processes_boot_two_at_once_and_one_that_fits_nowhere(release: str, tmp_path: Path) -> None:
    """Witnesses that are not bootseq's are there: messages, logs, access lines."""
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
    assert not _left(pids.values())


@pytest.mark.slow
def test_killed_compute_is_meant_and_a_dead_scheduler_is_named_with_its_log(tmp_path: Path) -> None:
    """A spawn can be caught in the middle; who waits for a boot that cannot come learns why at once."""
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
def test_signalled_command_leaves_no_process(number: int, tmp_path: Path) -> None:
    """Even kill -9 of the command ends its services, since they die with their parent."""
    state = tmp_path / "state"
    command = [sys.executable, "-m", "examples.embedded", "boot", "--state", str(state), "--spawn-delay", "60"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        wait_until(lambda: any(entry["event"] == "spawn" for entry in Journal(state / "journal.jsonl")))
        pids = [int(path.read_text()) for path in (state / "pids").iterdir()]
        running.send_signal(number)
    wait_until(lambda: not _left(pids))


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
def test_one_process_boots_with_libvirt(release: str, tmp_path: Path) -> None:
    """Nova's own libvirt driver does the spawn."""
    boots = boot_in_one_process(release=release, state=tmp_path / "state", servers=2)
    assert [boot.state for boot in boots] == ["active", "active"]
    assert "nova.virt.libvirt.driver" in (tmp_path / "state" / "logs" / "nova.log").read_text()


@pytest.mark.slow
def test_one_process_reports_a_boot_that_fits_nowhere(tmp_path: Path) -> None:
    """As on the command line, as JSON."""
    command = [sys.executable, "-m", "examples.embedded", "boot", "--mode", "one-process", "--driver", "fake"]
    done = subprocess.run(
        [*command, "--no-valid-host", "--state", str(tmp_path / "state")], capture_output=True, check=True
    )
    assert json.loads(done.stdout)["event"] == "compute_task.build_instances.error"


def _left(groups: Iterable[int]) -> list[str]:
    """The processes of these groups, masters and workers, that have not ended."""
    stats = [text.rpartition(")")[2].split() for text in map(_read, Path("/proc").glob("[0-9]*/stat")) if text]
    return [group for state, _parent, group, *_rest in stats if state != "Z" and int(group) in set(groups)]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
