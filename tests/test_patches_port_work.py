"""Work on ports: calls that carry no request id are recorded with the ports, or the events, that they are about."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from patches import port_ids
from tests.support.recording import failing, recording, standing_in

PORT, OTHER = "f45890a0-774e-4ed0-8f0b-6b8a31ed6e2d", "0deb20c4-1377-4d29-b3b7-083d06988686"
AGENT = "neutron.plugins.ml2.drivers.openvswitch.agent.ovs_neutron_agent"


class OVSNeutronAgent:
    """The parts of Neutron's agent that work on ports."""

    def __init__(self) -> None:
        self.deleted_ports = {PORT}

    def port_update(self, _context: object, **kwargs: Any) -> str:
        return str(kwargs["port"]["id"])

    def process_port_info(self, *arguments: Any) -> tuple[Any, ...]:
        return arguments

    def process_network_ports(self, port_info: Any, _provisioning_needed: bool) -> int:
        for port in port_info["added"]:
            self.treat_vif_port(None, port)
        return len(port_info)

    def treat_vif_port(self, _vif_port: Any, port_id: str) -> bool:
        if port_id == "bad":
            raise ValueError("no such port")
        return True

    def process_deleted_ports(self, _port_info: Any) -> None:
        self.deleted_ports.clear()


class SecurityGroupAgentRpc:
    """The agent's firewall."""

    def setup_port_filters(self, new_devices: Any, updated_devices: Any) -> None:
        """Filter the ports."""

    def refresh_firewall(self, device_ids: Any = None) -> None:
        """Filter them again."""


class OVSFirewallDriver:
    """A driver of the firewall."""

    def prepare_port_filter(self, port: Any) -> None:
        """Filter a port."""


class BatchNotifier:
    """Neutron's queue of events for Nova."""

    def queue_event(self, event: Any) -> None:
        """Queue an event."""


class ComputeVirtAPI:
    """The part of Nova's compute that waits."""

    @staticmethod
    def _wait_for_instance_events(_instance: Any, _events: Any, _error_callback: Any, timeout: int) -> int:
        return timeout


class ComputeManager:
    """Nova's compute."""

    def _process_instance_event(self, _instance: Any, _event: Any) -> str:
        return "handled"


class RpcCallbacks:
    """Neutron's server, for agents."""

    def update_device_list(self, rpc_context: Any, **kwargs: Any) -> None:
        """Set the states of ports."""


@pytest.fixture
def _neutron() -> Iterator[None]:
    modules = {
        AGENT: OVSNeutronAgent,
        "neutron.agent.securitygroups_rpc": SecurityGroupAgentRpc,
        "neutron.agent.linux.openvswitch_firewall.firewall": OVSFirewallDriver,
        "neutron.notifiers.batch_notifier": BatchNotifier,
        "neutron.plugins.ml2.rpc": RpcCallbacks,
    }
    with ExitStack() as stack:
        for module, owner in modules.items():
            stack.enter_context(standing_in(module, **{owner.__name__: owner}))
        stack.enter_context(
            standing_in("nova.compute.manager", ComputeVirtAPI=ComputeVirtAPI, ComputeManager=ComputeManager)
        )
        yield


pytestmark = pytest.mark.usefixtures("_neutron")


def test_a_run_of_the_agents_loop_names_its_ports_and_each_part_its_own(tmp_path: Path) -> None:
    with recording(tmp_path, "ports") as recorded:
        info = {"current": {PORT, OTHER}, "added": {PORT}, "updated": {OTHER}, "removed": set()}
        assert OVSNeutronAgent().process_network_ports(info, False) == 4
        run, part = recorded.events("call")
    assert run.name == f"{AGENT}:OVSNeutronAgent.process_network_ports"
    ports = run.attributes["ports"]
    assert isinstance(ports, list)
    assert set(ports) == {PORT, OTHER}
    assert (part.attributes["function"], part.attributes["ports"], part.parent) == (
        "treat_vif_port", [PORT], run.number,
    )  # fmt: skip


def test_a_run_is_read_from_the_agents_own_kind_of_dict(tmp_path: Path) -> None:
    with recording(tmp_path, "ports") as recorded:
        OVSNeutronAgent().process_port_info(UserDict(added={PORT}), {}, 0)
        OVSNeutronAgent().process_network_ports(UserDict(added=set(), updated={OTHER}), False)
        assert [event.attributes["ports"] for event in recorded.events("call")] == [[PORT], [OTHER]]


