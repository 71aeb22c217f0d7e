"""Boots of three releases, in one process and in several, against counts measured by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from examples.embedded import EmbeddedCloud, boot_in_one_process
from tracer import trace_file
from tracer.cli import main
from tracer.model import Request, Step

pytestmark = pytest.mark.slow

#: Statements of one boot in one process, without those of SQLAlchemy itself and of heartbeats.
STATEMENTS = {"34": 150, "32": 148, "29": 145}
NOT_NOVAS = ("BEGIN", "SAVEPOINT", "RELEASE", "PRAGMA", "ROLLBACK")


def ingest(tmp_path: Path) -> Request:
    """Ingest the capture in ``tmp_path``, and return its only boot."""
    file = tmp_path / "boot.trace.jsonl"
    outcome = CliRunner().invoke(main, ["ingest", "-o", str(file), str(tmp_path / "cap")])
    assert outcome.exit_code == 0, outcome.output
    (boot,) = trace_file.read(file).boots
    return boot


def nova_statements(boot: Request) -> list[Step]:
    """Return the statements that Nova and Placement themselves issued."""
    return [
        step
        for step in boot.walk()
        if step.kind == "sql" and step.text("verb") not in NOT_NOVAS and step.text("statement").strip() != "SELECT 1"
    ]


def count_sent(boot: Request, *modes: str) -> int:
    """Count the messages sent in these modes."""
    return sum(
        step.kind == "rpc" and step.text("side") == "client" and step.text("mode") in modes for step in boot.walk()
    )


@pytest.mark.parametrize("release", STATEMENTS)
def test_a_boot_in_one_process_has_the_measured_counts(release: str, tmp_path: Path) -> None:
    """SQL, RPC and requests to Placement as counted without bootseq; heartbeats are excluded by name."""
    boot_in_one_process(release, tmp_path / "state", capture=tmp_path / "cap", driver="fake")
    boot = ingest(tmp_path)
    assert boot.outcome == "active"
    assert len(nova_statements(boot)) == STATEMENTS[release]
    assert (count_sent(boot, "call"), count_sent(boot, "cast", "fanout")) == (1, 3)
    to_placement = [
        s for s in boot.walk() if s.kind == "http" and s.text("side") == "client" and s.text("peer") == "placement"
    ]
    assert len(to_placement) == 6
    assert [chapter.service for chapter in boot.chapters] == ["client", "conductor", "compute", "scheduler"]


@pytest.mark.parametrize("threads", ["native", "eventlet"])
def test_libvirt_calls_are_below_spawn(threads: str, tmp_path: Path) -> None:
    """On native threads and on eventlet."""
    boot_in_one_process("34", tmp_path / "state", capture=tmp_path / "cap", driver="libvirt", threads=threads)
    boot = ingest(tmp_path)
    spawn = next(step for step in boot.walk() if step.name == "nova.virt.libvirt.driver:LibvirtDriver.spawn")
    below = [step.name for step in spawn.walk() if step.kind == "libvirt"]
    assert below.index("virConnect.defineXML") < below.index("virDomain.createWithFlags")
    everything = [step for step in boot.walk() if step.kind == "libvirt"]
    assert len(everything) >= 13


@pytest.mark.parametrize("release", ["32", "29"])
def test_older_releases_in_separate_processes_have_the_same_chapters(release: str, tmp_path: Path) -> None:
    """On eventlet where that is the release's default; 13 or 14 calls with both ends."""
    with EmbeddedCloud(release, tmp_path / "state", capture=tmp_path / "cap") as cloud:
        cloud.boot("vm")
    boot = ingest(tmp_path)
    assert boot.outcome == "active"
    assert [chapter.service for chapter in boot.chapters] == ["client", "conductor", "compute", "scheduler"]
    assert 13 <= count_sent(boot, "call") <= 14
    assert count_sent(boot, "cast", "fanout") == 3
    calls = [s for s in boot.walk() if s.kind == "rpc" and s.text("mode") == "call" and s.text("side") == "client"]
    assert all(any(child.text("side") == "server" for child in step.children) for step in calls)
