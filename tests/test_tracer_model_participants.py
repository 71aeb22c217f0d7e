"""The participant of a step: named by its code, its process's command line, or its topic and path."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.builders import step
from tracer.model import participants


@pytest.mark.parametrize(
    ("argv", "service"),
    [
        ("/usr/bin/python3 /usr/bin/nova-compute --config-file /etc/nova/nova.conf", "compute"),
        ("/usr/bin/python3 /usr/bin/nova-conductor", "conductor"),
        ("nova-scheduler --config-dir /etc/nova", "scheduler"),
        ("python -m nova.cmd.compute", "compute"),
        ("/opt/placement/bin/python /usr/bin/nova-api", "API"),
        ("/usr/bin/uwsgi --ini /etc/nova/nova-api-uwsgi.ini", "API"),
        ("uwsgi --procname-prefix nova-api --ini x.ini --venv /opt/nova-compute/venv", "API"),
        ("(wsgi:nova-api-meta -DFOREGROUND", "API"),
        ("/usr/sbin/uwsgi --ini /etc/placement/placement-uwsgi.ini", "placement"),
        ("python launch.py placement --config-file placement.conf", "placement"),
        ("/usr/bin/keystone-wsgi-public", "identity"),
        ("/usr/bin/glance-api", "image"),
        ("/usr/bin/neutron-server", "network"),
        ("/usr/bin/neutron-rpc-server --config-file ml2_conf.ini", "network"),
        ("/usr/bin/neutron-ovn-maintenance-worker", "network"),
        ("python3 /usr/bin/neutron-openvswitch-agent --config-file neutron.conf", "network-agent"),
        ("python3 -m neutron.cmd.eventlet.plugins.ovs_neutron_agent", "network-agent"),
        ("neutron-linuxbridge-agent", "network-agent"),
        ("neutron-dhcp-agent --config-file dhcp_agent.ini", "network-dhcp"),
        ("python -m neutron.cmd.agents.dhcp", "network-dhcp"),
        ("neutron-l3-agent", "network-l3"),
        ("quantum-l3-agent", "network-l3"),
        ("neutron-ovn-metadata-agent --config-file neutron.conf", "network-metadata"),
        ("ovn-controller unix:/run/openvswitch/db.sock", "network-ovn"),
        ("ovn-northd", "network-ovn"),
        ("ovsdb-server-nb", "network-ovn"),
        ("ovs-vswitchd --pidfile", "network-ovs"),
        ("/usr/bin/cinder-volume --config-file cinder-api.conf", "volume"),
        ("uwsgi --module cinder.wsgi.api:application --pyargv '--config-file cinder.conf'", "volume-api"),
        ("cinder-api", "volume-api"),
        ("python3 cinder-scheduler --config-file cinder-volume.conf", "volume-scheduler"),
        ("python -m cinder.cmd.backup", "volume-backup"),
        ("uwsgi --ini cinder.ini", "volume"),
        ("privsep-helper --config-file neutron.conf --privsep_context vif_plug_ovs.privsep.vif_plug", "compute"),
        ("privsep-helper --config-file cinder.conf --privsep_context os_brick.privileged.default", "volume"),
        ("privsep-helper --privsep_context os_brick.privileged.default", "client"),
        ("/usr/bin/openstack server create --image cirros vm1", "client"),
        ("/usr/bin/python3 /usr/bin/openstack server create --image glance vm-placement", "client"),
        ("/usr/bin/python3.11 -X dev /usr/bin/nova boot --image cinder x", "client"),
        ("nova-novncproxy", "client"),
        ("python boot.py", "client"),
        ("", "client"),
    ],
)
def test_a_service_is_named_by_the_command_line(argv: str, service: str) -> None:
    """Folders and a client's arguments do not count."""
    assert participants.of_command(argv) == service