@pytest.mark.parametrize(
    ("work", "ports"),
    [
        (lambda: OVSNeutronAgent().port_update(None, port={"id": PORT, "name": "x"}), [PORT]),
        (lambda: OVSNeutronAgent().process_deleted_ports({"removed": set()}), [PORT]),
        (lambda: SecurityGroupAgentRpc().setup_port_filters({PORT}, set()), [PORT]),
        (lambda: SecurityGroupAgentRpc().refresh_firewall({OTHER}), [OTHER]),
        # all ports there are
        (lambda: SecurityGroupAgentRpc().refresh_firewall(), [port_ids.UNKNOWN]),
        (lambda: OVSFirewallDriver().prepare_port_filter({"device": PORT, "mac_address": "fa:16:3e:1"}), [PORT]),
        (lambda: RpcCallbacks().update_device_list(None, devices_up=[PORT], devices_down=[OTHER]), [PORT, OTHER]),
        (lambda: RpcCallbacks().update_device_list(None, devices_up=[object()]), [port_ids.UNKNOWN]),
    ],
)
def test_a_call_names_the_ports_of_its_arguments(tmp_path: Path, work: Any, ports: list[str]) -> None:
    with recording(tmp_path, "ports") as recorded:
        work()
        assert recorded.single("call").attributes["ports"] == ports


def test_a_call_about_no_port_is_recorded_only_where_a_point_names_it(tmp_path: Path) -> None:
    def idle() -> None:
        agent = OVSNeutronAgent()
        agent.deleted_ports = set()
        agent.process_deleted_ports({})
        agent.process_network_ports({"added": set()}, False)
        BatchNotifier().queue_event(None)

    with recording(tmp_path / "without", "ports") as recorded:
        idle()
        assert recorded.events() == []
    points = [[AGENT, ["OVSNeutronAgent.process_network_ports"], []]]
    with recording(tmp_path / "with", "ports", points=points) as recorded:
        idle()
        assert recorded.single("call").attributes["function"] == "process_network_ports"


def test_a_call_that_a_point_names_too_is_recorded_once(tmp_path: Path) -> None:
    with recording(tmp_path, "ports", points=[[AGENT, ["OVSNeutronAgent.treat_*"], []]]) as recorded:
        OVSNeutronAgent().treat_vif_port(None, PORT)
        assert recorded.single("call").attributes["ports"] == [PORT]
    # Without this hook the point is the calls hook's again.
    with recording(tmp_path / "later", "sql", points=[[AGENT, ["OVSNeutronAgent.treat_*"], []]]) as recorded:
        OVSNeutronAgent().treat_vif_port(None, PORT)
        assert "ports" not in recorded.single("call").attributes


def test_a_snapshot_names_the_ports_of_its_result(tmp_path: Path) -> None:
    with recording(tmp_path, "ports") as recorded:
        OVSNeutronAgent().process_port_info({"current": {PORT}, "added": set()}, {}, 0)
        OVSNeutronAgent().process_port_info({"current": {PORT}, "added": {OTHER}}, {}, 0)
        OVSNeutronAgent().process_port_info()
        assert [event.attributes.get("ports") for event in recorded.events("call")] == [None, [OTHER], None]


def test_more_ports_than_are_recorded_end_in_an_unknown_one(tmp_path: Path) -> None:
    many = {f"{number:08x}-774e-4ed0-8f0b-6b8a31ed6e2d" for number in range(200)}
    with recording(tmp_path, "ports") as recorded:
        SecurityGroupAgentRpc().refresh_firewall(many)
        ports = recorded.single("call").attributes["ports"]
    assert isinstance(ports, list)
    assert len(ports) == port_ids.MAX_PORTS + 1
    assert ports[-1] == port_ids.UNKNOWN


def test_events_are_named_by_nova_s_key_and_their_instance(tmp_path: Path) -> None:
    key = f"network-vif-plugged-{PORT}"
    instance = SimpleNamespace(_obj_uuid="uuid-1")
    event = SimpleNamespace(_obj_name="network-vif-plugged", _obj_tag=PORT)
    with recording(tmp_path, "ports") as recorded:
        BatchNotifier().queue_event({"name": "network-vif-plugged", "server_uuid": "uuid-1", "tag": PORT})
        assert ComputeVirtAPI._wait_for_instance_events(instance, {key: object()}, None, timeout=3) == 3
        assert ComputeManager()._process_instance_event(instance, event) == "handled"
        events = [event.attributes["events"] for event in recorded.events("call")]
    assert events == [[{"event": key, "instance": "uuid-1"}]] * 3


def test_an_error_is_the_callers_as_before(tmp_path: Path) -> None:
    with recording(tmp_path, "ports") as recorded:
        with pytest.raises(ValueError, match="no such port"):
            OVSNeutronAgent().treat_vif_port(None, "bad")
        assert recorded.single("call").error == "ValueError: no such port"


def test_the_host_does_not_notice_a_hook_that_fails(tmp_path: Path) -> None:
    with recording(tmp_path, "ports"), failing():
        assert OVSNeutronAgent().treat_vif_port(None, PORT) is True
