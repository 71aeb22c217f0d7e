"""The guest of an active instance: what nobody in the cloud sees of it, and who would have witnessed it."""

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


def unseen(request: Request) -> Iterator[Next]:
    """Yield that the trace does not show whether an active instance's guest got its address, and who would know."""
    if request.outcome != "active":
        return
    steps = list(request.walk())
    ports = sorted({port for step in steps for port in _ports(step)})
    if not ports:
        return
    names = f"port{'s' if len(ports) > 1 else ''} {shorten(', '.join(ports), 120)}"
    text = f"Whether the guest got the address of {names} is not in the trace: {_witness(steps)}; so may its console."
    yield Next(text, f"openstack console log show {request.uuid or 'SERVER'}")


def _ports(step: Step) -> list[str]:
    if step.kind == "log":
        return _PORT.findall(step.text("message"))
    if step.kind != "http" or step.text("method") not in ("PUT", "POST"):
        return []
    match = _PORT_PATH.search(step.text("path"))
    return [match["port"]] if match else []


def _witness(steps: list[Step]) -> str:
    """Return who answers the guest's requests, as far as the trace shows."""
    lines = [step.text("message") for step in steps if step.kind == "log"]
    if any(_OVN.search(line) for line in lines):
        return "ovn-controller on the guest's host answers it, and would log it (DHCPACK)"
    if any(_OTHERS.search(line) for line in lines):
        return "Neutron's DHCP agent answers it, whose dnsmasq would log it (DHCPACK)"
    return "Neutron's DHCP agent (dnsmasq), or OVN's controller, answers it and would log it (DHCPACK)"
