"""The stops of a process at attach and detach: milliseconds for which its main thread stops, by what it does."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.bench.row import Row
from tests.support.victims import VERSIONS, Victim, interpreter
from tests.support.waiting import wait_until
from tracer.attach import processes, registry, runtime_folder, spool_location
from tracer.attach.attach import Attachment
from tracer.attach.injection import visits
from tracer.recording import capture as captures

#: Cycles of each kind; BENCH_ATTACH sets another number, for long runs.
CYCLES = int(os.environ.get("BENCH_ATTACH", "50"))
BUDGET_MEDIAN, BUDGET_WORST = 1.0, 5.0
_MODES = {
    "serve": "threads, main thread in select",
    "eventlet": "eventlet",
    "lock": "main thread waits for a lock",
    "sleep": "main thread sleeps",
    "naps": "main thread naps",
    "calls": "main thread works, with system calls",
    "compute": "main thread computes",
}


@dataclass
class Taken:
    """The times of a victim's cycles in milliseconds; ``work`` is the installation of the hooks within the process."""

    stops: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    failed: int = 0


@contextmanager
def capture() -> Iterator[Path]:
    """Yield a capture, with a registry of its own; both are removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="bootseq-bench-") as folder:
        path = Path(folder) / "capture"
        home, runtime_folder.path = runtime_folder.path, lambda: Path(folder) / "runtime"
        captures.make(path, points=[("nova*", ["*"], [])], ask=["ask"], echo=False)
        try:
            yield path
            # The guard writes into both until it finds that nothing is attached any more.
            wait_until(lambda: registry.changed_at(path) == 0)
        finally:
            runtime_folder.path = home


def cycles(mode: str, python: str, count: int) -> Taken:
    """Attach and detach ``count`` times; every visit must be answered, and the victim must be alive and unchanged."""
    taken = Taken()
    with capture() as path, Victim(mode, python) as victim:
        process = processes.read(victim.pid)
        assert process is not None
        (first,) = Attachment(path, 3600).attach([process])
        (entry,) = registry.of(path).entries
        request = {
            "capture": str(path),
            "lease": str(path / spool_location.LEASE),
            "options": captures.options(path),
        }
        for _ in range(count):
            entry.spool.grant(3600)
            for what, spec in (("attach", request), ("detach", {})):
                answer, visit = visits.ask(process, what, spec)
                taken.stops += [1000 * stop for stop in visit.stops]
                taken.failed += answer["state"] != f"{what}ed"
                taken.failed += (
                    any(before != after for _, before, after in answer.get("attributes", ())) if what == "detach" else 0
                )
                if what == "attach":
                    taken.work.append(1000 * float(answer["seconds"]))
        taken.failed += first.state != "attached" or not victim.alive() or bool(victim.ask("leftovers()"))
    return taken


def run() -> Iterable[Row]:
    """Measure each kind on this Python, then on every other Python of the machine."""
    for mode, what in _MODES.items():
        yield from _rows(what, cycles(mode, sys.executable, CYCLES))
    for version in VERSIONS:
        python = interpreter(version)
        if python is not None:
            for mode in ("serve", "calls"):
                yield from _rows(f"Python {version}, {_MODES[mode]}", cycles(mode, python, CYCLES))


def _rows(what: str, taken: Taken) -> Iterable[Row]:
    yield Row(f"{what}: median", median(taken.stops), "ms", median(taken.stops) / BUDGET_MEDIAN, "its budget")
    yield Row(
        f"{what}: worst of {len(taken.stops)}", max(taken.stops), "ms", max(taken.stops) / BUDGET_WORST, "its budget"
    )
    yield Row(f"{what}: installation, in the process", median(taken.work), "ms")
    yield Row(f"{what}: failed of {2 * CYCLES}", taken.failed, "")
