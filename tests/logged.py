"""What logs and message copies in tests/data hold, tied together as ``bootseq ingest`` does it."""

from __future__ import annotations

import tarfile
from pathlib import Path

from tracer.correlate import correlate
from tracer.event import Events
from tracer.model import Boot, Step, Trace
from tracer.sources import found

DATA = Path(__file__).parent / "data"
DIABLO = DATA / "diablo"
SERVICES = ("nova-api.log", "nova-scheduler.log", "nova-compute.log", "nova-network.log")


def trace(*paths: Path) -> Trace:
    """All of them, tied together."""
    events = Events()
    for path in found.expanded(paths):
        one = found.read(path, {}, 0)
        events.events += one.events
        events.processes += one.processes
        events.warnings += one.warnings
    return correlate(events)


def diablo(*names: str) -> Trace:
    """The boot of 2011 from some of its files."""
    return trace(*(DIABLO / name for name in names))


def nova34(folder: Path) -> Path:
    """``folder`` with the logs and copies of Nova 34 in it."""
    with tarfile.open(DATA / "nova34-logs.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def heads(boot: Boot) -> list[tuple[str, str]]:
    """Each chapter's service and name."""
    return [(chapter.service, chapter.name) for chapter in boot.chapters]


def states(boot: Boot, name: str) -> list[object]:
    """The values that a state took one after another."""
    changes = sorted((step for step in boot.walk() if step.kind == "state"), key=lambda step: step.start)
    told = [step.attributes["changes"] for step in changes]
    return [change[name][-1] for change in told if isinstance(change, dict) and name in change]  # type: ignore[index]


def ends(trace: Trace) -> tuple[list[Step], list[Step]]:
    """The messages whose other end is not known: those sent, those taken."""
    rpc = [step for boot in [*trace.boots, *trace.others] for step in boot.walk() if step.kind == "rpc"]
    alone = [
        step
        for step in rpc
        if step.text("side") == "client" and not step.opens and not any(child.kind == "rpc" for child in step.children)
    ]
    return alone, [step for step in rpc if step.text("side") == "server" and not step.tied_by]
