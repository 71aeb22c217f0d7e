"""Ask points in processes that have hooks in: which are meant, and what each says when it is told of a point."""

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

#: A name that is longer is nobody's, and takes long to compare.
_MAX_NAME = 200

Point = dict[str, Any]


def meant_for(process: Process, points: Iterable[Point]) -> list[Point]:
    """Those of a capture's ask points that this process is to have."""
    return [each for each in points if _is_meant(process, each["pids"], each["services"])]


def _is_meant(process: Process, pids: Iterable[int], services: Iterable[str]) -> bool:
    pids, services = list(pids), list(services)
    if not pids and not services:
        return True
    return process.pid in pids or any(fnmatchcase(process.service, pattern) for pattern in services)


def recording() -> dict[Path, list[Attached]]:
    """The processes that have hooks in for a capture of the caller's, by the capture."""
    everywhere: dict[Path, list[Attached]] = {}
    for each in detach.attached():
        if each.capture is not None and captures.is_capture(each.capture):
            everywhere.setdefault(each.capture, []).append(each)
    return everywhere


def chosen(
    everywhere: dict[Path, list[Attached]], pids: tuple[int, ...], services: tuple[str, ...]
) -> dict[Path, list[Attached]]:
    """Of these the ones that are named, or all where nothing is."""
    wanted = {
        folder: [each for each in attached if _is_meant(each.process, pids, services)]
        for folder, attached in everywhere.items()
    }
    return {folder: attached for folder, attached in wanted.items() if attached}


def add(
    attached: list[Attached], point: Point, on_report: Callable[[ProcessReport], object] = ignore
) -> list[ProcessReport]:
    """Have them ask at one more place."""
    return list(
        _each(attached, "ask_add", {"point": point}, lambda each, answer: _added(each, point, answer), on_report)
    )


def remove(
    attached: list[Attached], keys: list[str], on_report: Callable[[ProcessReport], object] = ignore
) -> list[ProcessReport]:
    """Have them ask no more under these keys."""
    return list(_each(attached, "ask_remove", {"keys": keys}, _removed, on_report))


def state(attached: list[Attached]) -> list[ProcessReport]:
    """What they ask, and how it goes."""
    return list(_each(attached, "ask_list", {}, _listed, ignore))


def _each(
    attached: list[Attached],
    what: str,
    request: dict[str, Any],
    judge: Callable[[Attached, Answer], ProcessReport],
    on_report: Callable[[ProcessReport], object],
) -> Iterator[ProcessReport]:
    return parallel_visits.visit_all(
        [(each.process, partial(_visit, each, what, request, judge)) for each in attached], on_report
    )


def _visit(
    each: Attached, what: str, request: dict[str, Any], judge: Callable[[Attached, Answer], ProcessReport]
) -> ProcessReport | None:
    process = each.process
    problem = of_process(process)
    if problem.state != "ready":
        return None if each.forked else problem
    answer, _ = visits.ask(process, what, request)
    if answer["state"] in ("free", "expired"):
        return None if each.forked else report_of(process, "gone", "its hooks have gone by themselves")
    if answer["state"] != "asked":
        return report_of(process, "cannot", str(answer.get("reason", answer["state"])))
    return judge(each, answer)


def _added(each: Attached, point: Point, answer: Answer) -> ProcessReport:
    outcome, known = str(answer["outcome"]), [str(name) for name in answer["near"]]
    if outcome == outcomes.ADDED:
        return report_of(each.process, "added")
    if outcome == outcomes.WAITING:
        return report_of(each.process, "waiting", outcome)
    reason, near = outcome, []
    if outcome == outcomes.NO_LINE:
        reason = f"nothing happens on line {point['when']}; see {_lines(known, point['when'])}"
    elif outcome in (outcomes.NO_MODULE, outcomes.NO_FUNCTION):
        module, _, name = str(point["where"]).partition(":")
        wanted = name if outcome == outcomes.NO_FUNCTION else module
        near = _near(wanted, known)
        reason += f" {wanted}" + (f"; did you mean {', '.join(near)}?" if near else "")
    report = report_of(each.process, "not there", reason)
    # A known module, and a suggestion, help the most.
    return replace(report, rank=2 * (outcome == outcomes.NO_MODULE) + (not near))


def _near(wanted: str, known: list[str]) -> list[str]:
    """Close by spelling; or the same method of another class."""
    known = [name for name in known if len(name) <= _MAX_NAME]
    last = wanted.rpartition(".")[2]
    same = [name for name in known if name.rpartition(".")[2] == last]
    return list(dict.fromkeys([*get_close_matches(wanted, known, 3, 0.6), *same]))[:3]


def _lines(known: list[str], line: int) -> str:
    numbers = sorted(sorted(map(int, known), key=lambda each: abs(each - line))[:3])
    return f"lines {known[0]} to {known[-1]}, nearest {', '.join(map(str, numbers))}" if numbers else "another function"


def _removed(each: Attached, answer: Answer) -> ProcessReport:
    keys = [str(key) for key in answer["removed"]]
    return report_of(each.process, "removed" if keys else "none", "" if keys else "it had none of these", keys=keys)


def _listed(each: Attached, answer: Answer) -> ProcessReport:
    names = ("key", "where", "when", "state", "lines", "failures", "error")
    return report_of(each.process, "asked", points=[dict(zip(names, point, strict=True)) for point in answer["points"]])
