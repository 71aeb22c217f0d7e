"""What logs and message copies in tests/data hold, tied together as ``bootseq ingest`` does it."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tracer.correlation.pipeline import correlate
from tracer.events import Events
from tracer.model import Request, Step, Trace
from tracer.sources import inputs
from tracer.sources.logs.detect import Hints

_STAMP = re.compile(r"^2026-11-22 \d\d:\d\d:\d\d[.,]\d{3}(?= )", re.MULTILINE)
_TIME = re.compile(r'("ts?": )(\d+\.\d+)')
DATA = Path(__file__).parents[1] / "data"
DIABLO = DATA / "diablo"
SERVICES = ("nova-api.log", "nova-scheduler.log", "nova-compute.log", "nova-network.log")


def trace(*paths: Path) -> Trace:
    """All of them, tied together."""
    events = Events()
    for path in inputs.expand(paths):
        one = inputs.read(path, {}, Hints())
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
    """``into`` with logs and copies of that many of the boots in ``folder``, each begun ``apart`` ms after the last.

    They run in the same processes, and share what these have: the ids that a compute and its heartbeats keep. A uWSGI
    worker does one request at a time: each boot has workers of its own.
    """
    for path in sorted([*folder.glob("*.log"), *folder.glob("*.jsonl")]):
        split = _copies if path.suffix == ".jsonl" else _records
        lines = sorted(
            (when, boot, place, text)
            for boot in range(boots)
            for place, (when, text) in enumerate(split(_others(path.read_text(), boot), apart * boot / 1000))
        )
        (into / path.name).write_text("".join(text for *_, text in lines))
    return into


#: The same in all boots: users, projects, and the ids that services gave themselves when they started.
_KEPT = r"(?!173a9182|73a7d5dc|31e50e50|9e091ac9|f5b748db)"
_IDS = re.compile(
    rf"(?<=\breq-)(?!9a2d4cf9|1bc2daf2)[0-9a-f]{{4}}|(?<=\b){_KEPT}[0-9a-f]{{4}}(?=[0-9a-f]{{28}}\b)"
    r"|(?<= message with id )[0-9a-f]{4}(?=[0-9a-f]{4}-)"  # a cast's dispatch
)


def _others(text: str, boot: int) -> str:
    """The text with ids of its own: requests, messages, instance, port and name."""
    text = _IDS.sub(lambda each: f"{(int(each[0], 16) + 7 * boot) % 65536:04x}", text)
    for worker in {each[1] for each in re.finditer(r"^\[uwsgi (\d+)\]", text, re.MULTILINE)}:
        text = re.sub(rf"(?m)^(\[uwsgi |2026-11-22 [\d:.]+ ){worker}\b", rf"\g<1>{int(worker) + 1000 * boot}", text)
    for mine in ("d7dc3b0e-3225", "cdb35ed9-43", "d6b01029-b2b0", "2b5e24dd-2c8d"):
        text = text.replace(mine, f"{int(mine[:8], 16) + boot:08x}{mine[8:]}")
    return text.replace("capvm", f"capvm{boot}")


def _records(text: str, seconds: float) -> Iterator[tuple[datetime, str]]:
    """The records of a log with the lines that go on with them, and what has no time of its own with the one before."""
    for record in re.split(rf"(?={_STAMP.pattern})", text, flags=re.MULTILINE):
        if record.startswith("2026"):
            stamp = _moved(record[:23], seconds)
            yield datetime.fromisoformat(stamp.replace(",", ".")), stamp + record[23:]


def _copies(text: str, seconds: float) -> Iterator[tuple[datetime, str]]:
    for line in text.splitlines(keepends=True):
        moved = _moved_copies(line, seconds)
        yield datetime.fromtimestamp(float(_TIME.findall(moved)[0][1]), UTC), moved


def later(path: Path, into: Path, seconds: float) -> Path:
    """A copy of a log, or of message copies, whose clock is that much ahead."""
    text, made = path.read_text(), into / path.name
    if path.suffix == ".jsonl":
        made.write_text(_moved_copies(text, seconds))
    else:
        made.write_text(_STAMP.sub(lambda found: _moved(found[0], seconds), text))
    return made


def _moved_copies(text: str, seconds: float) -> str:
    return _TIME.sub(lambda each: f"{each[1]}{float(each[2]) + seconds:.6f}", text)


def _moved(stamp: str, seconds: float) -> str:
    when = datetime.fromisoformat(stamp.replace(",", ".")) + timedelta(seconds=seconds)
    return when.isoformat(" ", "milliseconds").replace(".", stamp[19])


def heads(boot: Request) -> list[tuple[str, str]]:
    """Each chapter's service and name."""
    return [(chapter.service, chapter.name) for chapter in boot.chapters]


def states(boot: Request, name: str) -> list[object]:
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
