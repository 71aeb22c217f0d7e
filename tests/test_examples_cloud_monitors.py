"""The monitors of the truth check without a cloud: their lines as changes, and which of them a boot's tree explains."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from examples.cloud.accuracy import changes, monitors, network
from examples.cloud.accuracy.changes import Change, Port
from examples.cloud.accuracy.match import Agreement, Trees
from examples.cloud.plan import Plan
from tests.support.events import EPOCH, TICK, Cloud, Services, run
from tracer.model import Step

OWN, OTHER = "0c0de052-8a3f-4d2f-9d3f-0a1b2c3d4e5f", "77777777-8a3f-4d2f-9d3f-0a1b2c3d4e5f"
MAC, OTHER_MAC = "fa:16:3e:5f:40:65", "fa:16:3e:00:00:07"
ROW = "1dc6584b-577a-403c-8be4-b5cc750f24f2"
HEADINGS = ["row", "action", "name", "ofport", "external_ids"]
IDS = ["map", [["iface-id", OWN], ["attached-mac", MAC]]]


@pytest.fixture
def own() -> Port:
    return changes.port(OWN, MAC)


@pytest.fixture
def other() -> Port:
    return changes.port(OTHER, OTHER_MAC)


def update(time_: int, *rows: list[object]) -> str:
    return f"{time_} {json.dumps({'headings': HEADINGS, 'data': rows})}\n"


INTERFACES = (
    update(1, [ROW, "initial", "br-int", 65534, ["map", []]])
    + update(2, [ROW, "insert", "tap0c0de052-8a", ["set", []], IDS])
    + update(3, [ROW, "old", None, ["set", []], None], ["", "new", "tap0c0de052-8a", 4, IDS])
    + update(4, [ROW, "old", None, None, ["map", []]], ["", "new", "tap0c0de052-8a", 4, IDS])
    + update(5, [ROW, "delete", "tap0c0de052-8a", 4, IDS])
    + "6 2026-11-30T12:55:39Z|00001|fatal_signal|WARN|terminating with signal 15 (Terminated)\n"
    + '7 {"headings": ["row", "acti'
)
FLOWS = """\
1 OFPST_FLOW_MONITOR reply (OF1.4) (xid=0x0):
2  event=INITIAL table=0 cookie=0xcfa1 dl_vlan=4095
3  event=ADDED table=60 cookie=0xcfa1 in_port=4 actions=set_field:0x4->reg5,resubmit(,71)
4  event=ADDED table=72 cookie=0xcfa1 ct_state=-est,reg5=0x4 actions=resubmit(,93)
5  event=DELETED reason=delete table=60 cookie=0xcfa1 dl_vlan=1,dl_dst=fa:16:3e:5f:40:65
6  event=ADDED table=60 cookie=0xcfa1 in_port=40 actions=drop
7 OFPT_ECHO_REQUEST (OF1.4) (xid=0x0): 0 bytes of payload
"""
RULES = """\
1 create chain ip filter neutron-openvswi-i0c0de052-8
2 add rule ip filter neutron-openvswi-o0c0de052-8 counter packets 0 bytes 0 return
3 add rule ip filter INPUT counter packets 0 bytes 0 jump neutron-openvswi-INPUT
4 # new generation 12 by process 4711 (iptables-restor)
"""
LINKS = """\
1 8: tap0c0de052-8a: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default
2 8: tap0c0de052-8a: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN
3 9: qvo0c0de052-8a@qvb0c0de052-8a: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default
4 Deleted 8: tap0c0de052-8a: <BROADCAST,MULTICAST> mtu 1450 qdisc noop state DOWN group default
5 Deleted 12: tap11111111-11: <BROADCAST,MULTICAST> mtu 1450 qdisc noop state DOWN group default
"""


def test_changes_by_clients_of_the_database_are_read() -> None:
    """Not what was there before, nor the number that only the switch writes, nor a line that is cut off."""
    rows = list(changes.database_changes(INTERFACES, "Interface"))
    assert [(change.time, change.text) for change in rows] == [
        (2, "Interface: insert tap0c0de052-8a"),
        (4, "Interface: external_ids of tap0c0de052-8a"),
        (5, "Interface: delete tap0c0de052-8a"),
    ]
    assert all(change.names == {"0c0de052-8a", OWN, MAC, ROW} for change in rows)


def test_flows_name_a_port_by_its_number_and_mac(own: Port) -> None:
    """The number is known from the switch's database."""
    (port,) = changes.numbered([own], INTERFACES)
    named = [change.time for change in changes.flow_changes(FLOWS) if change.names & port.names]
    assert named == [3, 4, 5]
    assert [change.time for change in changes.flow_changes(FLOWS)] == [3, 4, 5, 6]


def test_a_row_of_ovn_is_named_by_its_uuid(own: Port) -> None:
    """A port group lists rows, not ports."""
    logical = json.dumps({"headings": ["row", "action", "name"], "data": [[ROW, "insert", OWN]]})
    group = json.dumps(
        {"headings": ["row", "action", "name", "ports"], "data": [["r2", "insert", "pg", ["uuid", ROW]]]}
    )
    (port,) = changes.numbered([own], "", f"1 {logical}\n")
    (change,) = changes.database_changes(f"2 {group}\n", "Port_Group")
    assert change.names & port.names == {ROW}


