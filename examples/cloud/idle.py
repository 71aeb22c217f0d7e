"""CPU of a cloud's idle services without hooks and with them: the same processes, alternating."""

import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from examples.cloud.errors import CloudError
from tracer.attach import detach, processes
from tracer.attach.attach import Attachment
from tracer.attach.processes import Process
from tracer.recording import call_points, capture

HEAD = """| service | processes | without, % of a CPU | with hooks | added |
| --- | --- | --- | --- | --- |"""
_TICKS = os.sysconf("SC_CLK_TCK")
# Seconds beyond a round after which hooks end if this script dies.
_GRACE = 60.0


@dataclass
class Row:
    """A service's share of a CPU in percent, one value a round."""

    service: str
    processes: int
    without: list[float] = field(default_factory=list)
    hooked: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        without, hooked = median(self.without), median(self.hooked)
        return f"| {self.service} | {self.processes} | {without:.2f} | {hooked:.2f} | {hooked - without:+.2f} |"


def run(seconds: float, rounds: int) -> list[Row]:
    """Return a row for each service that bootseq attaches to."""
    wanted = processes.services()
    rows = {service: Row(service, len(group)) for service, group in _by_service(wanted).items()}
    for _ in range(rounds):
        for service, share in _shares(wanted, seconds):
            rows[service].without.append(share)
        folder = Path(tempfile.mkdtemp(prefix="bootseq-idle-"))
        try:
            for service, share in _hooked_shares(wanted, seconds, folder / "capture"):
                rows[service].hooked.append(share)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return list(rows.values())


def table(rows: list[Row]) -> str:
    """Return the medians of all rounds, the busiest service first."""
    return "\n".join([HEAD, *map(str, sorted(rows, key=lambda row: -median(row.hooked)))])


def _by_service(wanted: list[Process]) -> dict[str, list[Process]]:
    groups = defaultdict(list)
    for process in wanted:
        groups[process.service].append(process)
    return groups


def _hooked_shares(wanted: list[Process], seconds: float, folder: Path) -> Iterator[tuple[str, float]]:
    capture.make(folder, points=call_points.load([]), ask=["ask"], echo=False)
    reports = Attachment(folder, seconds + _GRACE).attach(wanted)
    try:
        if refused := [report.reason for report in reports if report.state != "attached"]:
            raise CloudError(f"not attached: {refused[0]}")
        yield from _shares(wanted, seconds)
    finally:
        detach.detach(folder)


def _shares(wanted: list[Process], seconds: float) -> Iterator[tuple[str, float]]:
    """Yield each service's share of a CPU in percent during the next `seconds`."""
    groups = _by_service(wanted)
    started, before = time.monotonic(), {service: _used(group) for service, group in groups.items()}
    time.sleep(seconds)
    for service, group in groups.items():
        yield service, 100 * (_used(group) - before[service]) / (time.monotonic() - started)


def _used(group: list[Process]) -> float:
    """Return the CPU seconds that processes have used, all threads together."""
    used = 0
    for process in group:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        used += int(fields[11]) + int(fields[12])
    return used / _TICKS
