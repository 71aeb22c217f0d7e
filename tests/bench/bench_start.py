"""The start of commands beside Python with click alone; trace files beside the standard library's JSON and gzip."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from pathlib import Path

from tests.bench.row import Row
from tests.support import real_boots
from tracer import trace_file
from tracer.model import Trace

_BOOTSEQ = str(Path(sys.executable).with_name("bootseq"))
_REPEATS = 7
#: Boots in the trace files.
SIZES = (1, 4, 16)


def run() -> Iterable[Row]:
    """Measure commands in CPU seconds, the least of several runs, then files of three sizes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "boot.trace.jsonl.gz")
        trace_file.write(path, _trace(1))
        yield from _commands(path)
        for size in SIZES:
            yield from _files(path, _trace(size))


def _commands(path: Path) -> Iterable[Row]:
    peer = _started([sys.executable, "-c", "import click"])
    yield Row("python -c 'import click'", peer, "CPU s")
    completion = {"_BOOTSEQ_COMPLETE": "bash_complete", "COMP_WORDS": "bootseq d", "COMP_CWORD": "1"}
    for what, arguments, environ in (
        ("--version", ["--version"], {}),
        ("--help", ["--help"], {}),
        ("completion", [], completion),
        ("list of a boot", ["list", str(path)], {}),
        ("show of a boot", ["show", str(path)], {}),
    ):
        used = _started([_BOOTSEQ, *arguments], environ)
        yield Row(f"bootseq {what}", used, "CPU s", used / peer, "python with click")


def _started(command: list[str], environ: Mapping[str, str] | None = None) -> float:
    """Return the least CPU seconds that a command took."""
    return min(_once(command, {**os.environ, **(environ or {})}) for _ in range(_REPEATS))


def _once(command: list[str], environ: dict[str, str]) -> float:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environ)
    _, process.returncode, used = os.wait4(process.pid, 0)
    return used.ru_utime + used.ru_stime


def _trace(size: int) -> Trace:
    boots = [deepcopy(real_boots.nova34()) for _ in range(size)]
    for number, boot in enumerate(boots, 1):
        boot.number = number
    return Trace(boots)


def _files(path: Path, trace: Trace) -> Iterable[Row]:
    steps = sum(1 for boot in trace.boots for _ in boot.walk())
    written = _rate(steps, lambda: trace_file.write(path, trace))
    read = _rate(steps, lambda: trace_file.read(path))
    text = gzip.decompress(path.read_bytes())
    packed = _rate(steps, lambda: gzip.compress("\n".join(map(json.dumps, trace_file.lines(trace))).encode(), 6))
    parsed = _rate(steps, lambda: [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()])
    yield Row(f"trace file of {steps} steps: written", written, "1/s", written / packed, "json and gzip")
    yield Row(f"trace file of {steps} steps: read and checked", read, "1/s", read / parsed, "json and gzip")
    yield Row(
        f"trace file of {steps} steps: bytes a step", path.stat().st_size / steps, "B", 1, f"{len(text)} B unpacked"
    )


def _rate(steps: int, work: Callable[[], object]) -> float:
    """Return the steps a CPU second, at best."""
    times = []
    for _ in range(_REPEATS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return steps / min(times)
