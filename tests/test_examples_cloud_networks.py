"""The networks of the cloud example without a cloud: its configuration, processes, remains, and the guest's image."""

import configparser
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from examples.cloud import guest, server_ports
from examples.cloud.__main__ import main
from examples.cloud.actions import ACTIONS
from examples.cloud.boots import Boot
from examples.cloud.config import write_service_configs
from examples.cloud.cpio import Member, archive
from examples.cloud.errors import CloudError
from examples.cloud.network import AGENT_CHAIN, AGENT_SET, removal
from examples.cloud.nova_config import write_nova_configs
from examples.cloud.options import daemons_of, parts_of, ports_of, processes_of
from examples.cloud.ovs import DEVICES, start_switch, switch_variables
from examples.cloud.plan import PORTS, Plan, check_plan
from examples.cloud.rest import Client

KINDS = ("ovs", "hybrid", "ovn")
RULES = """\
*filter
:FORWARD ACCEPT [0:0]
:neutron-filter-top - [0:0]
:neutron-openvswi-FORWARD - [0:0]
:neutron-openvswi-i0a1b2c3d-4 - [0:0]
:nova-filter-top - [0:0]
-A FORWARD -j neutron-filter-top
-A FORWARD -j nova-filter-top
-A neutron-openvswi-i0a1b2c3d-4 -m set --match-set NIPv4aaaa src -m comment --comment "Allow the group's." -j RETURN
COMMIT
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    plan_ = Plan(tmp_path, "34", 15000, "default", echo=False, wrap="", secret="s3cret", networks="ovs")
    plan_.save()
    return plan_


def written(plan: Plan, name: str) -> configparser.ConfigParser:
    """Write all configuration files, and return one of them."""
    parts = parts_of(plan)
    binaries = plan.state / "environment" / "bin"
    paste = binaries.parent / "etc" / "nova" / "api-paste.ini"
    paste.parent.mkdir(parents=True, exist_ok=True)
    paste.touch()
    write_service_configs(plan, {"services": binaries}, parts)
    write_nova_configs(plan, binaries, parts)
    config = configparser.ConfigParser(interpolation=None)
    assert config.read(plan.config_file(name))
    return config


@pytest.mark.parametrize("kind", KINDS)
def test_compute_waits_for_its_ports(plan: Plan, kind: str) -> None:
    """It would otherwise start a server whose port never comes up."""
    config = written(replace(plan, networks=kind), "nova-compute")
    assert config["DEFAULT"]["vif_plugging_is_fatal"] == "True"
    assert int(config["DEFAULT"]["vif_plugging_timeout"]) > 0
    assert config["os_vif_ovs"]["ovsdb_connection"] == "tcp:127.0.0.1:15640"


def test_compute_does_not_wait_without_agents(plan: Plan) -> None:
    """Nobody would report its ports."""
    assert written(replace(plan, networks="local"), "nova-compute")["DEFAULT"]["vif_plugging_is_fatal"] == "False"


@pytest.mark.parametrize(
    ("kind", "driver", "network"),
    [
        ("local", "bootseq_cloud_binding", "local"),
        ("ovs", "openvswitch", "vxlan"),
        ("hybrid", "openvswitch", "vxlan"),
        ("ovn", "ovn", "geneve"),
    ],
)
def test_every_process_of_the_server_has_the_same_driver(plan: Plan, kind: str, driver: str, network: str) -> None:
    """Its workers read files of their own, with an account of their own at the database."""
    plan = replace(plan, networks=kind)
    names = [name for name in processes_of(plan) if name.startswith("neutron") and "agent" not in name]
    assert len(names) == {"local": 1, "ovn": 4}.get(kind, 3)
    for name in names:
        config = written(plan, name)
        assert (config["ml2"]["mechanism_drivers"], config["ml2"]["type_drivers"]) == (driver, network)
        assert f"//{name}:s3cret@" in config["database"]["connection"]


@pytest.mark.parametrize(("kind", "firewall"), [("ovs", "openvswitch"), ("hybrid", "iptables_hybrid")])
def test_the_agent_has_its_firewall_and_no_debug_lines_of_os_ken(plan: Plan, kind: str, firewall: str) -> None:
    """With these lines it may wait for ever for the switch."""
    config = written(replace(plan, networks=kind), "neutron-openvswitch-agent")
    assert config["securitygroup"]["firewall_driver"] == firewall
    assert config["ovs"]["datapath_type"] == "netdev"
    assert config["DEFAULT"]["default_log_levels"].endswith(",OFPHandler=INFO,os_ken=INFO")


def test_ovn_has_no_agent(plan: Plan) -> None:
    """Its controller is one of the daemons, which start in the order in which they need each other."""
    plan = replace(plan, networks="ovn")
    assert not [name for name in processes_of(plan) if "agent" in name]
    assert daemons_of(plan)[-6:] == ("ovsdb-server", "ovs-vswitchd", "ovn-nb", "ovn-sb", "ovn-northd", "ovn-controller")


@pytest.mark.parametrize("kind", KINDS)
def test_every_port_of_the_networks_belongs_to_a_process(plan: Plan, kind: str) -> None:
    """`up` refuses a port on which another program listens."""
    plan = replace(plan, networks=kind)
    owned = ports_of(plan)
    names = {name for name in PORTS if name in processes_of(plan)}
    assert {name: owned[name] for name in names} == {name: name for name in names}
    assert ("ovn-nb" in owned) == (kind == "ovn")


def test_other_networks_are_refused_in_the_same_folder(plan: Plan) -> None:
    """The databases hold networks of a type that only one of them has."""
    with pytest.raises(CloudError, match="holds a cloud with --networks ovs: choose another for --networks ovn"):
        check_plan(replace(plan, networks="ovn"))


def test_a_second_switch_in_the_same_network_is_refused(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its devices would have the same names."""
    monkeypatch.setattr("examples.cloud.ovs.DEVICES", (*DEVICES, "lo"))
    with pytest.raises(CloudError, match=r"has lo of another Open vSwitch: .* \(unshare --net\)"):
        start_switch(plan, ())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("started", [True, False])
