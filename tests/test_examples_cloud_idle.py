"""The CPU of idle services: shares of processes, and the table of a cloud's."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from examples.cloud import idle
from tracer.attach import processes
from tracer.attach.processes import Process

BUSY = "print(flush=True)\nwhile True: pass"
IDLE = "import time\nprint(flush=True)\ntime.sleep(60)"


@pytest.fixture
def services() -> Iterator[list[Process]]:
    """A process that computes and one that sleeps."""
    started = [subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE) for text in (BUSY, IDLE)]
    try:
        wanted = []
        for name, child in zip(("busy", "idle"), started, strict=True):
            assert child.stdout is not None
            child.stdout.readline()
            process = processes.read(child.pid)
            assert process is not None
            wanted.append(replace(process, service=name))
        yield wanted
    finally:
        for child in started:
            child.kill()
            child.communicate()


def test_a_share_is_of_one_cpu(services: list[Process]) -> None:
    """The busy process has as much of it as other programs leave."""
    shares = dict(idle._shares(services, 0.5))
    assert 1 < shares["busy"] < 110
    assert shares["idle"] < 1


def test_the_table_has_medians_and_the_busiest_service_first() -> None:
    rows = [
        idle.Row("nova-compute", 1, [0.5, 0.7, 9.0], [0.9, 0.8, 0.6]),
        idle.Row("neutron-openvswitch-agent", 4, [2.0], [2.5]),
    ]
    assert idle.table(rows).splitlines()[2:] == [
        "| neutron-openvswitch-agent | 4 | 2.00 | 2.50 | +0.50 |",
        "| nova-compute | 1 | 0.70 | 0.80 | +0.10 |",
    ]
