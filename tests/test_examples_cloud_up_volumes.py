"""A real cloud with Cinder on Ceph and Neutron on Open vSwitch: boots from volumes, changes of servers, down.

As root: `make test-cloud`, which prints the results.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.cloud.content import NETWORK
from examples.cloud.plan import Plan, load_plan
from examples.cloud.rest import log_in
from tests.support.clouds import REAL, bootseq, cloud, mounted, report, running

pytestmark = REAL


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("v")
    done = cloud("up", "--volumes", "ceph", "--networks", "ovs", "--state", str(folder))
    try:
        assert done.returncode == 0, done.stderr
        report(done.stderr)
        yield folder
    finally:
        cloud("down", "--state", str(folder))


def disks(plan: Plan, server: str) -> list[str]:
    """Return the states of a server's volumes, by their devices."""
    client = log_in(plan)
    (entry,) = client.get("nova-api", f"/servers/detail?name=^{server}$")["servers"]
    attached = client.get("nova-api", f"/servers/{entry['id']}/os-volume_attachments")["volumeAttachments"]
    volumes = [client.get("cinder-api", f"/volumes/{disk['volumeId']}")["volume"] for disk in attached]
    return [f"{disk['device']} {volume['status']}" for disk, volume in zip(attached, volumes, strict=True)]


def show(plan: Plan, server: str) -> Any:
    (entry,) = log_in(plan).get("nova-api", f"/servers/detail?name=^{server}$")["servers"]
    return entry


def test_a_second_up_starts_no_process(state: Path) -> None:
    """The same processes before and after."""
    before = cloud("status", "--json", "--state", str(state)).stdout
    options = ("--volumes", "ceph", "--networks", "ovs", "--state", str(state))
    assert cloud("up", *options).returncode == 0
    assert cloud("status", "--json", "--state", str(state)).stdout == before


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["blank"], ["/dev/vdb in-use"]),
        (["image"], ["/dev/vda in-use"]),
        (["snapshot", "blank"], ["/dev/vda in-use", "/dev/vdb in-use"]),
        (["existing"], ["/dev/vda in-use"]),
    ],
)
def test_a_server_boots_with_its_volumes(state: Path, kinds: list[str], expected: list[str]) -> None:
    """With a port, which the agent reports as plugged."""
    name = "-".join(kinds)
    options = [word for kind in kinds for word in ("--volume", kind)]
    done = cloud("boot", name, *options, "--network", NETWORK, "--state", str(state))
    assert done.returncode == 0, done.stderr
    assert sorted(disks(load_plan(state), name)) == expected


@pytest.mark.parametrize(
    ("action", "status"),
    [("attach-volume", "ACTIVE"), ("resize", "ACTIVE"), ("rebuild", "ACTIVE"), ("shelve", "SHELVED_OFFLOADED")],
)
def test_a_server_is_changed(state: Path, action: str, status: str) -> None:
    """One server, one action after another."""
    if action == "attach-volume":
        assert cloud("boot", "changed", "--state", str(state)).returncode == 0
    done = cloud("do", action, "changed", "--state", str(state))
    assert done.returncode == 0, done.stderr
    server = show(load_plan(state), "changed")
    assert (server["status"], server["flavor"]["original_name"]) == (
        status,
        "small" if action != "attach-volume" else "tiny",
    )
    assert disks(load_plan(state), "changed") == ["/dev/vdb in-use" if status == "ACTIVE" else "/dev/vdb reserved"]


def test_a_server_comes_back_from_the_shelf_and_is_deleted(state: Path) -> None:
    """Its volume becomes free."""
    for action in ("unshelve", "delete"):
        assert cloud("do", action, "changed", "--state", str(state)).returncode == 0
    plan = load_plan(state)
    assert log_in(plan).get("nova-api", "/servers?name=^changed$")["servers"] == []
    (volume,) = log_in(plan).get("cinder-api", "/volumes/detail?name=changed-disk")["volumes"]
    assert volume["status"] == "available"


def test_a_recorded_boot_has_the_steps_of_cinder(state: Path, tmp_path: Path) -> None:
    """Its API, scheduler and volume manager, in one tree with Nova's and Neutron's."""
    done = cloud("truth", "--volume", "snapshot", "--volume", "blank", "--network", NETWORK, "--state", str(state))
    report(done.stdout)
    assert done.returncode in (0, 1), done.stderr
    (file,) = (state / "truth").glob("*.trace.jsonl.gz")
    (boot,) = json.loads(bootseq(state, "list", str(file), "--json"))
    steps = json.loads(bootseq(state, "show", str(file), boot["uuid"], "--json"))
    kinds = Counter((step["service"], step["kind"]) for step in steps)
    report("\n".join(f"{count:5} {kind:8} {service}" for (service, kind), count in sorted(kinds.items())))
    assert {kind for service, kind in kinds if "volume" in service} >= {"http", "rpc", "sql"}


def test_down_leaves_nothing(state: Path) -> None:
    """No process and no mount; also twice. The last test, as the others need the cloud."""
    assert running(state)
    for _ in range(2):
        assert cloud("down", "--state", str(state)).returncode == 0
    assert (running(state), mounted(state)) == ([], [])


def test_volumes_on_a_share_are_mounted_on_the_compute_host(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A boot from a volume in a cloud with Cinder's NFS driver; `down` unmounts all and removes the stand-in."""
    state = tmp_path_factory.mktemp("n")
    try:
        done = cloud("up", "--volumes", "nfs", "--state", str(state))
        assert done.returncode == 0, done.stderr
        report(done.stderr)
        assert cloud("boot", "shared", "--volume", "image", "--state", str(state)).returncode == 0
        assert disks(load_plan(state), "shared") == ["/dev/vda in-use"]
        assert [path for path in mounted(state) if "/nova/mnt/" in path]
    finally:
        cloud("down", "--state", str(state))
    assert (running(state), mounted(state)) == ([], [])
    assert not Path("/usr/sbin/mount.nfs").exists()
