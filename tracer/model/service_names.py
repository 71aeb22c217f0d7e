"""Names of services: their modules and loggers, programs, short names, and the folders of their logs."""

from __future__ import annotations

import re

#: Module prefixes of endpoints and applications.
MODULES = (
    ("nova.conductor", "conductor"),
    ("nova.scheduler", "scheduler"),
    ("nova.compute", "compute"),
    ("nova.api", "API"),
    ("nova.network.manager", "network"),
    ("nova.volume.manager", "volume"),
    ("placement", "placement"),
    ("keystone", "identity"),
    ("glance", "image"),
    ("neutron", "network"),
    ("cinder", "volume"),
)

#: Logger prefixes and the service that alone logs under them, the more specific first; "" for code that several
#: services run: nova-api logs nova.compute.api and nova.virt.hardware, and every service nova.scheduler.client.report.
LOGGERS = (
    ("nova.api.openstack.placement", "placement"),  # until 18, before Placement left Nova
    ("nova.api", "API"),
    ("nova.osapi_compute", "API"),
    ("nova.metadata.wsgi", "API"),
    ("nova.compute.api", ""),
    ("nova.compute.claims", "compute"),
    ("nova.compute.manager", "compute"),
    ("nova.compute.monitors", "compute"),
    ("nova.compute.pci_placement_translator", "compute"),
    ("nova.compute.provider_tree", ""),
    ("nova.compute.resource_tracker", "compute"),
    ("nova.compute.rpcapi", ""),
    ("nova.compute.stats", "compute"),
    ("nova.compute.utils", ""),
    ("nova.compute", ""),
    ("nova.conductor.api", ""),
    ("nova.conductor.rpcapi", ""),
    ("nova.conductor", "conductor"),
    ("nova.filters", "scheduler"),
    ("nova.network.manager", "network"),
    ("nova.scheduler.client", ""),
    ("nova.scheduler.rpcapi", ""),
    ("nova.scheduler.utils", ""),
    ("nova.scheduler", "scheduler"),
    ("nova.weights", "scheduler"),
    ("nova.virt.hardware", ""),
    ("nova.virt.osinfo", ""),
    ("nova.virt", "compute"),
    ("nova.volume.manager", "volume"),
    ("placement", "placement"),
    ("keystone", "identity"),
    ("glance", "image"),
    ("glance_store", "image"),
    ("neutron", "network"),
    ("quantum", "network"),
    ("cinder", "volume"),
)

#: Logger prefixes that several services share, and the service that most of their lines are of.
LIKELY = (
    ("nova.compute.api", "API"),
    ("nova.quota", "API"),
    ("nova.compute", "compute"),
    ("nova.network", "compute"),
    ("nova.virt", "compute"),
    ("nova.scheduler.client", "compute"),
    ("nova.scheduler.utils", "conductor"),
    ("nova.scheduler", "scheduler"),
    ("nova.conductor", "conductor"),
)

#: Modules of Cinder and Neutron that one of their services alone runs, with classes where a module is several
#: services', the more specific first; "" for code that others import too.
SUB_MODULES = (
    ("cinder.api", "volume-api"),
    ("cinder.volume.flows.api", "volume-api"),
    ("cinder.scheduler.rpcapi", ""),
    ("cinder.scheduler", "volume-scheduler"),
    ("cinder.volume.manager", "volume"),
    ("cinder.volume.drivers", "volume"),
    ("cinder.volume.flows.manager", "volume"),
    ("cinder.backup.manager", "volume-backup"),
    ("cinder.backup.drivers", "volume-backup"),
    ("neutron.agent.dhcp", "network-dhcp"),
    ("neutron.agent.l3", "network-l3"),
    ("neutron.agent.metadata", "network-metadata"),
    ("neutron.agent.ovn.metadata", "network-metadata"),
    ("neutron.agent.ovn", "network-agent"),
    ("neutron.agent.securitygroups_rpc", "network-agent"),
    ("neutron.agent.linux.openvswitch_firewall", "network-agent"),
    ("neutron.agent.linux.iptables_firewall", "network-agent"),
    ("neutron.plugins.ml2.drivers.agent", "network-agent"),
    ("neutron.plugins.ml2.drivers.openvswitch.agent", "network-agent"),
    ("neutron.plugins.ml2.drivers.linuxbridge.agent", "network-agent"),
    ("neutron.plugins.ml2.drivers.macvtap.agent", "network-agent"),
    ("neutron.plugins.ml2.drivers.mech_sriov.agent", "network-agent"),
    ("neutron.plugins.ml2.plugin", "network"),
    ("neutron.plugins.ml2.managers", "network"),
    ("neutron.plugins.ml2.rpc", "network"),
    ("neutron.api.rpc.handlers.resources_rpc.ResourcesPullRpcCallback", "network"),
    ("neutron.api.v2", "network"),
    ("neutron.auth", "network"),
    ("neutron.db", "network"),
    ("neutron.notifiers.nova", "network"),
    ("neutron.pecan_wsgi", "network"),
)

#: Modules in which Neutron's server does what OVN's databases report to it, on a thread of its own.
OVN_EVENTS = "neutron.plugins.ml2.drivers.ovn"

