"""Recordings of a release's boots in the embedded cloud: the trace file, and the boots that failed."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from examples.ci import commands, store
from examples.embedded import EmbeddedCloud, EmbeddedError, boot_in_one_process
from examples.embedded.boot import Boot
from examples.embedded.release import Release


@dataclass(frozen=True)
class Plan:
    """The settings of the boots, the same on both sides of a comparison."""

    boots: int = 5
    mode: str = "processes"
    threads: str = "default"
    #: In one process: "libvirt" or "fake"; separate processes run the fake driver.
    driver: str = "libvirt"
    #: Boot even if the cache has a recording of the same contents.
    fresh: bool = field(default=False, repr=False)


@dataclass(frozen=True)
class Recording:
    """The recorded boots of a release."""

    release: str
    trace: Path
    boots: list[Boot]

    @property
    def failed(self) -> list[Boot]:
        """Return the boots that did not become active."""
        return [boot for boot in self.boots if boot.state != "active"]

    def complaint(self) -> str | None:
        """Return a line on the failed boots, None without any; a comparison uses the others only."""
        if not self.failed:
            return None
        ends = Counter(boot.event for boot in self.failed)
        names = ", ".join(boot.name for boot in self.failed)
        why = ", ".join(f"{count} {event}" for event, count in ends.items())
        return f"Nova {self.release}: {len(self.failed)} of {len(self.boots)} boots failed: {names} ({why})"


def record(release: Release, plan: Plan, folder: Path, name: str) -> Recording:
    """Install the release if necessary, boot, and write ``folder``/``name``.trace.jsonl.gz.

    Boots of the same packages by the same code are taken from the cache. If something fails, nothing is stored there,
    and the logs of Nova's services are copied to ``folder``/``name``-logs.
    """
    trace = folder / f"{name}.trace.jsonl.gz"
    with _work() as work:
        recording = Recording(release.name, trace, _boots(release, plan, work, folder / f"{name}-logs"))
        commands.run("ingest", "-o", str(trace), str(work / "capture"))
    return recording


def _boots(release: Release, plan: Plan, work: Path, logs: Path) -> list[Boot]:
    """Return the boots whose capture is in ``work``: those of the cache, else new ones."""
    entry = store.entry(release, plan)
    if not plan.fresh and (boots := store.fetch(entry, work / "capture")):
        print(f"Nova {release.name}: {len(boots)} boots from {entry}", file=sys.stderr)
        return boots
    print(f"booting {plan.boots} servers on Nova {release.name} …", file=sys.stderr)
    try:
        boots = _boot(release, plan, work)
    except EmbeddedError:
        _keep_logs(work, logs)
        raise
    if all(boot.state == "active" for boot in boots):
        store.put(entry, work / "capture", boots)
    else:
        _keep_logs(work, logs)
    return boots


@contextmanager
def _work() -> Iterator[Path]:
    """Yield a temporary folder for databases, logs and captures."""
    folder = Path(tempfile.mkdtemp(prefix="compare-releases-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _boot(release: Release, plan: Plan, work: Path) -> list[Boot]:
    """Boot the servers one after another, so that each boot has the cloud to itself."""
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
