"""Changes by pyroute2, as the commands of iproute2 that would make them: both of its generations, in a real kernel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from examples.embedded.release import environment, find_release
from tests.support.subprocess_python import elsewhere
from tracer.sources.hooks import segments

#: Links of a new network namespace; the caller's stays as it is.
_PROGRAM = """
import ctypes
assert ctypes.CDLL(None).unshare(0x40000000) == 0
import patches
from patches import recorder
patches.install(sys.argv[1], {"segment_size": 1 << 20, "cap": 1 << 26, "hooks": ["netlink"], "ask": []})
import pyroute2
from pyroute2 import iproute

def number(name):
    with iproute.IPRoute() as ip:
        return ip.link_lookup(ifname=name)[0]

def step(name, work):
    number = recorder.begin("call", name)
    recorder.current.set(number)
    try:
        with iproute.IPRoute() as ip:
            return work(ip)
    finally:
        recorder.current.set(0)
        recorder.finish(number)

def plug(ip):
    ip.link("add", ifname="tap0", kind="veth", peer="tap1")
    ip.link("set", index=number("tap0"), mtu=1400, state="up")
    ip.addr("add", index=number("tap0"), address="10.9.9.1", mask=24)
    return len(ip.link("get", index=number("tap0"))), len(list(ip.get_links()))

def unplug(ip):
    ip.link("del", index=link)
    try:
        ip.link("del", index=link)
    except pyroute2.NetlinkError as error:
        return error.code

link = 0
answer = [*step("plug", plug)]
link = number("tap0")
answer.append(step("unplug", unplug))
answer.append(patches.uninstall())
"""


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change links")
@pytest.mark.parametrize("release", ["29", "34"])
def test_changes_are_the_commands_that_would_make_them(tmp_path: Path, release: str) -> None:
    """A link has the name by which the same step looked it up, else its number; reads and lookups are not commands."""
    answer = elsewhere(_PROGRAM, tmp_path, python=str(environment(find_release(release))))
    assert answer == [1, 3, 19, []]
    events = sorted(segments.read(tmp_path).events, key=lambda event: event.number)
    commands = [event for event in events if event.kind == "command"]
    lines = [" ".join(map(str, event.attributes["arguments"])) for event in commands]  # type: ignore[arg-type]
    number = lines[-1].split()[-1]
    assert number.isdigit()
    assert lines == [
        "ip link add dev tap0 kind veth peer tap1",
        "ip link set dev tap0 mtu 1400 state up",
        "ip addr add dev tap0 address 10.9.9.1 mask 24",
        f"ip link del dev {number}",
        f"ip link del dev {number}",
    ]
    assert [event.name for event in commands[:3]] == ["ip link add", "ip link set", "ip addr add"]
    assert [event.error for event in commands] == [None] * 4 + ["NetlinkError: No such device"]
    plugged, unplugged = (event.number for event in events if event.kind == "call")
    assert [event.parent for event in commands] == [plugged] * 3 + [unplugged] * 2