#: Command lines of services, the more specific first where two begin at the same word; ``cell1`` is a cell's conductor
#: in Kubernetes. The context or the configuration of a privileged daemon names the service that started it.
COMMANDS = (
    (re.compile(r"\bprivsep-helper\b.*\b(nova|vif_plug_\w+)\b"), "compute"),
    (re.compile(r"\bprivsep-helper\b.*\bneutron\b"), "network-agent"),
    (re.compile(r"\bprivsep-helper\b.*\bcinder\b"), "volume"),
    (re.compile(r"\bprivsep-helper\b"), "client"),
    (re.compile(r"nova[-.](cmd\.)?(cell\d+-)?conductor"), "conductor"),
    (re.compile(r"nova[-.](cmd\.)?scheduler"), "scheduler"),
    (re.compile(r"nova[-.](cmd\.)?compute"), "compute"),
    (re.compile(r"nova[-.](cmd\.|wsgi\.)?(osapi|api|metadata)"), "API"),
    (re.compile(r"nova[-.](cmd\.)?network"), "network"),
    (re.compile(r"nova[-.](cmd\.)?volume"), "volume"),
    (re.compile(r"\bplacement[-.]?(api|wsgi)?\b"), "placement"),
    (re.compile(r"\bkeystone\b"), "identity"),
    (re.compile(r"\bglance\b"), "image"),
    (re.compile(r"\b(ovn-(northd|controller|nb|sb|ic)|ovsdb-server-[ns]b)\b"), "network-ovn"),
    (re.compile(r"\b(ovs-vswitchd|ovsdb-server)\b"), "network-ovs"),
    (re.compile(r"\b(neutron|quantum)[-.\w]*[-._]dhcp"), "network-dhcp"),
    (re.compile(r"\b(neutron|quantum)[-.\w]*[-._](l3|vpn)\b"), "network-l3"),
    (re.compile(r"\b(neutron|quantum)[-.\w]*[-._]metadata"), "network-metadata"),
    (re.compile(r"\b(neutron|quantum)[-.\w]*agent"), "network-agent"),
    (re.compile(r"\b(neutron|quantum)\b"), "network"),
    (re.compile(r"\bcinder[-.](cmd\.)?scheduler"), "volume-scheduler"),
    (re.compile(r"\bcinder[-.](cmd\.)?backup"), "volume-backup"),
    (re.compile(r"\bcinder[-.](cmd\.|wsgi\.)?(osapi|api|wsgi)\b"), "volume-api"),
    (re.compile(r"\bcinder\b"), "volume"),
)

#: The program that names a service's process where its log does not.
PROGRAMS = {
    "API": "nova-api", "conductor": "nova-conductor", "scheduler": "nova-scheduler", "compute": "nova-compute",
    "placement": "placement-api", "identity": "keystone-api", "image": "glance-api", "network": "neutron-server",
    "network-agent": "neutron-agent", "network-dhcp": "neutron-dhcp-agent", "network-l3": "neutron-l3-agent",
    "network-metadata": "neutron-metadata-agent", "network-ovn": "ovn-controller", "network-ovs": "ovs-vswitchd",
    "volume": "cinder-volume", "volume-api": "cinder-api", "volume-scheduler": "cinder-scheduler",
    "volume-backup": "cinder-backup",
}  # fmt: skip

#: DevStack's short names, of screen windows (2011 to 2016) and of units (``devstack@n-cpu``), and their programs.
SHORT_NAMES = {
    "n-api": "nova-api", "n-api-meta": "nova-api-metadata", "n-cpu": "nova-compute", "n-cond": "nova-conductor",
    "n-cond-cell1": "nova-conductor", "n-super-cond": "nova-conductor", "n-sch": "nova-scheduler",
    "n-net": "nova-network", "n-vol": "nova-volume", "placement": "placement-api", "key": "keystone-api",
    "g-api": "glance-api", "g-reg": "glance-registry", "q-svc": "neutron-server", "q-agt": "neutron-agent",
    "q-dhcp": "neutron-dhcp-agent", "q-l3": "neutron-l3-agent", "q-meta": "neutron-metadata-agent",
    "c-api": "cinder-api", "c-sch": "cinder-scheduler", "c-vol": "cinder-volume", "c-bak": "cinder-backup",
}  # fmt: skip

#: Folders of logs that hold one project's only: ``/var/log/glance/api.log``.
PROJECTS = frozenset({"nova", "placement", "keystone", "glance", "neutron", "quantum", "cinder"})


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


def service_of_topic(topic: str) -> str:
    """Return the service that consumes a topic or queue, "broker" for notifications, "" where it is unknown."""
    if topic.startswith(_TO_AGENTS):
        return "network-agent"
    name = base_topic(topic)
    return "broker" if _NOTIFICATIONS.fullmatch(name) else _TOPICS.get(name, "")


def base_topic(topic: str) -> str:
    """Return the topic of a queue: ``cinder-volume`` of ``cinder-volume.HOST@BACKEND``."""
    return _REST.sub("", topic, count=1)


def is_early_topic(topic: str) -> bool:
    """Return whether the topic has named its receiver since the first baselines."""
    return base_topic(topic) in _EARLY


def project_of(exchange: str) -> str:
    """Return the participant whose services use an exchange, "" where several or none of them do."""
    return _EXCHANGES.get(base_topic(exchange), "")
