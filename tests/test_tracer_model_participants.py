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
        ("/usr/bin/cinder-volume", "volume"),
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
        ("http", {"path": "/placement/allocation_candidates"}, "placement"),
        ("http", {"path": "/resource_providers/1/inventories"}, "placement"),
        ("http", {"path": "/v2.0/ports"}, "network"),
        ("http", {"path": "/v2/images/1"}, "image"),
        ("http", {"path": "/v3/auth/tokens"}, "identity"),
        ("http", {"path": "/v3/0123abc/volumes/1"}, "volume"),
        ("http", {"path": "/v2.1/servers"}, "API"),
        ("http", {"path": "/"}, ""),
        ("call", {"path": "/v2.1/servers"}, ""),
    ],
)
def test_a_peer_is_named_by_topic_or_path(kind: str, attributes: dict[str, Any], service: str) -> None:
    """Used for peers that were not traced."""
    assert participants.of_peer(step(kind, "API", **attributes)) == service
