"""Traces of the logs and message copies in tests/data, linked as ``bootseq ingest`` links them."""

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
    """Return the trace of all these inputs."""
    events = Events()
    for path in inputs.expand(paths):
        read = inputs.read(path, {}, Hints())
        events.events += read.events
        events.processes += read.processes
        events.warnings += read.warnings
    return correlate(events)


def diablo(*names: str) -> Trace:
    """Return the trace of the boot of 2011 from some of its files."""
    return trace(*(DIABLO / name for name in names))


def nova34(folder: Path) -> Path:
    """Unpack the logs and copies of Nova 34 into ``folder`` and return it."""
    with tarfile.open(DATA / "nova34-logs.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def at_once(folder: Path, into: Path, boots: int, apart: int) -> Path:
    """Fill ``into`` with logs and copies of several of the boots in ``folder``, begun ``apart`` ms apart; return it.

    They run in the same processes, and share the ids that a compute and its heartbeats keep. A uWSGI
    worker handles a single request at a time, so each boot has workers of its own.
    """
    for path in sorted([*folder.glob("*.log"), *folder.glob("*.jsonl")]):
        split = _copies if path.suffix == ".jsonl" else _records
        lines = sorted(
            (when, boot, number, text)
            for boot in range(boots)
            for number, (when, text) in enumerate(split(_others(path.read_text(), boot), apart * boot / 1000))
        )
        (into / path.name).write_text("".join(text for *_, text in lines))
    return into


#: The same in all boots: users, projects, and the ids that services assigned to themselves when they started.
_SHARED = r"(?!173a9182|73a7d5dc|31e50e50|9e091ac9|f5b748db)"
_IDS = re.compile(
    rf"(?<=\breq-)(?!9a2d4cf9|1bc2daf2)[0-9a-f]{{4}}|(?<=\b){_SHARED}[0-9a-f]{{4}}(?=[0-9a-f]{{28}}\b)"
    r"|(?<= message with id )[0-9a-f]{4}(?=[0-9a-f]{4}-)"  # a cast's dispatch
)


def _others(text: str, boot: int) -> str:
    """Return the text with other ids of requests, messages, instance, port and name."""
    text = _IDS.sub(lambda match: f"{(int(match[0], 16) + 7 * boot) % 65536:04x}", text)
    for worker in {match[1] for match in re.finditer(r"^\[uwsgi (\d+)\]", text, re.MULTILINE)}:
        text = re.sub(rf"(?m)^(\[uwsgi |2026-11-22 [\d:.]+ ){worker}\b", rf"\g<1>{int(worker) + 1000 * boot}", text)
    for own in ("d7dc3b0e-3225", "cdb35ed9-43", "d6b01029-b2b0", "2b5e24dd-2c8d"):
        text = text.replace(own, f"{int(own[:8], 16) + boot:08x}{own[8:]}")
    return text.replace("capvm", f"capvm{boot}")


def _records(text: str, seconds: float) -> Iterator[tuple[datetime, str]]:
    """Yield the records of a log, each with its continuation lines, which are those without a time of their own."""
    for record in re.split(rf"(?={_STAMP.pattern})", text, flags=re.MULTILINE):
        if record.startswith("2026"):
            stamp = _moved(record[:23], seconds)
            yield datetime.fromisoformat(stamp.replace(",", ".")), stamp + record[23:]


def _copies(text: str, seconds: float) -> Iterator[tuple[datetime, str]]:
    for line in text.splitlines(keepends=True):
        moved = _moved_copies(line, seconds)
        yield datetime.fromtimestamp(float(_TIME.findall(moved)[0][1]), UTC), moved


def later(path: Path, into: Path, seconds: float) -> Path:
    """Copy a log, or message copies, into a folder with a clock that is ``seconds`` ahead."""
    text, copy = path.read_text(), into / path.name
    if path.suffix == ".jsonl":
        copy.write_text(_moved_copies(text, seconds))
    else:
        copy.write_text(_STAMP.sub(lambda match: _moved(match[0], seconds), text))
    return copy


def _moved_copies(text: str, seconds: float) -> str:
    return _TIME.sub(lambda match: f"{match[1]}{float(match[2]) + seconds:.6f}", text)


def _moved(stamp: str, seconds: float) -> str:
    when = datetime.fromisoformat(stamp.replace(",", ".")) + timedelta(seconds=seconds)
    return when.isoformat(" ", "milliseconds").replace(".", stamp[19])


def heads(boot: Request) -> list[tuple[str, str]]:
    """Return each chapter's service and name."""
    return [(chapter.service, chapter.name) for chapter in boot.chapters]


def states(boot: Request, name: str) -> list[object]:
    """Return the successive values of a state."""
    changes = sorted((step for step in boot.walk() if step.kind == "state"), key=lambda step: step.start)
    values = [step.attributes["changes"] for step in changes]
    return [change[name][-1] for change in values if isinstance(change, dict) and name in change]  # type: ignore[index]


def ends(trace: Trace) -> tuple[list[Step], list[Step]]:
    """Return the messages whose other end is unknown: those sent, those received."""
    rpc = [step for boot in [*trace.boots, *trace.others] for step in boot.walk() if step.kind == "rpc"]
    unanswered = [
        step
        for step in rpc
        if step.text("side") == "client" and not step.opens and not any(child.kind == "rpc" for child in step.children)
    ]
    return unanswered, [step for step in rpc if step.text("side") == "server" and not step.tied_by]


_HEAD = re.compile(r"^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.MULTILINE)
_LEVEL = re.compile(r"\S+ \S+ (?:\d+ )?(?P<level>[A-Z]+) (?P<logger>\S+)")


def at_info(folder: Path, into: Path) -> Path:
    """Copy the logs in ``folder`` into another as the services write them at INFO, without SQL echo; return that."""
    for path in sorted(folder.glob("*.log")):
        records = _HEAD.split(path.read_text())
        (into / path.name).write_text("".join(filter(_is_info, records)))
    return into


def _is_info(record: str) -> bool:
    match = _LEVEL.match(record)
    return match is not None and match["level"] != "DEBUG" and not match["logger"].startswith("sqlalchemy")
