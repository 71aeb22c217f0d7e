"""A colour per service, the same in every picture; those of a project's services are alike."""

from __future__ import annotations

_COLOURS = {
    "client": "#57606a", "API": "#0969da", "conductor": "#8250df", "scheduler": "#bf3989", "compute": "#1a7f37",
    "libvirt": "#7d4e00", "placement": "#bc4c00", "image": "#0f766e", "network": "#0e7490", "volume": "#6e5494",
    "network-ovn": "#155e75", "network-agent": "#2b5f8a", "network-ovs": "#3b5a6b", "network-dhcp": "#1f6157",
    "network-l3": "#34557a", "network-metadata": "#476072", "network-unknown": "#57606a",
    "volume-api": "#7b3f86", "volume-scheduler": "#96457c", "volume-backup": "#54507a", "volume-unknown": "#57606a",
    "identity": "#4d7c0f", "database": "#475569", "broker": "#a40e26", "instance": "#24292f",
}  # fmt: skip
_OTHERS = ("#9a3412", "#155e75", "#5b21b6", "#3f6212", "#831843")


def colour(lane: str, number: int) -> str:
    """Return the colour of a lane; ``number`` distinguishes services that have none of their own."""
    return _COLOURS.get(lane.partition(" ")[0]) or _OTHERS[number % len(_OTHERS)]
