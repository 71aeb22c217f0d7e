"""The CPU that hooks add to an agent of Neutron: a second of its idle loop, and the parts of a run for a port."""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from tests.bench.row import Row

ROUNDS = 7
#: What a real idle agent at DEBUG recorded a second, over 55 s: 600 log lines, 3 runs without a port.
LINES_A_SECOND, RUNS_A_SECOND = 11.0, 0.06
_BUDGET = 2.0  # percent of one CPU
_AGENT = "neutron.plugins.ml2.drivers.openvswitch.agent.ovs_neutron_agent"
_PORT = "f45890a0-774e-4ed0-8f0b-6b8a31ed6e2d"


class OVSNeutronAgent:
    """The agent's methods, which do nothing here."""

    def process_port_info(self, *_arguments: Any) -> tuple[Any, ...]:
        return ({"current": {_PORT}, "added": set(), "removed": set(), "updated": set()}, {}, 0, set())

    def process_network_ports(self, _port_info: Any, _provisioning_needed: bool) -> None:
        """Wire ports."""


class Transaction:
    """A transaction of ovsdbapp that is carried out at once."""

    def __init__(self) -> None:
        columns = (("external_ids", {"iface-id": _PORT, "attached-mac": "fa:16:3e:79:b0:f1"}),)
        self.commands = [SimpleNamespace(table="Interface", record="tapf45890a0-77", col_values=columns)]

    def commit(self) -> None:
        self.do_commit()

    def do_commit(self) -> None:
        """Do nothing."""


def run() -> Iterable[Row]:
    """Measure each part with and without hooks; the best round counts."""
    logger = logging.getLogger("bench.agent")
    logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.DEBUG)
    agent, transaction, info = OVSNeutronAgent(), Transaction(), {"added": {_PORT}, "updated": set()}
    parts: dict[str, Callable[[], object]] = {
        "log line": lambda: logger.debug("Agent rpc_loop - iteration:%d started", 7),
        "look for ports, none changed": lambda: agent.process_port_info(0, None, False),
        "run with a port": lambda: agent.process_network_ports(info, False),
        "OVSDB transaction": lambda: transaction.commit(),  # noqa: PLW0108 - looked up after the hooks came
    }
    added = {name: _best(work, hooked=True) - _best(work, hooked=False) for name, work in parts.items()}
    for name, spent in added.items():
        yield Row(f"{name}: bootseq adds", spent, "µs")
    second = added["log line"] * LINES_A_SECOND + added["look for ports, none changed"] * RUNS_A_SECOND
    percent = second / 10_000
    yield Row("idle agent: bootseq adds", percent, "% CPU", percent / _BUDGET, f"its budget of {_BUDGET:g} %")


def _best(work: Callable[[], object], *, hooked: bool) -> float:
    """Return the microseconds of CPU of one piece of work."""
    best = float("inf")
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder, _hooks(Path(folder), hooked):
            for _ in range(100):
                work()
            began = time.process_time_ns()
            for _ in range(2_000):
                work()
            best = min(best, (time.process_time_ns() - began) / 2_000 / 1_000)
    return best


@contextmanager
def _hooks(folder: Path, hooked: bool) -> Iterator[None]:
    import patches

    with _module(_AGENT, OVSNeutronAgent), _module("ovsdbapp.backend.ovs_idl.transaction", Transaction):
        if hooked:
            options = {"segment_size": 64 << 20, "cap": 1 << 30, "hooks": ["ports", "ovsdb", "logs"], "ask": []}
            patches.install(str(folder), options)
        try:
            yield
        finally:
            if hooked:
                patches.uninstall()


@contextmanager
def _module(name: str, owner: type) -> Iterator[None]:
    """Put a module with the class in place of the library's."""
    module = ModuleType(name)
    owner.__module__ = name
    setattr(module, owner.__name__, owner)
    sys.modules[name] = module
    try:
        yield
    finally:
        del sys.modules[name]
