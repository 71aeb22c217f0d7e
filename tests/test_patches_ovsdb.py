"""OVSDB: a transaction is recorded with what its commands name, and its execution in another thread below it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from patches import ovsdb
from tests.support.recording import failing, inside_step, recording, standing_in

PORT, OTHER = "f45890a0-774e-4ed0-8f0b-6b8a31ed6e2d", "0deb20c4-1377-4d29-b3b7-083d06988686"
MAC = "fa:16:3e:79:b0:f1"


class Command:
    """A command of ovsdbapp: its arguments are its attributes."""

    def __init__(self, **fields: Any) -> None:
        self.api = object()
        vars(self).update(fields)


class AddPortCommand(Command):
    """A command that adds a port to a bridge."""


class DbSetCommand(Command):
    """A command that sets columns."""


class SetLSwitchPortCommand(Command):
    """A command of OVN's."""


class Transaction:
    """A transaction as ovsdbapp has it: a thread of the connection's carries it out."""

    def __init__(self, *commands: Any, error: Exception | None = None) -> None:
        self.commands = list(commands)
        self.results: queue.Queue[Any] = queue.Queue(1)
        self.error = error

    def commit(self) -> Any:
        thread = threading.Thread(target=lambda: self.results.put(self.do_commit()))
        thread.start()
        result = self.results.get(timeout=30)
        thread.join()
        if self.error is not None:
            raise self.error
        return result

    def do_commit(self) -> list[str]:
        return [type(command).__name__ for command in self.commands]


@pytest.fixture
def _ovsdbapp() -> Iterator[None]:
    with standing_in("ovsdbapp.backend.ovs_idl.transaction", Transaction=Transaction):
        yield


pytestmark = pytest.mark.usefixtures("_ovsdbapp")


def test_a_transaction_names_commands_tables_records_and_columns(tmp_path: Path) -> None:
    ids = {"iface-id": PORT, "attached-mac": MAC, "vm-uuid": "geheim"}
    with recording(tmp_path, "ovsdb") as recorded, inside_step() as step:
        transaction = Transaction(
            AddPortCommand(bridge="br-int", port="tapf45890a0-77", may_exist=True),
            DbSetCommand(table="Interface", record="tapf45890a0-77", col_values=(("external_ids", ids),)),
            DbSetCommand(table="Port", record=UUID(OTHER), col_values={"tag": 1, "vlan_mode": "geheim"}.items()),
        )
        assert transaction.commit() == ["AddPortCommand", "DbSetCommand", "DbSetCommand"]
        event = recorded.single("command")
    assert (event.name, event.parent, event.error) == ("ovsdb", step, None)
    assert event.attributes == {
        "via": "ovsdbapp",
        "arguments": [
            "ovsdb",
            "AddPortCommand bridge=br-int port=tapf45890a0-77",
            "DbSetCommand table=Interface record=tapf45890a0-77 columns=external_ids",
            f"DbSetCommand table=Port record={OTHER} columns=tag,vlan_mode",
        ],
        "ports": [PORT],
        "macs": [MAC],
    }
    assert not [path for path in (tmp_path / "segments").iterdir() if b"geheim" in path.read_bytes()]


def test_the_execution_in_the_connections_thread_is_below_the_transaction(tmp_path: Path) -> None:
    with recording(tmp_path, "ovsdb") as recorded, inside_step():
        Transaction(AddPortCommand(bridge="br-int", port="tap1")).commit()
        commit, carried_out = recorded.single("command"), recorded.single("handoff")
    assert carried_out.parent == commit.number
    assert carried_out.thread != commit.thread
    assert commit.start <= carried_out.start <= (carried_out.end or 0) <= (commit.end or 0)
    assert carried_out.attributes["function"] == "Transaction.do_commit"


def test_an_execution_that_nobody_waits_for_is_not_recorded(tmp_path: Path) -> None:
    with recording(tmp_path, "ovsdb") as recorded:
        assert Transaction(AddPortCommand(port="tap1")).do_commit() == ["AddPortCommand"]
        assert recorded.events() == []


def test_a_port_of_ovns_database_is_named_by_its_record(tmp_path: Path) -> None:
    with recording(tmp_path, "ovsdb") as recorded:
        Transaction(
            SetLSwitchPortCommand(lport=PORT, columns={"external_ids": {"neutron:device_id": "x"}, "up": True}),
            DbSetCommand(table="Logical_Switch_Port", record=OTHER, col_values=()),
            Command(port_group="neutron_pg_drop", lsp=[PORT, OTHER, "localport"]),
        ).commit()
        event = recorded.single("command")
    assert event.attributes["ports"] == [PORT, OTHER]
    assert "macs" not in event.attributes
    assert event.attributes["arguments"][1] == f"SetLSwitchPortCommand lport={PORT} columns=external_ids,up"  # type: ignore[index]


def test_of_many_commands_the_first_are_recorded_and_the_ports_of_all(tmp_path: Path) -> None:
    commands = [DbSetCommand(table="Port", record=f"tap{number}", col_values=()) for number in range(40)]
    with recording(tmp_path, "ovsdb") as recorded:
        Transaction(*commands, SetLSwitchPortCommand(lport=PORT)).commit()
        event = recorded.single("command")
    arguments = event.attributes["arguments"]
    assert isinstance(arguments, list)
    assert len(arguments) == 1 + ovsdb.MAX_COMMANDS + 1
    assert arguments[-1] == "… 41 in all"
    assert event.attributes["ports"] == [PORT]


def test_an_error_leaves_the_transaction_and_nothing_waits_any_more(tmp_path: Path) -> None:
    with recording(tmp_path, "ovsdb") as recorded:
        with pytest.raises(TimeoutError, match="Result queue"):
            Transaction(AddPortCommand(port="tap1"), error=TimeoutError("Result queue is empty")).commit()
        event = recorded.single("command")
        assert ovsdb._waiting == {}
    assert event.error == "TimeoutError: Result queue is empty"


def test_the_host_does_not_notice_a_hook_that_fails(tmp_path: Path) -> None:
    with recording(tmp_path, "ovsdb"), failing():
        assert Transaction(AddPortCommand(port="tap1")).commit() == ["AddPortCommand"]
