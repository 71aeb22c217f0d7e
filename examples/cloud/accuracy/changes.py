"""The monitors' lines as changes, each with the names by which it refers to ports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

#: A port's devices are called so, followed by the beginning of the port's id; so are its chains.
_DEVICE = re.compile(r"(?:tap|qvo|qvb|qbr)([0-9a-f]{8}-[0-9a-f]{2})\b")
_CHAIN = re.compile(r"\bneutron-openvswi-[ios]([0-9a-f]{8}-[0-9a-f])\b")
_MAC = re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b")
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
#: The number of a port at the switch: where a packet comes from, and the register of Neutron's firewall.
_NUMBER = re.compile(r"\b(?:in_port|reg5)=(0x[0-9a-f]+|\d+)")
_LINK = re.compile(r"(?P<deleted>Deleted )?\d+: (?P<name>[^:@\s]+)[@:]")
_FLOW = re.compile(r"event=(?:ADDED|MODIFIED|DELETED)\b.*")
_RULE = re.compile(r"(?:add|create|insert|replace|delete|destroy) (?:chain|rule) .*")
#: What only the switch itself writes.
_REPORTED = frozenset({"ofport"})


@dataclass(frozen=True)
class Port:
    """A port of Neutron, with all names by which a change may refer to it."""

    id: str
    mac: str
    names: frozenset[str]


@dataclass(frozen=True)
class Change:
    """A change at a time, in nanoseconds since the epoch."""

    time: int
    text: str
    names: frozenset[str]


def port(id_: str, mac: str) -> Port:
    return Port(id_, mac, frozenset({id_, mac, id_[:11], id_[:10]}))


def numbered(ports: list[Port], interfaces: str, rows: str = "") -> list[Port]:
    """Return the ports with their numbers at the switch, and with the uuids of their rows in OVN's database."""
    more: dict[str, set[str]] = {known.id: set() for known in ports}
    for _, row in _rows(interfaces):
        number = row.get("ofport")
        if isinstance(number, int) and number > 0:
            _learn(ports, more, row, f"number {number}")
    for uuid, row in _rows(rows):
        _learn(ports, more, row, uuid)
    return [replace(known, names=known.names | more[known.id]) for known in ports]


def _learn(ports: list[Port], more: dict[str, set[str]], row: Mapping[str, Any], name: str) -> None:
    for known in ports:
        if known.names & _names(json.dumps(row)):
            more[known.id].add(name)


def database_changes(text: str, table: str) -> Iterator[Change]:
    """Yield the changes of rows by clients: those that the switch itself reports are left out."""
    for time, line in _lines(text):
        before: Mapping[str, Any] = {}
        for uuid, action, row in _updates(line):
            if action == "old":
                before = row | {"uuid": uuid}
            elif action == "new":
                columns = sorted(name for name, value in before.items() if name != "uuid" and value is not None)
                if set(columns) - _REPORTED:
                    yield _row_change(time, table, f"{','.join(columns)} of", row, str(before["uuid"]))
            elif action in ("insert", "delete"):
                yield _row_change(time, table, action, row, uuid)


def _row_change(time: int, table: str, what: str, row: Mapping[str, Any], uuid: str) -> Change:
    return Change(time, f"{table}: {what} {row.get('name', uuid)}", _names(json.dumps(row)) | {uuid})


def flow_changes(text: str) -> Iterator[Change]:
    for time, line in _lines(text):
        if match := _FLOW.search(line):
            numbers = frozenset(f"number {int(number, 0)}" for number in _NUMBER.findall(line))
            yield Change(time, match[0], _names(line) | numbers)


def rule_changes(text: str) -> Iterator[Change]:
    for time, line in _lines(text):
        if match := _RULE.match(line):
            yield Change(time, match[0][:120], _names(line))


def link_changes(text: str) -> Iterator[Change]:
    """Yield a device's appearance and its removal; what the kernel reports of it meanwhile is left out."""
    present: set[str] = set()
    for time, line in _lines(text):
        match = _LINK.match(line)
        if match is None or (match["name"] in present) != bool(match["deleted"]):
            continue
        present ^= {match["name"]}
        yield Change(time, f"{'removed' if match['deleted'] else 'new'} {match['name']}", _names(match["name"]))


def _names(text: str) -> frozenset[str]:
    patterns = (_DEVICE, _CHAIN, _MAC, _UUID)
    return frozenset(name for pattern in patterns for name in pattern.findall(text))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield time and text of each line; a monitor's last line may be cut off."""
    for line in text.splitlines():
        time, _, rest = line.partition(" ")
        if time.isdigit():
            yield int(time), rest.strip()


def _rows(text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the rows of all updates with their uuids."""
    for _, line in _lines(text):
        last = ""
        for uuid, action, row in _updates(line):
            last = uuid or last
            if action != "old":
                yield last, row


def _updates(line: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield uuid, action and columns of the rows of one update; a row that changed comes as "old" and "new"."""
    try:
        table = json.loads(line)
    except ValueError:
        return
    columns = table["headings"][2:]
    for uuid, action, *values in table["data"]:
        yield uuid, action, dict(zip(columns, values, strict=True))
