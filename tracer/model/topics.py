"""Well-known topics of queues, and the services that consume them."""

from __future__ import annotations

import re

_TOPICS = {
    "conductor": "conductor", "scheduler": "scheduler", "compute": "compute", "compute-alt": "compute",
    "network": "network", "volume": "volume",
    "cinder-scheduler": "volume-scheduler", "cinder-volume": "volume", "cinder-backup": "volume-backup",
    "q-plugin": "network", "q-reports-plugin": "network", "q-server-resource-versions": "network",
    "q-l3-plugin": "network", "q-metering-plugin": "network", "q-firewall-plugin": "network", "q-svc": "network",
    "q-bgp-plugin": "network", "n-lbaas-plugin": "network", "trunk": "network",
    "dhcp_agent": "network-dhcp", "l3_agent": "network-l3", "metering_agent": "network-agent",
    "bgp_dragent": "network-agent",
}  # fmt: skip
#: Topics that name what is sent, as fanouts to agents: ``q-agent-notifier-port-update``, ``neutron-vo-Port-1.11``.
_TO_AGENTS = ("q-agent-notifier-", "neutron-vo-")
#: ``notifications.info``, ``versioned_notifications.error``, ``notifications_designate.info``: not of a service alone.
_NOTIFICATIONS = re.compile(r"(versioned_)?notifications(_\w+)?")
#: What follows a topic in a queue's name: ``.HOST``, ``.HOST@BACKEND``, ``_fanout_0123abcd``.
_REST = re.compile(r"(_fanout(_[0-9a-f]+)?)?([.@].*)?\Z", re.DOTALL)

#: Topics that named their receivers when the first baselines were written.
_EARLY = frozenset((
    "conductor", "scheduler", "compute", "compute-alt", "network", "cinder-volume",
    "versioned_notifications", "notifications",
))  # fmt: skip

#: Exchanges of projects, by default the names of their ``control_exchange``.
_EXCHANGES = {"neutron": "network", "quantum": "network", "cinder": "volume"}


def service_of(topic: str) -> str:
    """Return the service that consumes a topic or queue, "broker" for notifications, "" where it is unknown."""
    if topic.startswith(_TO_AGENTS):
        return "network-agent"
    name = base(topic)
    return "broker" if _NOTIFICATIONS.fullmatch(name) else _TOPICS.get(name, "")


def base(topic: str) -> str:
    """Return the topic of a queue: ``cinder-volume`` of ``cinder-volume.HOST@BACKEND``."""
    return _REST.sub("", topic, count=1)


def is_early(topic: str) -> bool:
    """Return whether the topic has named its receiver since the first baselines."""
    return base(topic) in _EARLY


def project_of(exchange: str) -> str:
    """Return the participant whose services use an exchange, "" where several or none of them do."""
    return _EXCHANGES.get(base(exchange), "")
