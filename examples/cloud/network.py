"""The cloud's remains in the machine's network: devices of servers, and firewall rules."""

import re
import subprocess
from pathlib import Path

from examples.cloud.packages import find_command
from examples.cloud.plan import Plan

TAP = re.compile(r"<target dev='(tap[^']+)'")
# The agent's chains, named after its program, and its sets of addresses.
AGENT_CHAIN = re.compile(r"\bneutron-(?:openvswi|filter|postrouting)-[\w-]+")
AGENT_SET = re.compile(r"^N(?:IPv4|IPv6)[0-9a-f-]+$", re.MULTILINE)
# Devices that the plugin of Open vSwitch makes for each port: a bridge for iptables' rules, and a veth pair.
HYBRID_DEVICE = re.compile(r"qbr|qvo")
# The bridge plugin of Nova 29 names its chains after the program; later releases have no such plugin.
BRIDGES_UNTIL = 29
CHAIN = re.compile(r"\bnova-(?:compute|filter|postrouting)-[\w-]+")
BRIDGE = re.compile(r"-A nova-compute-FORWARD -i (brq\S+)")


def makes_bridges(plan: Plan) -> bool:
    return int(plan.release) <= BRIDGES_UNTIL


def clean_network(plan: Plan) -> None:
    """Remove the remains once no domain runs. The taps are in the definitions, also of servers that are shut off."""
    for path in (plan.state / "libvirt" / "etc" / "qemu").glob("*.xml"):
        for tap in TAP.findall(path.read_text()):
            remove_device(tap)
    if makes_bridges(plan):
        rules = _run("iptables-save")
        for bridge in BRIDGE.findall(rules):
            remove_device(bridge)
        _run("iptables-restore", "--noflush", text=removal(rules, CHAIN))


def clean_firewall() -> None:
    """Remove what Neutron's agent and the plugin of Open vSwitch leave: rules, sets of addresses and bridges."""
    for version in ("", "6"):
        rules = _run(f"ip{version}tables-save")
        if AGENT_CHAIN.search(rules):
            _run(f"ip{version}tables-restore", "--noflush", text=removal(rules, AGENT_CHAIN))
    for name in AGENT_SET.findall(_run("ipset", "list", "-name")):
        _run("ipset", "destroy", name)
    for path in Path("/sys/class/net").iterdir():
        if HYBRID_DEVICE.match(path.name):
            remove_device(path.name)


def removal(rules: str, chain: re.Pattern[str]) -> str:
    """Return the input for iptables-restore that removes the chains that match, and leaves everything else."""
    lines = []
    for table in re.findall(r"^\*.*?^COMMIT$", rules, re.MULTILINE | re.DOTALL):
        name, *rest = table.splitlines()
        chains = [line[1:].split()[0] for line in rest if line.startswith(":") and chain.match(line[1:])]
        jumps = [line.replace("-A", "-D", 1) for line in rest if line.startswith("-A") and chain.search(line)]
        lines += [name, *jumps, *(f"-X {chain}" for chain in chains), "COMMIT"]
    return "\n".join([*lines, ""])


def remove_device(name: str) -> None:
    """Remove a network device, which may be gone already."""
    if Path("/sys/class/net", name).exists():
        _run("ip", "link", "delete", name)


def _run(command: str, *arguments: str, text: str = "") -> str:
    """Run a command, which may fail if its object is gone already."""
    done = subprocess.run(
        [find_command(command), *arguments], check=False, input=text, stdout=subprocess.PIPE, text=True
    )
    return done.stdout
