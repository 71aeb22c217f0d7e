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

#: Command lines of services, the more specific first; ``cell1`` is a cell's conductor in Kubernetes.
COMMANDS = (
    (re.compile(r"\bprivsep-helper\b.*\b(nova|vif_plug_\w+)\b"), "compute"),
    (re.compile(r"nova[-.](cmd\.)?(cell\d+-)?conductor"), "conductor"),
    (re.compile(r"nova[-.](cmd\.)?scheduler"), "scheduler"),
    (re.compile(r"nova[-.](cmd\.)?compute"), "compute"),
    (re.compile(r"nova[-.](cmd\.|wsgi\.)?(osapi|api|metadata)"), "API"),
    (re.compile(r"nova[-.](cmd\.)?network"), "network"),
    (re.compile(r"nova[-.](cmd\.)?volume"), "volume"),
    (re.compile(r"\bplacement[-.]?(api|wsgi)?\b"), "placement"),
    (re.compile(r"\bkeystone\b"), "identity"),
    (re.compile(r"\bglance\b"), "image"),
    (re.compile(r"\b(neutron|quantum)\b"), "network"),
    (re.compile(r"\bcinder\b"), "volume"),
)

#: The program that names a service's process where its log does not.
PROGRAMS = {
    "API": "nova-api", "conductor": "nova-conductor", "scheduler": "nova-scheduler", "compute": "nova-compute",
    "placement": "placement-api", "identity": "keystone-api", "image": "glance-api", "network": "neutron-server",
    "volume": "cinder-volume",
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