@pytest.mark.parametrize(
    ("module", "service"),
    [
        ("nova.conductor.manager", "conductor"), ("nova.scheduler.manager", "scheduler"), ("nova.compute", "compute"),
        ("nova.computer", ""), ("nova.api.openstack.wsgi", "API"), ("placement.handler", "placement"),
        ("nova.utils", ""), ("keystone.server", "identity"), ("", ""),
    ],
)  # fmt: skip
def test_a_service_is_named_by_its_module(module: str, service: str) -> None:
    """Only whole parts of a dotted name match."""
    assert participants.of_module(module) == service


def test_only_server_steps_are_named_by_their_attributes() -> None:
    """A client's step may have the endpoint's module too, which names its peer."""
    where: dict[str, Any] = {"module": "nova.scheduler.manager"}
    assert participants.of_step(step("rpc", "", side="server", **where)) == "scheduler"
    assert participants.of_step(step("rpc", "", side="client", **where)) == ""
    assert participants.of_step(step("http", "", side="server", application="placement.deploy")) == "placement"
    assert participants.of_step(step("http", "", side="server", module=["x"])) == ""


@pytest.mark.parametrize(
    ("kind", "attributes", "service"),
    [
        ("rpc", {"topic": "conductor"}, "conductor"),
        ("rpc", {"topic": "compute.cmp1"}, "compute"),
        ("rpc", {"topic": "versioned_notifications.info"}, "broker"),
        ("rpc", {"topic": "reply_12"}, ""),
        ("rpc", {}, ""),
        ("rpc", {"topic": "q-agent-notifier-security_group-update"}, "network-agent"),
        ("rpc", {"topic": "q-agent-notifier-port-update_fanout_0a1b"}, "network-agent"),
        ("rpc", {"topic": "neutron-vo-SecurityGroupRule-1.1"}, "network-agent"),
        ("rpc", {"topic": "q-plugin"}, "network"),
        ("rpc", {"topic": "q-reports-plugin"}, "network"),
        ("rpc", {"topic": "q-server-resource-versions"}, "network"),
        ("rpc", {"topic": "dhcp_agent.net1"}, "network-dhcp"),
        ("rpc", {"topic": "l3_agent"}, "network-l3"),
        ("rpc", {"topic": "cinder-scheduler"}, "volume-scheduler"),
        ("rpc", {"topic": "cinder-volume.control@rbd"}, "volume"),
        ("rpc", {"topic": "cinder-backup.control"}, "volume-backup"),
        ("rpc", {"topic": "notifications_designate.info"}, "broker"),
        ("rpc", {"topic": "made-up"}, ""),
        ("rpc", {"topic": "made-up", "exchange": "cinder"}, "volume-unknown"),
        ("rpc", {"topic": "made-up", "exchange": "neutron"}, "network-unknown"),
        ("http", {"path": "/placement/allocation_candidates"}, "placement"),
        ("http", {"path": "/resource_providers/1/inventories"}, "placement"),
        ("http", {"path": "/v2.0/ports"}, "network"),
        ("http", {"path": "/v2/images/1"}, "image"),
        ("http", {"path": "/v3/auth/tokens"}, "identity"),
        ("http", {"path": "/v3/0123abc/volumes/1"}, "volume-api"),
        ("http", {"path": "/v2.1/servers"}, "API"),
        ("http", {"path": "/"}, ""),
        ("call", {"path": "/v2.1/servers"}, ""),
    ],
)
def test_a_peer_is_named_by_topic_or_path(kind: str, attributes: dict[str, Any], service: str) -> None:
    """Used for peers that were not traced."""
    assert participants.of_peer(step(kind, "API", **attributes)) == service


def test_an_unknown_topic_belongs_to_an_unknown_service_of_its_sender_s_project() -> None:
    """A project's services share an exchange."""
    sent = step("rpc", "network-agent", side="client", mode="fanout", topic="a-plugin-s-own")
    assert participants.of_peer(sent) == "network-unknown"
