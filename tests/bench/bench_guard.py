"""The guard: from a kill -9 of its owner to the proved removal of hooks from eight services; its idle cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from tests.bench.bench_attach import capture
from tests.bench.row import Row
from tests.support.victims import Victim
from tests.support.waiting import wait_until
from tracer.attach import discovery, guard, processes, registry, runtime_folder

#: Most are idle; serve and calls are at work.
MODES = ("serve", "eventlet", "sleep", "lock", "epoll", "recv", "join", "calls")
ROUNDS = 3
_IDLE = 10.0
_OWNER = """
import sys, time
from pathlib import Path
from tracer.attach import processes, runtime_folder
from tracer.attach.attach import Attachment
runtime_folder.path = lambda: Path(sys.argv[1])
attachment = Attachment(Path(sys.argv[2]), 600, lasting=False)
print(*(report.state for report in attachment.attach([processes.read(int(pid)) for pid in sys.argv[3:]])), flush=True)
time.sleep(1000)
"""


def run() -> Iterable[Row]:
    """Kill the owner in each round, with fresh services; the worst round counts."""
    unmapped, proved = [], []
    for number in range(ROUNDS):
        with capture() as path, ExitStack() as stack:
            victims = [stack.enter_context(Victim(mode)) for mode in MODES]
            owner = _owner(path, victims)
            if number == 0:
                yield from _idle(registry.of(path).guard)
            began = time.monotonic()
            owner.kill()
            _wait_unmapped(victims)
            unmapped.append(time.monotonic() - began)
            _wait_ended(path)
            proved.append(time.monotonic() - began)
            owner.wait()
            rows = json.loads((path / guard.RESULT).read_text())
            assert sum(bool(row.get("proved")) for row in rows) == len(victims)
    yield Row(f"kill -9 of the owner to no hooks in {len(MODES)} services, worst of {ROUNDS}", max(unmapped), "s")
    yield Row("to proof, recordings collected, guard ended", max(proved), "s")


def _owner(path: Path, victims: list[Victim]) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-c",
        _OWNER,
        str(runtime_folder.path()),
        str(path),
        *(str(victim.pid) for victim in victims),
    ]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout as answer:
        assert answer.readline().split() == ["attached"] * len(victims)
    return owner


def _wait_unmapped(victims: list[Victim]) -> None:
    wait_until(lambda: not any(map(_has_hooks, victims)))


def _wait_ended(path: Path) -> None:
    wait_until(lambda: registry.changed_at(path) == 0)


def _has_hooks(victim: Victim) -> bool:
    process = processes.read(victim.pid)
    return process is not None and discovery.recording(process) is not None


def _idle(pid: int) -> Iterable[Row]:
    memory = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    yield Row("an idle guard: resident", int(memory["Rss"].split()[0]) / 1024, "MB")
    yield Row("an idle guard: its own (PSS)", int(memory["Pss"].split()[0]) / 1024, "MB")
    before = _ticks(pid)
    time.sleep(_IDLE)
    spent = (_ticks(pid) - before) / os.sysconf("SC_CLK_TCK")
    yield Row("an idle guard: CPU", 100 * spent / _IDLE, "%")


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
