"""The guest of an active instance: what nobody in the cloud sees of it, and who answers its request for an address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.explain.explanation import Next
from tracer.explain.words import shorten
from tracer.model import Request, Step
from tracer.model.patterns import UUID

_PORT = re.compile(rf"Successfully (?:created|updated) port: (?P<port>{UUID})")
_PORT_PATH = re.compile(rf"/v2\.0/ports/(?P<port>{UUID})\Z")
#: What Neutron logs of a port that OVN binds, and of others.
_OVN = re.compile(r"bound_drivers\W+\w+\W+ovn|PortBindingLevel\(driver='ovn'|by drivers ovn on|OVN reports status")
_OTHERS = re.compile(r"bound_drivers\W+\w+\W+\w|PortBindingLevel\(driver='\w|by drivers \w")
#: The instance's only network in Nova's cache of it, with all subnets; and whether DHCP is on in a subnet.
_CACHED = re.compile(
    rf'network_info: \[\{{[^\[]*"network": \{{"id": "(?P<network>{UUID})"[^\[]*'
    r'"subnets": \[(?P<subnets>.*?"enable_dhcp": (?:true|false)[^{}]*\}\})\]'
)
_SUBNET = re.compile(r'"enable_dhcp": (?P<on>true|false)')
#: Nova's question which ports of a network belong to DHCP agents.
_AGENTS_PORTS = re.compile(rf"network_id=(?P<network>{UUID})&device_owner=network(?::|%3A)dhcp\Z")


def unseen(request: Request) -> Iterator[Next]:
    """Yield who owes an active instance's guest its address, or that the trace does not show whether it got it."""
    if request.outcome != "active":
        return
    steps = list(request.walk())
    ports = sorted({port for step in steps for port in _ports(step)})
    if not ports:
        return
    names = f"port{'s' if len(ports) > 1 else ''} {shorten(', '.join(ports), 120)}"
    if len(ports) == 1 and (absent := _nobody(steps, names)):
        yield absent
        return
    text = f"Whether the guest got the address of {names} is not in the trace: {_witness(steps)}; so may its console."
    yield Next(text, f"openstack console log show {request.uuid or 'SERVER'}")


def _ports(step: Step) -> list[str]:
    if step.kind == "log":
        return _PORT.findall(step.text("message"))
    if step.kind != "http" or step.text("method") not in ("PUT", "POST"):
        return []
    match = _PORT_PATH.search(step.text("path"))
    return [match["port"]] if match else []


def _nobody(steps: list[Step], port: str) -> Next | None:
    """Return why no server of the cloud answers a guest's DHCP, None if one may."""
    nothing = f"Nothing answers if the guest asks for the address of {port} by DHCP:"
    off, network = _dhcp(steps)
    if off:
        owed = "the guest's owner owes it the address, or its subnets enable_dhcp."
        text = f"{nothing} DHCP is off in the subnets of its network, so Neutron starts no server; {owed}"
        return Next(text, f"openstack subnet list --long --network {network}")
    if any(step.service == "network-agent" for step in steps) and (network := _without_agent(steps)):
        owed = "Neutron owes it one if DHCP is on in its subnets" if off is None else "Neutron owes it one"
        text = f"{nothing} when Nova asked, no DHCP agent had a port (network:dhcp) in its network; {owed}."
        return Next(text, f"openstack network agent list --network {network}")
    return None


def _dhcp(steps: list[Step]) -> tuple[bool | None, str]:
    """Return whether DHCP is off in all subnets of the network (None: unknown), and the network's id."""
    matches = [match for step in steps if step.kind == "log" and (match := _CACHED.search(step.text("message")))]
    if not matches:
        return None, ""
    return "true" not in _SUBNET.findall(matches[-1]["subnets"]), matches[-1]["network"]


def _without_agent(steps: list[Step]) -> str:
    """Return the network in which Neutron's database has no port of a DHCP agent."""
    for step in steps:
        match = _AGENTS_PORTS.search(step.text("query")) if step.kind == "http" and step.is_server else None
        if match and any(_read_no_port(child) for child in step.children):
            return match["network"]
    return ""


def _read_no_port(step: Step) -> bool:
    tables = step.attributes.get("tables")
    return (
        step.kind == "sql" and step.attributes.get("rows") == 0 and isinstance(tables, list) and "ports" in tables[:1]
    )


def _witness(steps: list[Step]) -> str:
    """Return who answers the guest's requests, as far as the trace shows."""
    lines = [step.text("message") for step in steps if step.kind == "log"]
    if any(_OVN.search(line) for line in lines):
        return "ovn-controller on the guest's host answers it, and would log it (DHCPACK)"
    if any(_OTHERS.search(line) for line in lines):
        return "Neutron's DHCP agent answers it, whose dnsmasq would log it (DHCPACK)"
    return "Neutron's DHCP agent (dnsmasq), or OVN's controller, answers it and would log it (DHCPACK)"
