"""Reports about call points that name nothing in the packages of services."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from tracer.attach import packages as attach_packages
from tracer.attach.eligibility import ProcessReport
from tracer.recording import call_points, capture, point_check
from tracer.recording.call_points import CallPoint
from tracer.recording.point_check import Unresolved


def of_services(pids: Iterable[int], points: list[CallPoint]) -> list[ProcessReport]:
    """Check points against the packages of processes.

    A default point may be for a service that does not run here; another point's package has to exist.
    """
    defaults = call_points.load([])
    own = [point for point in points if point not in defaults]
    with ExitStack() as opened:
        every = [opened.enter_context(packages) for packages in attach_packages.of_processes(pids)]
        reports = [
            _report(unresolved, packages.path)
            for packages in every
            for unresolved in point_check.unresolved(packages, points)
        ]
        return reports + [_report(unresolved) for unresolved in point_check.absent(every, own) if every]


def of_captures(pids: dict[Path, list[int]]) -> list[ProcessReport]:
    """Check the points of the caller's captures against the packages of the processes that record into them."""
    return [report for path, recording in pids.items() for report in of_services(recording, capture.points(path))]


def _report(unresolved: Unresolved, folder: str = "") -> ProcessReport:
    text = f"{unresolved.module}: {unresolved.name}: {unresolved.reason}"
    text += f"; nearest: {unresolved.nearest}" if unresolved.nearest else ""
    text += f"; searched: {folder}" if folder else ""
    fields = {"module": unresolved.module, "name": unresolved.name, "nearest": unresolved.nearest}
    return ProcessReport(0, "call points", "", "unresolved", text, more=fields)
