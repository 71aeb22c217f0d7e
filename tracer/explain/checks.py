"""The scheduler's filters, and the commands that show the state of the cloud that a cause points at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tracer.explain.explanation import Next, Stage, Wait

_SERVICES = "openstack compute service list --service nova-compute"
_AGGREGATES = "openstack aggregate list --long"
_HYPERVISORS = "openstack hypervisor list --long"
_FLAVOR = "openstack flavor show FLAVOR"


@dataclass(frozen=True)
class Filter:
    """A filter: the hosts that pass, in the words of a sentence, and a command to see why one does not."""

    passes: str
    command: str


#: Nova's own filters, also those that later releases dropped.
FILTERS = {
    "ComputeFilter": Filter("hosts whose nova-compute is enabled and reports", _SERVICES),
    "RetryFilter": Filter("hosts on which the build was not tried before", _SERVICES),
    "AvailabilityZoneFilter": Filter("hosts of the availability zone that was asked for", _AGGREGATES),
    "RamFilter": Filter("hosts with enough free memory", _HYPERVISORS),
    "AggregateRamFilter": Filter("hosts with enough free memory", _HYPERVISORS),
    "DiskFilter": Filter("hosts with enough free disk", _HYPERVISORS),
    "AggregateDiskFilter": Filter("hosts with enough free disk", _HYPERVISORS),
    "CoreFilter": Filter("hosts with enough free virtual CPUs", _HYPERVISORS),
    "AggregateCoreFilter": Filter("hosts with enough free virtual CPUs", _HYPERVISORS),
    "NumInstancesFilter": Filter("hosts with fewer instances than max_instances_per_host", _HYPERVISORS),
    "IoOpsFilter": Filter("hosts with fewer builds, resizes and the like than max_io_ops_per_host", _HYPERVISORS),
    "NUMATopologyFilter": Filter("hosts whose NUMA cells fit the flavor's and the image's demands", _FLAVOR),
    "PciPassthroughFilter": Filter("hosts with the free PCI devices that flavor or ports ask for", _FLAVOR),
    "ComputeCapabilitiesFilter": Filter("hosts with the capabilities of the flavor's extra specs", _FLAVOR),
    "AggregateInstanceExtraSpecsFilter": Filter("hosts in aggregates that match the flavor's extra specs", _AGGREGATES),
    "AggregateImagePropertiesIsolation": Filter("hosts in aggregates that match the image's properties", _AGGREGATES),
    "AggregateMultiTenancyIsolation": Filter("hosts in aggregates open to the project", _AGGREGATES),
    "AggregateTypeAffinityFilter": Filter("hosts in aggregates that allow the flavor", _AGGREGATES),
    "ImagePropertiesFilter": Filter(
        "hosts whose hypervisor supports the image's architecture, type and mode", "openstack image show IMAGE"
    ),
    "IsolatedHostsFilter": Filter("hosts that isolated_hosts and isolated_images allow", "openstack image show IMAGE"),
    "ServerGroupAffinityFilter": Filter("the host of the server group", "openstack server group list --long"),
    "ServerGroupAntiAffinityFilter": Filter(
        "hosts without another server of the group", "openstack server group list --long"
    ),
    "DifferentHostFilter": Filter("hosts without the servers of the hint different_host", _SERVICES),
    "SameHostFilter": Filter("the host of the servers of the hint same_host", _SERVICES),
    "JsonFilter": Filter("hosts that match the hint query", _HYPERVISORS),
    "MetricsFilter": Filter("hosts that report the metrics of weight_setting", _HYPERVISORS),
}


def passes(name: str) -> str:
    """Return which hosts a filter lets pass, ``, which passes …,``; "" for a filter of others."""
    known = FILTERS.get(name)
    return f", which passes {known.passes}," if known else ""


_FILTER = re.compile(r"^(\w+)(?:, which passes .*,)? removed the last host")
_RESOURCES = re.compile(r"^Placement had no host for ((?:\w+ \d+(?:, )?)+)")
_COMPUTE = ("compute", "conductor", "scheduler")


def checks(cause: Stage | None, waits: list[Wait]) -> Iterator[Next]:
    """Yield what to look at next: nothing of it is in the trace."""
    if cause is None:
        return
    name = _FILTER.match(cause.text)
    if name and name[1] in FILTERS:
        yield Next(f"What {name[1]} looks at:", FILTERS[name[1]].command)
    wanted = _RESOURCES.match(cause.text)
    if wanted:
        pairs = [pair.split() for pair in wanted[1].rstrip(", ").split(", ")]
        resources = " ".join(f"--resource {resource}={amount}" for resource, amount in pairs)
        yield Next("What Placement offers now:", f"openstack allocation candidate list {resources}")
    if waits and waits[0].peer in _COMPUTE and waits[0].peer == cause.service:
        service = f"nova-{waits[0].peer}"
        yield Next(f"Is {service} up?", f"openstack compute service list --service {service}")
