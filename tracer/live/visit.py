"""Visits to the services of this machine for their stacks: one short request each, nothing is left in them."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from functools import partial

from tracer.attach import eligibility, parallel_visits
from tracer.attach.eligibility import ProcessReport, report_of
from tracer.attach.injection import payload, visits
from tracer.attach.injection.answers import Answer
from tracer.attach.processes import Process
from tracer.live import kernel, rules
from tracer.live.stacks import Frame, ProcessStacks, Stack

#: Seconds for which a process that computes, or waits where nothing may interrupt it, is waited for.
PATIENCE = 1.0


def visit_all(processes: Iterable[Process]) -> list[ProcessStacks]:
    """Return the stacks of the processes, or for each the reason for which it cannot be read."""
    wanted = list(processes)
    payload.prepare(payload.STACKS)
    answers: dict[int, ProcessStacks] = {}
    tables = rules.request()
    visits_ = [(process, partial(_visit, process, tables, answers)) for process in wanted]
    reports = {report.pid: report for report in parallel_visits.visit_all(visits_)}
    return [answers.get(process.pid) or _unread(process, reports[process.pid]) for process in wanted]


def _visit(process: Process, tables: dict[str, object], answers: dict[int, ProcessStacks]) -> ProcessReport:
    problem = eligibility.of_process(process)
    if problem.state != "ready":
        return problem
    answer, visit = visits.ask(process, payload.STACKS, tables, PATIENCE)
    if answer["state"] != "read":
        return report_of(process, "cannot", str(answer.get("reason") or answer["state"]))
    threads = kernel.threads(process.pid)
    answers[process.pid] = ProcessStacks(
        process.pid, process.inner_pid, process.name, _host(), process.state, answer["python"],
        tuple(_stacks(answer)), stopped_ms=round(max(visit.stops, default=0.0) * 1000, 3),
        read_ms=round(answer["seconds"] * 1000, 1), unread=answer["unread"], threads=threads,
    )  # fmt: skip
    return report_of(process, "read")


def _stacks(answer: Answer) -> Iterable[Stack]:
    codes = answer["codes"]
    for kind, thread, number, count, lines, values in answer["stacks"]:
        named = [(codes[code], line) for code, line in lines if 0 <= code < len(codes)]
        frames = tuple(Frame(module, file, function, line) for (module, file, function), line in named)
        yield Stack(kind, thread, number, count, frames, tuple(values))


def _unread(process: Process, report: ProcessReport) -> ProcessStacks:
    state = kernel.state(process.pid)
    return ProcessStacks(
        process.pid, process.inner_pid, process.name, _host(), state, problem=report.reason,
        threads=kernel.threads(process.pid),
    )  # fmt: skip


def _host() -> str:
    return platform.node()
