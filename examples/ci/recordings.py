"""Boots of one release, recorded in the embedded cloud: what stands in a trace file, and what did not go well."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.ci import commands
from examples.embedded import EmbeddedCloud, EmbeddedError, boot_in_one_process
from examples.embedded.boot import Boot


@dataclass(frozen=True)
class Plan:
    """How boots are made, the same on both sides of a comparison."""

    boots: int = 5
    mode: str = "processes"
    threads: str = "default"
    #: In one process: "libvirt" or "fake"; separate processes run the fake driver.
    driver: str = "libvirt"


@dataclass(frozen=True)
class Recording:
    """One release's boots."""

    release: str
    trace: Path
    boots: list[Boot]

    @property
    def failed(self) -> list[Boot]:
        """Those that did not become active."""
        return [boot for boot in self.boots if boot.state != "active"]

    def complaint(self) -> str | None:
        """One line on the boots that failed: a comparison looks at the others only."""
        if not self.failed:
            return None
        ends = Counter(boot.event for boot in self.failed)
        names = ", ".join(boot.name for boot in self.failed)
        why = ", ".join(f"{count} {event}" for event, count in ends.items())
        return f"Nova {self.release}: {len(self.failed)} of {len(self.boots)} boots failed: {names} ({why})"


def record(release: str, plan: Plan, folder: Path, name: str) -> Recording:
    """Install the release if need be, boot, and leave ``folder``/``name``.trace.jsonl.gz.

    If something fails, ``folder``/``name``-logs holds what Nova's services logged.
    """
    trace = folder / f"{name}.trace.jsonl.gz"
    with _work() as work:
        try:
            boots = _boot(release, plan, work)
        except EmbeddedError:
            _keep_logs(work, folder / f"{name}-logs")
            raise
        recording = Recording(release, trace, boots)
        if recording.failed:
            _keep_logs(work, folder / f"{name}-logs")
        commands.run("ingest", "-o", str(trace), str(work / "capture"))
    return recording


@contextmanager
def _work() -> Iterator[Path]:
    """A folder for databases, logs and captures, which nobody wants afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="compare-releases-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _boot(release: str, plan: Plan, work: Path) -> list[Boot]:
    """One server after the other, so that each boot has the cloud to itself."""
    state, capture = work / "state", work / "capture"
    if plan.mode == "one-process":
        return boot_in_one_process(
            release, state, capture, plan.threads, driver=plan.driver, servers=plan.boots, timeout=600
        )
    with EmbeddedCloud(release, state, capture, plan.threads) as cloud:
        return [cloud.boot(f"vm{number}") for number in range(1, plan.boots + 1)]


def _keep_logs(work: Path, logs: Path) -> None:
    if (work / "state" / "logs").exists():
        shutil.copytree(work / "state" / "logs", logs, dirs_exist_ok=True)
        print(f"Nova's logs: {logs}", file=sys.stderr)