def test_down_removes_the_devices_of_its_own_switch_only(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, kind: str, started: bool
) -> None:
    """They outlive the switch; a cloud whose switch was refused has none."""
    removed: list[str] = []
    monkeypatch.setattr("examples.cloud.ovs.remove_device", removed.append)
    monkeypatch.setattr("examples.cloud.networks.clean_firewall", lambda: removed.append("rules"))
    database = plan.state / "ovs" / "ovsdb-server.db"
    database.parent.mkdir()
    if started:
        database.touch()
    for _ in range(2):
        for part in parts_of(replace(plan, networks=kind)):
            part.clean(plan)
    assert not database.exists()
    assert removed == ([*(["rules"] if kind != "ovn" else []), *DEVICES] if started else [])


def test_a_switch_that_was_killed_may_be_started_again(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """The devices that remain are its own."""
    (plan.state / "ovs").mkdir()
    (plan.state / "ovs" / "ovsdb-server.db").touch()
    monkeypatch.setattr("examples.cloud.ovs.DEVICES", ("lo",))
    monkeypatch.setattr("examples.cloud.ovs.start_database_server", lambda *_: None)
    monkeypatch.setattr("examples.cloud.ovs.start_daemon", lambda *_: None)
    monkeypatch.setattr("examples.cloud.ovs._vsctl", lambda *_: None)
    start_switch(plan, ())


def test_programs_of_open_vswitch_reach_this_cloud_only(plan: Plan) -> None:
    """libvirt's calls of them too: no folder is the machine's."""
    assert all(value.startswith(str(plan.state)) for value in switch_variables(plan).values())


def test_only_the_agents_firewall_rules_are_removed() -> None:
    """Nova's rules remain, quotes are passed on as they are."""
    assert removal(RULES, AGENT_CHAIN).splitlines() == [
        "*filter",
        "-D FORWARD -j neutron-filter-top",
        (
            "-D neutron-openvswi-i0a1b2c3d-4 -m set --match-set NIPv4aaaa src -m comment "
            '--comment "Allow the group\'s." -j RETURN'
        ),
        "-X neutron-filter-top",
        "-X neutron-openvswi-FORWARD",
        "-X neutron-openvswi-i0a1b2c3d-4",
        "COMMIT",
    ]


def test_only_the_agents_sets_of_addresses_are_removed() -> None:
    """They are named after a group's uuid."""
    names = "NIPv4d542293d-94cf-4286-9a87-\nNIPv6d542293d-94cf-4286-9a87-\ndocker\nIPv4-blocked\n"
    assert AGENT_SET.findall(names) == ["NIPv4d542293d-94cf-4286-9a87-", "NIPv6d542293d-94cf-4286-9a87-"]


@pytest.mark.parametrize("kind", ["bridges", "none"])
def test_unknown_networks_are_refused(tmp_path: Path, kind: str) -> None:
    """The choices are named."""
    result = CliRunner().invoke(main, ["up", "--networks", kind, "--state", str(tmp_path)])
    assert result.exit_code == 2
    assert "'local', 'ovs', 'hybrid', 'ovn'" in result.output


def test_a_guest_adds_no_process(plan: Plan) -> None:
    """Only its image."""
    assert processes_of(replace(plan, guest=True)) == processes_of(plan)


def test_the_archive_has_its_folders_and_files() -> None:
    """Every part is padded to four bytes."""
    content = archive([Member("bin"), Member("bin/sh", b"12345", 0o755), Member("empty", b"")])
    names = [content.find(name) for name in (b"bin\0", b"bin/sh\0", b"empty\0", b"TRAILER!!!\0")]
    assert names == sorted(names)
    assert -1 not in names
    assert len(content) % 4 == 0
    heads = [content[name - 110 :][:110] for name in names]
    assert [head[:6] for head in heads] == [b"070701"] * 4
    assert [int(head[14:22], 16) for head in heads] == [0o040755, 0o100755, 0o100644, 0]
    assert [int(head[54:62], 16) for head in heads] == [0, 5, 0, 0]


def test_the_guests_first_process_is_a_script_without_errors() -> None:
    """Its shell is busybox's, whose syntax this checks."""
    assert subprocess.run(["sh", "-n", str(guest.INIT)], check=False).returncode == 0


def test_the_guests_image_contains_busybox_and_drivers_in_order(tmp_path: Path) -> None:
    """A missing driver is one that the kernel has built in."""
    for name in ("virtio", "virtio_ring"):
        (tmp_path / f"{name}.ko").write_bytes(name.encode())
    modules = {name: tmp_path / f"{name}.ko" for name in ("virtio", "virtio_ring")}
    names = [member.name for member in guest.members(modules, b"busybox")]
    assert names[-2:] == ["modules/00-virtio_ring.ko", "modules/01-virtio.ko"]
    assert {"init", "bin/busybox"} < set(names)


ANSWERS: dict[str, Any] = {
    "GET /v2.0/networks?name=net": {"networks": [{"id": "net-id"}]},
    "GET /v2.0/security-groups?name=web": {"security_groups": [{"id": "web-id"}]},
    "GET /v2.0/security-groups?name=none": {"security_groups": []},
    "GET /v2.0/ports?device_id=vm-id": {"ports": [{"id": "p2", "created_at": "2"}, {"id": "p1", "created_at": "1"}]},
    "GET /v2.0/ports/p3": {"port": {"status": "ACTIVE"}},
    "POST /v2.0/ports": {"port": {"id": "p3"}},
    "GET /servers/vm-id/os-interface": {"interfaceAttachments": [{"port_id": "p1"}]},
}


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Let a client answer from ANSWERS; return its requests with their bodies."""
    sent: list[tuple[str, Any]] = []

    def send(client: Client, method: str, service: str, path: str, body: object = None) -> Any:
        sent.append((f"{method} {path}", body))
        return ANSWERS[f"{method} {path}"]

    monkeypatch.setattr(Client, "send", send)
    monkeypatch.setattr("examples.cloud.boots.log_in", Client)
    return sent


def test_a_boot_with_a_port_creates_it_beforehand(plan: Plan, requests: list[tuple[str, Any]]) -> None:
    """With its security group, which the request for the server then must not name."""
    command = Boot("vm1", port=True, group="web").command(plan)
    assert command[command.index("--port") + 1] == "p3"
    assert not {"--network", "--nic", "--security-group"} & {*command}
    port = {"name": "vm1-port", "network_id": "net-id", "security_groups": ["web-id"]}
    assert requests[-1] == ("POST /v2.0/ports", {"port": port})


def test_a_boot_on_a_network_names_its_security_group(plan: Plan) -> None:
    """Nova passes it on to the port that it creates."""
    command = Boot("vm1", network="net", group="web").command(plan)
    assert (command[command.index("--network") + 1], command[command.index("--security-group") + 1]) == ("net", "web")


def test_a_guest_has_its_image_and_memory_for_it(plan: Plan) -> None:
    """128 MiB."""
    command = Boot("vm1", guest=True).command(replace(plan, guest=True))
    assert (command[command.index("--image") + 1], command[command.index("--flavor") + 1]) == ("guest", "small")


@pytest.mark.parametrize(
    ("boot", "networks", "message"),
    [
        (Boot("vm1", guest=True), "ovs", "this cloud has no guest: up --guest"),
        (Boot("vm1", network="net", group="web"), "local", "without a firewall there are no security groups"),
        (Boot("vm1", group="web"), "ovs", "a server without a port has no security group"),
        (Boot("vm1", port=True, group="none"), "ovs", "has no security group none"),
    ],
)
def test_what_the_cloud_does_not_have_is_refused(
    plan: Plan, requests: list[tuple[str, Any]], boot: Boot, networks: str, message: str
) -> None:
    """Before a server is created."""
    with pytest.raises(CloudError, match=message):
        boot.command(replace(plan, networks=networks))
    assert not [request for request, _ in requests if request.startswith("POST")]


@pytest.mark.parametrize(
    ("action", "thing", "expected"),
    [
        ("attach-port", "", ["add", "port", "vm-id", "p3"]),
        ("attach-port", "p3", ["add", "port", "vm-id", "p3"]),
        ("detach-port", "", ["remove", "port", "vm-id", "p2"]),
        ("detach-port", "p9", ["remove", "port", "vm-id", "p9"]),
    ],
)
def test_a_port_is_attached_and_the_newest_one_detached(
    plan: Plan, requests: list[tuple[str, Any]], action: str, thing: str, expected: list[str]
) -> None:
    """And the effect is awaited."""
    server = {"id": "vm-id", "name": "vm1"}
    assert list(ACTIONS[action](Client(plan), server, thing)) == [expected]
    assert requests[-1][0] in ("GET /v2.0/ports/p3", "GET /servers/vm-id/os-interface")


def test_a_servers_ports_are_in_order_of_their_creation(plan: Plan, requests: list[tuple[str, Any]]) -> None:
    """Neutron's own order is none."""
    assert [port["id"] for port in server_ports.ports_of(Client(plan), "vm-id")] == ["p1", "p2"]
