"""The participants of a picture from left to right, and the sub-lanes of projects that run several services."""

from __future__ import annotations

#: The lifelines of a picture, in their order from left to right.
PARTICIPANTS = (
    "client", "API", "conductor", "scheduler", "compute", "libvirt",
    "placement", "image", "network", "volume", "identity", "database", "broker",
)  # fmt: skip

#: The services of a project, in the order of a boot's path. The project's own name is Neutron's server and
#: cinder-volume, and any service of the project that nothing tells apart; ``-unknown`` receives a topic nobody knows.
SUB_LANES = {
    "network": (
        "network", "network-ovn", "network-agent", "network-ovs", "network-dhcp", "network-l3", "network-metadata",
        "network-unknown",
    ),
    "volume": ("volume-api", "volume-scheduler", "volume", "volume-backup", "volume-unknown"),
}  # fmt: skip

_FAMILIES = {lane: family for family, lanes in SUB_LANES.items() for lane in lanes}
_ORDER = {
    lane: number
    for number, lane in enumerate(lane for name in PARTICIPANTS for lane in SUB_LANES.get(name, (name,)))
}  # fmt: skip


def family(service: str) -> str:
    """Return the participant that a sub-lane folds into, and any other service as it is."""
    return _FAMILIES.get(service, service)


def as_json(service: str) -> dict[str, str]:
    """Return the JSON fields of a service: its participant, and its lane, which may be a sub-lane of it."""
    return {"service": family(service), "lane": service}


def is_divided(service: str) -> bool:
    """Return whether a service's name is a project's that has sub-lanes."""
    return service in SUB_LANES


def unknown(service: str) -> str:
    """Return the lane of an unknown service of the same project, "" where the project has no sub-lanes."""
    name = f"{family(service)}-unknown"
    return name if name in _FAMILIES else ""


def order(lane: str) -> int:
    """Return the position of a lane, ``compute`` or ``compute HOST``, from left to right; unknown ones come last."""
    return _ORDER.get(lane.partition(" ")[0], len(_ORDER))
