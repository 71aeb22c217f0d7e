"""Real clouds with networks: boots with ports and groups, plugged ports, a guest, the monitors, down.

As root: `make test-cloud`, which prints the results.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.cloud.network import AGENT_CHAIN, AGENT_SET
from examples.cloud.ovs import DEVICES
from examples.cloud.plan import load_plan
from examples.cloud.rest import Client, log_in
from examples.cloud.server_ports import ports_of
from examples.cloud.shell import client_command, client_variables
from tests.support.clouds import REAL, cloud, report, running

pytestmark = REAL
# Seconds; QEMU emulates.
PATIENCE = 300


@pytest.fixture(scope="module", params=os.environ.get("CLOUD_NETWORKS", "ovn").split())
def state(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("n")
    try:
        done = cloud("up", "--networks", request.param, "--guest", "--state", str(folder))
        assert done.returncode == 0, done.stderr
        report(done.stderr)
        yield folder
    finally:
        cloud("down", "--state", str(folder))


def server(client: Client, name: str) -> str:
    """Return a server's id."""
    (entry,) = client.get("nova-api", f"/servers?name=^{name}$")["servers"]
    return str(entry["id"])


def console(state: Path, name: str, text: str) -> str:
    """Wait for a text on a server's console, and return the console's log."""
    plan = load_plan(state)
    command = [*client_command(plan), "console", "log", "show", name]
    deadline = time.monotonic() + PATIENCE
    log = ""
    while text not in log and time.monotonic() < deadline:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=os.environ | client_variables(plan)
        )
        log = done.stdout
    return log


def test_a_second_up_starts_no_process(state: Path) -> None:
    """The same processes before and after."""
    before = cloud("status", "--json", "--state", str(state)).stdout
    assert cloud("up", "--networks", load_plan(state).networks, "--guest", "--state", str(state)).returncode == 0
    assert cloud("status", "--json", "--state", str(state)).stdout == before


@pytest.mark.parametrize("options", [("--port",), ("--network", "net")])
def test_a_server_has_an_active_port_with_its_group(state: Path, options: tuple[str, ...]) -> None:
    """Nova waits for it; both ways of booting with one."""
    name = f"with{options[0]}"
    done = cloud("boot", name, *options, "--security-group", "web", "--state", str(state))
    assert done.returncode == 0, done.stderr
    client = log_in(load_plan(state))
    (port,) = ports_of(client, server(client, name))
    (group,) = client.get("neutron", "/v2.0/security-groups?name=web")["security_groups"]
    assert (port["status"], port["security_groups"]) == ("ACTIVE", [group["id"]])


def test_the_guest_runs_and_asks_for_an_address(state: Path) -> None:
    """Only OVN answers."""
    done = cloud("boot", "guest1", "--guest", "--network", "net", "--state", str(state))
    assert done.returncode == 0, done.stderr
    expected = "eth0 has 10.99." if load_plan(state).networks == "ovn" else "eth0 gets no address by DHCP"
    log = console(state, "guest1", expected)
    report("\n".join(line for line in log.splitlines() if line.startswith("guest:")))
    assert f"guest: {expected}" in log


def test_ports_are_plugged_and_unplugged(state: Path) -> None:
    """While the guest runs, which gives up the device."""
    client = log_in(load_plan(state))
    number = server(client, "guest1")
    for action, count in (("attach-port", 2), ("detach-port", 1)):
        done = cloud("do", action, "guest1", "--state", str(state))
        assert done.returncode == 0, done.stderr
        assert len(ports_of(client, number)) == count


def test_the_monitors_witness_a_boot(state: Path) -> None:
    """And no step of the boot's tree is about another's port only."""
    done = cloud("truth", "--network", "net", "--state", str(state))
    report(done.stdout)
    assert done.returncode in (0, 1), done.stderr
    rows = {line.partition("  ")[0]: line.split() for line in done.stdout.splitlines()}
    assert rows["ports named by steps: Neutron's API"][-2] == "100.00%"
    assert int(rows["links: devices"][-5]) > 0


def test_down_leaves_nothing(state: Path) -> None:
    """No process, device, chain or set of addresses; also twice. The last test, as the others need the cloud."""
    assert running(state)
    assert set(DEVICES[:2]) <= {path.name for path in Path("/sys/class/net").iterdir()}
    for _ in range(2):
        assert cloud("down", "--state", str(state)).returncode == 0
    assert running(state) == []
    devices = [path.name for path in Path("/sys/class/net").iterdir()]
    assert not [name for name in devices if name in DEVICES or name.startswith(("tap", "qbr", "qvo", "qvb"))]
    rules = subprocess.run(["iptables-save"], check=True, stdout=subprocess.PIPE, text=True).stdout
    sets = subprocess.run(["ipset", "list", "-name"], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert not AGENT_CHAIN.search(rules)
    assert not AGENT_SET.search(sets)