def test_rules_name_a_port_by_its_chains(own: Port) -> None:
    """Named after the beginning of its id."""
    assert [change.time for change in changes.rule_changes(RULES) if change.names & own.names] == [1, 2]


def test_devices_appear_and_are_removed_once(own: Port) -> None:
    """The kernel reports further events meanwhile, which we did not cause."""
    texts = [change.text for change in changes.link_changes(LINKS)]
    assert texts == ["new tap0c0de052-8a", "new qvo0c0de052-8a", "removed tap0c0de052-8a"]


def booted(*, ports: str) -> tuple[Trees, int]:
    """Return the trees of a boot with a call about a port, and the time of that call."""
    cloud = Cloud()
    story = Services(cloud).boot()
    for _ in range(9):
        next(story)
    run(story)
    trace = cloud.trace()
    (boot,) = trace.boots
    parent = next(step for step in boot.walk() if step.kind == "rpc")
    start = boot.started + TICK
    call = Step("p/1", "call", "network", "agent:prepare_port_filter", start, start + TICK)
    call.attributes["ports"] = [ports]
    parent.children.append(call)
    return Trees(trace, boot, cloud.events, frozenset({OWN, MAC})), start


def agreement(trees: Trees, change: Change, own: Port, other: Port) -> Agreement:
    monitor = network.Monitor("flows", lambda _: iter([change]), network.MONITORS["flows"].causes)
    return network.monitored(monitor, "", trees, [own], [other])


def test_a_change_of_the_boots_port_needs_a_step_that_can_cause_it(own: Port, other: Port) -> None:
    """At that time; after the boot's end too."""
    trees, start = booted(ports=OWN)
    covered = agreement(trees, Change(start, "flow", frozenset({MAC})), own, other)
    assert (covered.witnessed, covered.in_tree, covered.recall) == (1, 1, 1)
    late = agreement(trees, Change(start + 60 * 10**9, "flow", frozenset({MAC})), own, other)
    assert (late.witnessed, late.in_tree) == (1, 0)
    assert dict(late.missed) == {("no step of the tree can have caused it at that time", "flow"): 1}


def test_a_change_of_another_port_is_not_of_the_boot(own: Port, other: Port) -> None:
    """It is counted apart if it is of the boot's time."""
    trees, start = booted(ports=OWN)
    row = agreement(trees, Change(start, "flow", frozenset({OTHER_MAC})), own, other)
    assert (row.witnessed, dict(row.apart)) == (0, {"of another's port": 1})
    assert not agreement(trees, Change(EPOCH // 2, "flow", frozenset({OTHER_MAC})), own, other).apart


@pytest.mark.parametrize(("ports", "in_tree", "beyond"), [(OWN, 1, 0), (OTHER, 0, 1), ("unknown", 0, 0)])
def test_a_step_about_another_port_lowers_the_precision(
    own: Port, other: Port, ports: str, in_tree: int, beyond: int
) -> None:
    """Nothing of another boot's port belongs into the tree."""
    trees, _ = booted(ports=ports)
    row = network.named_ports(trees, [own], [other])
    assert (row.in_tree, row.beyond.total()) == (in_tree, beyond)
    assert (row.precision < 1) == bool(beyond)


@pytest.mark.parametrize("kind", ["local", "ovs", "hybrid", "ovn"])
def test_every_monitor_has_a_reader(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The OVN controller writes the flows, and it is not a Python program."""
    monkeypatch.setattr(monitors, "find_command", lambda name: name)
    plan = Plan(tmp_path, "34", 15000, "default", echo=False, wrap="", secret="s", networks=kind)
    commands = monitors.monitors(plan)
    assert set(commands) <= set(network.MONITORS)
    assert bool(commands) == (kind != "local")
    assert ("flows" in commands) == (kind in ("ovs", "hybrid"))


def test_a_monitors_lines_are_stamped_until_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the lines that it prints when it is ended."""
    script = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('last', flush=True)))\n"
        "print('first', flush=True)\n"
        "while True: time.sleep(0.1)\n"
    )
    monkeypatch.setattr(monitors, "monitors", lambda _: {"flows": [sys.executable, "-c", script]})
    plan = Plan(tmp_path, "34", 15000, "default", echo=False, wrap="", secret="s", networks="ovs")
    plan.save()
    path = monitors.monitor_file(plan, "flows")
    before = time.time_ns()
    with monitors.watching(plan):
        while "first" not in path.read_text():
            time.sleep(0.01)
    stamps, texts = zip(*(line.split(" ", 1) for line in path.read_text().splitlines()), strict=True)
    assert texts == ("first", "last")
    assert before < int(stamps[0]) < int(stamps[1]) < time.time_ns()


def test_the_stamping_ends_with_its_command() -> None:
    """It leaves no process."""
    command = [sys.executable, str(monitors._STAMPED), "sleep", "60"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not children.read_text():
        time.sleep(0.01)
    child = children.read_text().strip()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert not Path(f"/proc/{child}").exists()
