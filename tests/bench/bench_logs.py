"""Reading 200 MB of logs, in MB a CPU second: records, events, the whole ingest; beside grep, lnav, os-log-merger."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from tests.bench.row import Row
from tests.support import log_records
from tests.support.log_traces import nova34
from tracer import gc_pause
from tracer.sources import inputs
from tracer.sources.logs import buffers, reader
from tracer.sources.logs.detect import Hints
from tracer.sources.logs.times import Clock

#: Megabytes of logs.
SIZE = 200
SMALL = 20
#: Runs of which the fastest counts, for the peers and for us.
RUNS = 3
INDEX, FIELDS, MERGER = "lnav, its index", "lnav, the message of each record", "os-log-merger, merged into one"
_BIN = Path(sys.executable).parent
_RATE = "MB/s"
_IDS = re.compile(rb"(?<=\breq-)[0-9a-f]{4}|(?<=\b[0-9a-f]{28})[0-9a-f]{4}\b")
_INSTANCE = b"d7dc3b0e-3225"
_SECOND = re.compile(rb"^2026-11-22 \d\d:\d\d:\d\d", re.MULTILINE)
#: Seconds between two boots in the logs: the next begins when the last has ended.
_APART = 60


class Used(NamedTuple):
    """A process's CPU seconds, seconds, and peak megabytes."""

    cpu: float
    wall: float
    memory: float


def run() -> Iterable[Row]:
    """Measure records and events without Python's start; the peers and ``bootseq ingest`` as commands."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boots = nova34(folder / "boots")
        logs = multiplied(boots, folder / "logs", SIZE)
        size = sum(path.stat().st_size for path in logs) / 1e6
        # Commands first: a new process's peak memory is at least this process's at that time.
        yield from _whole(folder, {SMALL: multiplied(boots, folder / "few", SMALL), SIZE: logs})
        rates: dict[str, float] = {}
        for what, seconds in _peers(folder, logs):
            if isinstance(seconds, str):
                yield Row(f"{what}: not measured, {seconds}", float("nan"), _RATE)
            else:
                rates[what] = size / seconds
                yield Row(what, rates[what], _RATE)
        yield from _ours(logs, size, rates)


def multiplied(boots: Path, into: Path, megabytes: int) -> list[Path]:
    """Fill ``into`` with copies of a real boot's logs, each with ids of its own, a minute apart; return the files."""
    into.mkdir()
    sources = sorted(boots.glob("*.log"))
    copies = round(megabytes * 1e6 / sum(path.stat().st_size for path in sources))
    for path in sources:
        text = path.read_bytes()
        with (into / path.name).open("wb") as log:
            for copy in range(copies):
                log.write(_again(text, copy))
    return sorted(into.iterdir())


def _again(text: bytes, copy: int) -> bytes:
    seconds: dict[bytes, bytes] = {}

    def later(match: re.Match[bytes]) -> bytes:
        if match[0] not in seconds:
            when = datetime.fromisoformat(match[0].decode()) + timedelta(seconds=_APART * copy)
            seconds[match[0]] = when.isoformat(" ").encode()
        return seconds[match[0]]

    text = _IDS.sub(lambda match: b"%04x" % ((int(match[0], 16) + 7 * copy) % 65536), text)
    return _SECOND.sub(later, text.replace(_INSTANCE, b"d7dc%04x-3225" % copy))


def _peers(folder: Path, logs: list[Path]) -> Iterator[tuple[str, float | str]]:
    """Yield each peer with its CPU seconds, or the reason why it was not measured."""
    names = list(map(str, logs))
    environment = {**os.environ, "HOME": str(folder)}
    lnav = ["lnav", "-n", "-q", "-c"]
    count = ["-c", f":write-csv-to {folder / 'count.csv'}"]
    for what, command in {
        "grep -c ERROR": ["grep", "-c", "ERROR"],
        INDEX: [*lnav, ";SELECT count(*) FROM all_logs", *count],
        FIELDS: [*lnav, ";SELECT count(log_body) FROM all_logs", *count],
    }.items():
        if shutil.which(command[0]) is None:
            yield what, f"{command[0]} is not installed"
        else:
            yield what, min(used([*command, *names], environment).cpu for _ in range(RUNS))
    yield MERGER, _merger(str(folder / "merger"), names)


def _merger(folder: str, names: list[str]) -> float | str:
    uv = str(_BIN / "uv")
    for command in [uv, "venv", "-q", folder], [uv, "pip", "install", "-q", "--python", folder, "os-log-merger"]:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["uv failed"])[-1]
    return min(used([f"{folder}/bin/oslogmerger", *names]).cpu for _ in range(RUNS))


def _ours(logs: list[Path], size: float, rates: dict[str, float]) -> Iterator[Row]:
    def compared(what: str, seconds: float, peer: str) -> Row:
        rate = size / seconds
        return Row(what, rate, _RATE, *((rate / rates[peer], peer) if peer in rates else ()))

    with gc_pause.paused():
        yield compared("records, all fields", _seconds(lambda: _records(logs)), FIELDS)
        seconds = _seconds(lambda: [reader.read(path) for path in logs])
        yield compared("events, on one core", seconds, MERGER)
        for cores, limit in (("one core", sys.maxsize), ("all cores", 0)):
            inputs.PARALLEL_FROM = limit
            begun = time.perf_counter()
            before = _cpu()
            events = sum(len(read.events) for _, read in inputs.read_all(logs, Hints()))
            yield Row(f"events on {cores}: {events} of them, wall", time.perf_counter() - begun, "s")
            yield Row(f"events on {cores}, CPU of all processes", _cpu() - before, "CPU s")


def _records(logs: list[Path]) -> None:
    for path in logs:
        with buffers.opened(path) as data:
            for record in log_records.read(data, Clock()):
                assert record.time


def _seconds(work: Callable[[], object]) -> float:
    took = []
    for _ in range(RUNS):
        begun = time.process_time()
        work()
        took.append(time.process_time() - begun)
    return min(took)


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _whole(folder: Path, sizes: dict[int, list[Path]]) -> Iterator[Row]:
    for size, logs in sizes.items():
        trace = folder / f"{size}.trace.jsonl.gz"
        took = used([str(_BIN / "bootseq"), "ingest", "-o", str(trace), *map(str, logs)])
        yield Row(f"bootseq ingest, {size} MB", size / took.cpu, _RATE)
        yield Row(f"bootseq ingest, {size} MB", took.cpu, "CPU s")
        yield Row(f"bootseq ingest, {size} MB, wall", took.wall, "s")
        yield Row(f"bootseq ingest, {size} MB, most memory of a process", took.memory, "MB")


def used(command: list[str], env: dict[str, str] | None = None, accepted: int = 1) -> Used:
    """Return the use of a run of a command, its helpers' CPU included; its output is dropped.

    RuntimeError for an exit code above ``accepted``.
    """
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if os.waitstatus_to_exitcode(status) > accepted:  # 1: grep found nothing
        raise RuntimeError(f"{command[0]} failed")
    return Used(usage.ru_utime + usage.ru_stime, time.perf_counter() - begun, usage.ru_maxrss / 1024)
