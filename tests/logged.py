"""What logs and message copies in tests/data hold, tied together as ``bootseq ingest`` does it."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from tracer.correlate import correlate
from tracer.event import Events
from tracer.model import Boot, Step, Trace
from tracer.sources import found
from tracer.sources.logs.forms import Hints

DATA = Path(__file__).parent / "data"
DIABLO = DATA / "diablo"
SERVICES = ("nova-api.log", "nova-scheduler.log", "nova-compute.log", "nova-network.log")


def trace(*paths: Path) -> Trace:
    """All of them, tied together."""
    events = Events()
    for path in found.expanded(paths):
        one = found.read(path, {}, Hints())
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


def at_once(folder: Path, into: Path, boots: int, apart: int) -> Path:
    """``into`` with logs of that many of the boots in ``folder``, each begun ``apart`` milliseconds after the last."""
    for path in sorted(folder.glob("*.log")):
        lines = sorted(each for boot in range(boots) for each in _later(path.read_text(), boot, apart))
        (into / path.name).write_text("".join(text for *_, text in lines))
    return into


def _later(text: str, boot: int, apart: int) -> Iterator[tuple[datetime, int, int, str]]:
    """The records of a log with ids of their own, at their times."""
    text = re.sub(
        r"(?<=\breq-)[0-9a-f]{4}|(?<=\b[0-9a-f]{28})[0-9a-f]{4}\b", lambda found: _other(found[0], boot), text
    )
    text = text.replace("d7dc3b0e-3225", f"d7dc{boot:04x}-3225")
    for place, record in enumerate(re.split(r"^(?=2026-11-22 \d\d:\d\d:\d\d\.\d{3} )", text, flags=re.MULTILINE)):
        if record.startswith("2026"):
            when = datetime.fromisoformat(record[:23]) + timedelta(milliseconds=apart * boot)
            yield when, boot, place, when.isoformat(" ", "milliseconds") + record[23:]


def _other(digits: str, boot: int) -> str:
    return f"{(int(digits, 16) + 7 * boot) % 65536:04x}"


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
