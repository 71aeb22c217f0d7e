"""Attach and detach, over and over, each of Nova's services of a cloud under load: what it costs and leaves."""

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
#: Seconds that hooks may stay should this script die.
LEASE = 60.0


@dataclass
class Row:
    """What the cycles of one service came to; stops are milliseconds that a process stood still."""

    service: str
    processes: int
    cycles: int = 0
    failed: list[str] = field(default_factory=list)
    unproved: list[str] = field(default_factory=list)
    attach_ms: list[float] = field(default_factory=list)
    detach_ms: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        stops = " | ".join(f"{median(each):.2f} | {max(each):.2f}" for each in (self.attach_ms, self.detach_ms) if each)
        return (
            f"| {self.service} | {self.processes} | {self.cycles} | {stops} | {len(self.failed) + len(self.unproved)} |"
        )


HEAD = """| service | processes | cycles | attach: median ms | worst | detach: median ms | worst | wrong |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def run(plan: Plan, cycles: int, workers: int) -> tuple[list[Row], Tally, list[str]]:
    """A row a service, the load's tally, and the services that are not the processes they were."""
    before = {each.pid: each for service in SERVICES for each in processes.services(service)}
    with beside(plan, workers) as tally:
        rows = [_cycled(service, cycles) for service in SERVICES]
    restarted = [f"{each.service} (pid {each.pid})" for each in before.values() if not each.is_still()]
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
    for found in Attachment(folder, LEASE).attach(wanted):
        if found.state == "attached":
            row.attach_ms += found.more["stops_ms"]
        else:
            row.failed.append(found.reason)
    for found in detach.detach(folder):
        if found.state == "detached":
            row.detach_ms += found.more.get("stops_ms", [])
        else:
            row.unproved.append(found.reason)
    row.cycles += 1
    shutil.rmtree(folder, ignore_errors=True)


def told(rows: list[Row], tally: Tally, restarted: list[str]) -> str:
    """The table, and what the load and the services went through meanwhile."""
    reasons = [reason for row in rows for reason in [*row.failed, *row.unproved]]
    lines = [HEAD, *map(str, rows), "", f"restarted: {', '.join(restarted) or 'none'}", json.dumps(tally.as_dict())]
    return "\n".join([*lines, *dict.fromkeys(reasons)])
