"""The agreement of the monitors with a boot's tree: each change of the boot's ports has a step that can cause it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from examples.cloud.accuracy.changes import (
    Change,
    Port,
    database_changes,
    flow_changes,
    link_changes,
    numbered,
    port,
    rule_changes,
)
from examples.cloud.accuracy.match import Agreement, Trees
from examples.cloud.accuracy.monitors import monitor_file, monitors
from examples.cloud.accuracy.readers import SECOND
from examples.cloud.plan import Plan
from examples.cloud.rest import Client
from tracer.model import Step

#: A change is printed after it was made, and the printing waits for a processor.
_LATE = 2 * SECOND
_EARLY = SECOND // 20
_RESTORE = re.compile(r"ip6?tables(?:-nft)?-restore|\bnft\b|iptables", re.IGNORECASE)
_SWITCHING = re.compile(r"\bovsdb\b|ovs-vsctl")
_DEVICES = re.compile(r"\bip link\b|\bbrctl\b|veth|bridge|set_device|privsep|plug", re.IGNORECASE)


@dataclass(frozen=True)
class Monitor:
    """A witness: the reader of its lines, and the steps that can cause its changes."""

    title: str
    read: Callable[[str], Iterator[Change]]
    causes: Callable[[Step], bool]


def _text(step: Step) -> str:
    return f"{step.name} {step.attributes.get('arguments', '')}"


def _writes_database(step: Step) -> bool:
    """Return whether it may change the switch's database; libvirtd adds a server's devices by itself."""
    return step.kind == "libvirt" or (step.kind == "command" and bool(_SWITCHING.search(_text(step))))


def _works_on_ports(step: Step) -> bool:
    return step.kind == "call" and bool(step.attributes.get("ports"))


def _writes_rules(step: Step) -> bool:
    return step.kind == "command" and bool(_RESTORE.search(_text(step)))


def _makes_devices(step: Step) -> bool:
    return step.kind == "libvirt" or (step.kind == "command" and bool(_DEVICES.search(_text(step))))


MONITORS = {
    "interfaces": Monitor(
        "OVSDB: interfaces of the switch", lambda text: database_changes(text, "Interface"), _writes_database
    ),
    "ports": Monitor("OVSDB: ports of the switch", lambda text: database_changes(text, "Port"), _writes_database),
    "logical-ports": Monitor(
        "OVSDB: OVN's ports", lambda text: database_changes(text, "Logical_Switch_Port"), _writes_database
    ),
    "port-groups": Monitor(
        "OVSDB: OVN's port groups", lambda text: database_changes(text, "Port_Group"), _writes_database
    ),
    "flows": Monitor("OpenFlow: the switch's flows", flow_changes, _works_on_ports),
    "rules": Monitor("nftables: chains and rules", rule_changes, _writes_rules),
    "links": Monitor("links: devices", link_changes, _makes_devices),
}


def ports_of(client: Client, server: str) -> tuple[list[Port], list[Port]]:
    """Return a server's ports, and all others of the cloud."""
    ports = client.get("neutron", "/v2.0/ports")["ports"]
    own = [port(entry["id"], entry["mac_address"]) for entry in ports if entry["device_id"] == server]
    others = [port(entry["id"], entry["mac_address"]) for entry in ports if entry["device_id"] != server]
    return own, others


def monitor_agreements(plan: Plan, trees: Trees, own: list[Port], others: list[Port]) -> Iterator[Agreement]:
    """Yield each monitor's agreement, and the precision of the steps that name ports."""
    texts = {name: _read(monitor_file(plan, name)) for name in monitors(plan)}
    own, others = (
        numbered(ports, texts.get("interfaces", ""), texts.get("logical-ports", "")) for ports in (own, others)
    )
    for name, text in texts.items():
        yield monitored(MONITORS[name], text, trees, own, others)
    if texts:
        yield named_ports(trees, own, others)


def monitored(monitor: Monitor, text: str, trees: Trees, own: Iterable[Port], others: Iterable[Port]) -> Agreement:
    """Return a monitor's agreement: its changes of the boot's ports, whenever they were made, and those of others."""
    agreement = Agreement(monitor.title)
    names = frozenset[str]().union(*(known.names for known in own))
    foreign = frozenset[str]().union(*(known.names for known in others)) - names
    causes = [step for step in trees.boot.walk() if monitor.causes(step)]
    for change in monitor.read(text):
        if not change.names & names:
            if change.names & foreign and trees.inside(change.time):
                agreement.apart["of another's port"] += 1
            continue
        agreement.witnessed += 1
        if any(_covers(step, change.time) for step in causes):
            agreement.in_tree += 1
        else:
            agreement.missed["no step of the tree can have caused it at that time", change.text] += 1
    return agreement


def named_ports(trees: Trees, own: Iterable[Port], others: Iterable[Port]) -> Agreement:
    """Return the agreement of Neutron with the ports that the tree's steps name: all should be the boot's."""
    agreement = Agreement("ports named by steps: Neutron's API")
    ids, foreign = ({known.id for known in ports} for ports in (own, others))
    for step in trees.boot.walk():
        named = step.attributes.get("ports")
        ports = set(map(str, named)) if isinstance(named, list | tuple) else set()
        if ports & ids:
            agreement.witnessed += 1
            agreement.in_tree += 1
        elif ports & foreign:
            agreement.beyond[f"{step.service}: {step.name} ({step.address}) names another's port"] += 1
    return agreement


def _covers(step: Step, time: int) -> bool:
    return step.start - _EARLY <= time and (step.end is None or time <= step.end + _LATE)


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
