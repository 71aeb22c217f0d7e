"""Ask points in processes with hooks: the choice of processes, and what each answers to a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

from patches import ask_outcomes as outcomes
from tracer.attach import detach, parallel_visits
from tracer.attach.detach import Attached
from tracer.attach.eligibility import ProcessReport, of_process, report_of
from tracer.attach.injection import visits
from tracer.attach.injection.answers import Answer
from tracer.attach.processes import Process
from tracer.callbacks import ignore
from tracer.recording import capture as captures

#: Longer names are not names of modules or functions, and take long to compare.
_MAX_NAME = 200

AskPoint = dict[str, Any]


def meant_for(process: Process, points: Iterable[AskPoint]) -> list[AskPoint]:
    """Return the ask points of a capture that apply to this process."""
    return [point for point in points if _is_meant(process, point["pids"], point["services"])]


def _is_meant(process: Process, pids: Iterable[int], services: Iterable[str]) -> bool:
    pids, services = list(pids), list(services)
    if not pids and not services:
        return True
    return process.pid in pids or any(fnmatchcase(process.service, pattern) for pattern in services)


def recording() -> dict[Path, list[Attached]]:
    """Return the processes with hooks that record into captures of the caller's, by the capture."""
    everywhere: dict[Path, list[Attached]] = {}
    for target in detach.attached():
        if target.capture is not None and captures.is_capture(target.capture):
            everywhere.setdefault(target.capture, []).append(target)
    return everywhere


def chosen(
    everywhere: dict[Path, list[Attached]], pids: tuple[int, ...], services: tuple[str, ...]
) -> dict[Path, list[Attached]]:
    """Return the processes that are named by pid or service, all of them if none is named."""
    wanted = {
        folder: [target for target in attached if _is_meant(target.process, pids, services)]
        for folder, attached in everywhere.items()
    }
    return {folder: attached for folder, attached in wanted.items() if attached}


def add(
    attached: list[Attached], point: AskPoint, on_report: Callable[[ProcessReport], object] = ignore
) -> list[ProcessReport]:
    """Add an ask point to the processes."""
    return list(
        _visit_all(
            attached, "ask_add", {"point": point}, lambda target, answer: _added(target, point, answer), on_report
        )
    )


def remove(
    attached: list[Attached], keys: list[str], on_report: Callable[[ProcessReport], object] = ignore
) -> list[ProcessReport]:
    """Remove the ask points with these keys from the processes."""
    return list(_visit_all(attached, "ask_remove", {"keys": keys}, _removed, on_report))


def state(attached: list[Attached]) -> list[ProcessReport]:
    """Return each process's ask points with their state and counts."""
    return list(_visit_all(attached, "ask_list", {}, _listed, ignore))


def _visit_all(
    attached: list[Attached],
    what: str,
    request: dict[str, Any],
    judge: Callable[[Attached, Answer], ProcessReport],
    on_report: Callable[[ProcessReport], object],
) -> Iterator[ProcessReport]:
    return parallel_visits.visit_all(
        [(target.process, partial(_visit, target, what, request, judge)) for target in attached], on_report
    )


def _visit(
    target: Attached, what: str, request: dict[str, Any], judge: Callable[[Attached, Answer], ProcessReport]
) -> ProcessReport | None:
    process = target.process
    problem = of_process(process)
    if problem.state != "ready":
        return None if target.forked else problem
    answer, _ = visits.ask(process, what, request)
    if answer["state"] in ("free", "expired"):
        return None if target.forked else report_of(process, "gone", "its hooks have removed themselves")
    if answer["state"] != "asked":
        return report_of(process, "cannot", str(answer.get("reason", answer["state"])))
    return judge(target, answer)


def _added(target: Attached, point: AskPoint, answer: Answer) -> ProcessReport:
    outcome, known = str(answer["outcome"]), [str(name) for name in answer["near"]]
    if outcome == outcomes.ADDED:
        return report_of(target.process, "added")
    if outcome == outcomes.WAITING:
        return report_of(target.process, "waiting", outcome)
    reason, near = outcome, []
    if outcome == outcomes.NO_LINE:
        reason = f"nothing happens on line {point['when']}; see {_lines(known, point['when'])}"
    elif outcome in (outcomes.NO_MODULE, outcomes.NO_FUNCTION):
        module, _, name = str(point["where"]).partition(":")
        wanted = name if outcome == outcomes.NO_FUNCTION else module
        near = _near(wanted, known)
        reason += f" {wanted}" + (f"; did you mean {', '.join(near)}?" if near else "")
    report = report_of(target.process, "not there", reason)
    # A known module, and a suggestion, help the most.
    return replace(report, rank=2 * (outcome == outcomes.NO_MODULE) + (not near))


def _near(wanted: str, known: list[str]) -> list[str]:
    """Return up to three names of similar spelling, or of the same method in another class."""
    known = [name for name in known if len(name) <= _MAX_NAME]
    last = wanted.rpartition(".")[2]
    same = [name for name in known if name.rpartition(".")[2] == last]
    return list(dict.fromkeys([*get_close_matches(wanted, known, 3, 0.6), *same]))[:3]


def _lines(known: list[str], line: int) -> str:
    numbers = sorted(sorted(map(int, known), key=lambda number: abs(number - line))[:3])
    return f"lines {known[0]} to {known[-1]}, nearest {', '.join(map(str, numbers))}" if numbers else "another function"


def _removed(target: Attached, answer: Answer) -> ProcessReport:
    keys = [str(key) for key in answer["removed"]]
    return report_of(target.process, "removed" if keys else "none", "" if keys else "it had none of these", keys=keys)


def _listed(target: Attached, answer: Answer) -> ProcessReport:
    names = ("key", "where", "when", "state", "lines", "failures", "error")
    return report_of(target.process, "asked", points=[dict(zip(names, point)) for point in answer["points"]])
