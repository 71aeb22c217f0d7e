"""Repeated attach and detach of Nova's services in a cloud under load: stops, failures and restarts."""

import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from examples.cloud.load import Tally, beside
from examples.cloud.plan import Plan
from tracer.attach import detach, processes
from tracer.attach.attach import Attachment
from tracer.attach.processes import Process
from tracer.recording import call_points, capture

SERVICES = ("nova-api", "nova-conductor", "nova-scheduler", "nova-compute")
#: Seconds after which hooks end if this script dies.
LEASE = 60.0


@dataclass
class Row:
    """The results of a service's cycles; stops of a process are in milliseconds."""

    service: str
    processes: int
    cycles: int = 0
    failed: list[str] = field(default_factory=list)
    unproved: list[str] = field(default_factory=list)
    attach_ms: list[float] = field(default_factory=list)
    detach_ms: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        stops = " | ".join(
            f"{median(values):.2f} | {max(values):.2f}" for values in (self.attach_ms, self.detach_ms) if values
        )
        return (
            f"| {self.service} | {self.processes} | {self.cycles} | {stops} | {len(self.failed) + len(self.unproved)} |"
        )


HEAD = """| service | processes | cycles | attach: median ms | worst | detach: median ms | worst | wrong |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def run(plan: Plan, cycles: int, workers: int) -> tuple[list[Row], Tally, list[str]]:
    """Return a row for each service, the load's tally, and the restarted services."""
    before = {process.pid: process for service in SERVICES for process in processes.services(service)}
    with beside(plan, workers) as tally:
        rows = [_cycled(service, cycles) for service in SERVICES]
    restarted = [f"{process.service} (pid {process.pid})" for process in before.values() if not process.is_still()]
    return rows, tally, restarted


def _cycled(service: str, cycles: int) -> Row:
    wanted = processes.services(service)
    row = Row(service, len(wanted))
    folder = Path(tempfile.mkdtemp(prefix="bootseq-cycles-"))
    try:
        for number in range(cycles):
            _cycle(folder / f"cap{number}", wanted, row)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return row


def _cycle(folder: Path, wanted: list[Process], row: Row) -> None:
    capture.make(folder, points=call_points.load([]), ask=["ask"], echo=False)
    for report in Attachment(folder, LEASE).attach(wanted):
        if report.state == "attached":
            row.attach_ms += report.more["stops_ms"]
        else:
            row.failed.append(report.reason)
    for report in detach.detach(folder):
        if report.state == "detached":
            row.detach_ms += report.more.get("stops_ms", [])
        else:
            row.unproved.append(report.reason)
    row.cycles += 1
    shutil.rmtree(folder, ignore_errors=True)


def table(rows: list[Row], tally: Tally, restarted: list[str]) -> str:
    """Return the table, with the results of the load and the restarted services."""
    reasons = [reason for row in rows for reason in [*row.failed, *row.unproved]]
    lines = [HEAD, *map(str, rows), "", f"restarted: {', '.join(restarted) or 'none'}", json.dumps(tally.as_dict())]
    return "\n".join([*lines, *dict.fromkeys(reasons)])
