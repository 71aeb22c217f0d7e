"""The scheduler's filters: the hosts that each lets pass, and the command that shows what it looks at."""

from __future__ import annotations

from dataclasses import dataclass

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
