"""The cloud example for real: up from nothing, boots, a load, down. As root, minutes long: `make test-cloud`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.cloud.hypervisor import domains
from examples.cloud.plan import load_plan

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif("CLOUD_RELEASES" not in os.environ, reason="a real cloud: CLOUD_RELEASES='34 32', as root"),
]
ROOT = Path(__file__).resolve().parents[1]


def cloud(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "examples.cloud", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)


@pytest.fixture(scope="module", params=os.environ.get("CLOUD_RELEASES", "34").split())
def state(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("c")
    done = cloud("up", "--release", request.param, "--state", str(folder))
    try:
        assert done.returncode == 0, done.stderr
        yield folder
    finally:
        cloud("down", "--state", str(folder))


def running(state: Path) -> list[str]:
    """Command lines that name the cloud's folder, or that a process started in it has."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if str(state) in os.readlink(entry / "cwd") or str(state) in (entry / "cmdline").read_text():
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
            except (OSError, UnicodeDecodeError):
                continue
    return found


def test_up_twice_starts_nothing_anew(state: Path) -> None:
    """The same processes before and after."""
    before = cloud("status", "--json", "--state", str(state)).stdout
    assert cloud("up", "--release", load_plan(state).release, "--state", str(state)).returncode == 0
    assert cloud("status", "--json", "--state", str(state)).stdout == before


@pytest.mark.parametrize("network", ["none", "net"])
def test_server_is_active_with_a_domain(state: Path, network: str) -> None:
    """By openstackclient, and libvirt has a running domain more."""
    before = len(domains(load_plan(state)))
    done = cloud("boot", f"with-{network}", "--network", network, "--state", str(state))
    assert done.returncode == 0, done.stderr
    assert "ACTIVE" in done.stdout
    assert len(domains(load_plan(state))) == before + 1


def test_load_fails_nowhere(state: Path) -> None:
    """Boots and deletes, two at a time."""
    done = cloud("load", "--seconds", "20", "--workers", "2", "--network", "--state", str(state))
    tally = json.loads(done.stdout)
    assert done.returncode == 0, tally["errors"]
    assert tally["boots"] == tally["deletes"] > 0


def test_witnesses_write(state: Path) -> None:
    """MariaDB's general log has the boot's INSERT, libvirtd's log its domain; off, they are silent."""
    files = json.loads(cloud("witness", "on", "--state", str(state)).stdout)
    assert cloud("boot", "seen", "--state", str(state)).returncode == 0
    assert cloud("witness", "off", "--state", str(state)).returncode == 0
    assert "INSERT INTO instances" in Path(files["mariadb"]).read_text()
    assert "virDomainCreateWithFlags" in Path(files["libvirtd"]).read_text()
    assert '"POST /v2.1/servers' in Path(files["nova-api"]).read_text() or load_plan(state).release == "29"


def test_down_leaves_nothing(state: Path) -> None:
    """No process, no domain, no device; a second time is fine. Last, since the others need the cloud."""
    assert running(state)
    taps = {path.name for path in Path("/sys/class/net").glob("tap*")}
    assert taps
    for _ in range(2):
        assert cloud("down", "--state", str(state)).returncode == 0
    assert running(state) == []
    assert not taps & {path.name for path in Path("/sys/class/net").glob("tap*")}
