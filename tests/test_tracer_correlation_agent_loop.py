"""Runs of an agent's loop: the boot whose port alone one works on has what it logs, of two boots neither has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracer import trace_file
from tracer.cli import main
from tracer.model import Request

Ingest = Callable[..., list[Request]]

LOOP = "[None req-0f42ff5e-b532-4440-a87c-89633085c0ae - - - - - -]"
AGENT = "neutron.plugins.ml2.drivers.openvswitch.agent.ovs_neutron_agent"
SERVERS = [f"{number}1111111-4c93-4257-b1e1-a97407e9c85d" for number in range(1, 3)]
PORTS = [f"{number}aaaaaaa-2c93-4257-b1e1-a97407e9c85d" for number in range(1, 3)]
OTHER_PORT = "9bbbbbbb-2c93-4257-b1e1-a97407e9c85d"


def boot_lines(number: int) -> list[str]:
    """Return what compute logs of a boot from 10:00:00 to 10:00:20."""
    ids = f"[None req-{number}0000000-4c93-4257-b1e1-a97407e9c85d user project - - default default]"
    bracket = f"[instance: {SERVERS[number]}]"
    created = f"Successfully created port: {PORTS[number]} _create_port_minimal /x.py:1"
    built = "Took 20.00 seconds to build instance."
    return [
        f"2026-11-29 10:00:00.{number}00 7 INFO nova.compute.claims {ids} {bracket} Claim successful on node h1",
        f"2026-11-29 10:00:02.{number}00 7 DEBUG nova.network.neutron {ids} {bracket} {created}",
        f"2026-11-29 10:00:20.{number}00 7 INFO nova.compute.manager {ids} {bracket} {built}",
    ]


def run_lines(second: int, *messages: str) -> list[str]:
    """Return what an agent logs of one run of its loop."""
    lines = [
        f"Agent rpc_loop - iteration:{second} started",
        *messages,
        f"Agent rpc_loop - iteration:{second} completed.",
    ]
    return [
        f"2026-11-29 10:00:{second:02}.{index:03} 9 INFO {AGENT} {LOOP} {line}" for index, line in enumerate(lines)
    ]  # fmt: skip


def updated(port: str) -> str:
    return f"Port {port} updated. Details: {{'device': '{port}', 'network_id': '7cccccc0-2c93-4257-b1e1-a97407e9c85d'}}"


VLAN = "Assigning 3 as local vlan for net-id=7cccccc0-2c93-4257-b1e1-a97407e9c85d, seg-id=802"


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    def run(*runs: list[str]) -> list[Request]:
        compute = sorted([*boot_lines(0), *boot_lines(1)])
        (tmp_path / "nova-compute.log").write_text("".join(f"{line}\n" for line in compute))
        agent = [line for lines in runs for line in lines]
        (tmp_path / "neutron-openvswitch-agent.log").write_text("".join(f"{line}\n" for line in agent))
        path = tmp_path / "trace.jsonl"
        result = CliRunner().invoke(main, ["ingest", "-o", str(path), *map(str, tmp_path.glob("*.log"))])
        assert result.exit_code == 0, result.stderr
        return trace_file.read(path).boots

    return run


def agent_lines(boot: Request) -> list[str]:
    return [step.text("message") for step in boot.walk() if step.kind == "log" and step.service.startswith("network")]


def test_a_run_for_a_boots_port_is_the_boots(ingest: Ingest) -> None:
    done = f"Configuration for devices up ['{PORTS[0]}'] and devices down [] completed."
    first, second = ingest(run_lines(5, updated(PORTS[0]), VLAN, done), run_lines(7))
    assert agent_lines(first) == [updated(PORTS[0]), VLAN, done]
    assert [chapter.tied_by for chapter in first.chapters if chapter.service.startswith("network")] == ["port"]
    assert agent_lines(second) == []


def test_of_a_run_for_two_boots_each_has_the_lines_about_its_port(ingest: Ingest) -> None:
    first, second = ingest(run_lines(5, updated(PORTS[0]), VLAN, updated(PORTS[1]), VLAN))
    assert agent_lines(first) == [updated(PORTS[0])]
    assert agent_lines(second) == [updated(PORTS[1])]


def test_of_a_run_for_a_port_that_is_no_boots_only_lines_about_the_boots_are_taken(ingest: Ingest) -> None:
    first, second = ingest(run_lines(5, updated(PORTS[0]), VLAN, updated(OTHER_PORT), updated(PORTS[0])))
    assert agent_lines(first) == [updated(PORTS[0])] * 2
    assert agent_lines(second) == []


def test_a_line_about_both_ports_is_no_boots(ingest: Ingest) -> None:
    both = f"Preparing filters for devices {{'{PORTS[0]}', '{PORTS[1]}'}}"
    first, second = ingest(run_lines(5, both, VLAN))
    assert agent_lines(first) + agent_lines(second) == []


def test_a_run_with_a_line_about_both_ports_is_no_boots(ingest: Ingest) -> None:
    both = f"Preparing filters for devices {{'{PORTS[0]}', '{PORTS[1]}'}}"
    first, second = ingest(run_lines(5, updated(PORTS[0]), both, VLAN, updated(PORTS[0])))
    assert agent_lines(first) == [updated(PORTS[0])] * 2
    assert agent_lines(second) == []


def test_the_list_of_all_ports_on_the_host_is_no_work(ingest: Ingest) -> None:
    known = f"Starting to process devices in:{{'current': {{'{PORTS[0]}', '{PORTS[1]}'}}, 'added': {{'{PORTS[0]}'}}}}"
    first, second = ingest(run_lines(5, known, updated(PORTS[0]), VLAN, updated(PORTS[0])))
    assert agent_lines(first) == [updated(PORTS[0]), VLAN, updated(PORTS[0])]
    assert agent_lines(second) == []


def test_interfaces_name_their_port(ingest: Ingest) -> None:
    line = f"2026-11-29 10:00:05.100 9 DEBUG ovsdbapp.backend.ovs_idl.transaction [-] Running txn n=1 command(idx=0): \
DbSetCommand(table=Port, record=tap{PORTS[1][:11]}) do_commit /x.py:95"
    first, second = ingest([line])
    assert agent_lines(first) == []
    assert len(agent_lines(second)) == 1
