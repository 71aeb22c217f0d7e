"""The phases of a request: its time, divided by services that it waited for, states and reports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tracer.explain.explanation import Phase
from tracer.explain.failures import end_of
from tracer.explain.quotations import evidence
from tracer.explain.words import name, span
from tracer.messages import report_of
from tracer.model import Request, Step


@dataclass(frozen=True)
class Mark:
    """The beginning of a phase, in nanoseconds, and the step that shows it."""

    time: int
    name: str
    service: str
    step: Step


#: What begins with a report that begins or ends a phase.
_NAMES = {
    "claim": "claim resources", "network": "allocate networks", "block devices": "prepare volumes and images",
    "image": "fetch and create the image", "spawn": "spawn on the hypervisor", "build": "build on the host",
    "scheduling": "choose a host",
}  # fmt: skip


def _reported(request: Request) -> list[Mark]:
    """Return the beginnings of phases that log lines report, and the end of the API's part."""
    steps = sorted(request.walk(), key=lambda step: step.start)
    reported = [mark for step in steps if (mark := _mark(step)) is not None]
    return [*_after_answer(request, reported), *reported]


def _mark(step: Step) -> Mark | None:
    report = report_of(step)
    if report is None or report.phase not in _NAMES:
        return None
    name = _NAMES[report.phase]
    if report.says == "begins":
        return Mark(step.start, name, step.service, step)
    if report.says in ("ends", "active") and report.seconds:
        return Mark(step.start - int(report.seconds * 1e9), name, step.service, step)
    return None


def _after_answer(request: Request, reported: list[Mark]) -> Iterator[Mark]:
    """Yield the end of the API's answer, if what follows was reported later."""
    head = request.chapters[0] if request.chapters else None
    if head is None or head.kind != "http" or head.end is None or not reported:
        return
    following = min(reported, key=lambda mark: mark.time)
    if following.time > head.end:
        yield Mark(head.end, f"until {following.service} begins", "", head)


#: Task states of an instance and what happens in them.
_TASKS = {
    "scheduling": "wait for a host", "networking": "allocate networks",
    "block_device_mapping": "prepare volumes and images", "spawning": "spawn on the hypervisor",
    "resize_prep": "prepare the resize",
    "resize_migrating": "move the disks",
    "resize_migrated": "moved", "resize_finish": "start on the new host", "deleting": "delete",
    "rebuilding": "rebuild", "rebuild_block_device_mapping": "volumes", "rebuild_spawning": "spawn again",
    "migrating": "live migration", "powering-off": "power off", "powering-on": "power on",
}  # fmt: skip
#: States of an instance in which the request is over.
_OVER = ("active", "error", "deleted", "resized")
#: A step is the most of its phase if it takes this part of it.
_MOST = 0.5


def phases(request: Request) -> list[Phase]:
    """Return the phases in the order of time: they neither overlap nor leave gaps, from the start to the last mark."""
    marks = _marks(request)
    end = _end(request)
    if len(marks) < 2:
        return []
    heads = {chapter.address: chapter for chapter in request.chapters}
    result = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        until = following.time if following is not None else end
        if until > mark.time:
            most = _most(heads.get(_chapter_of(mark.step.address)), mark.time, until)
            result.append(Phase(mark.name, mark.service, mark.time, until - mark.time, most, evidence(mark.step)))
    return result


def _marks(request: Request) -> list[Mark]:
    marks = [
        mark for number, chapter in enumerate(_main_line(request)) for mark in _of_chapter(chapter, first=not number)
    ]
    if not any(mark.step.kind == "state" or mark.step.kind == "rpc" for mark in marks):
        marks += _reported(request)
    unique: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: mark.time):
        if not unique or unique[-1].name != mark.name:
            unique.append(mark)
    end = _end(request)
    return [mark for mark in unique if mark.time < end]


def _main_line(request: Request) -> list[Step]:
    """Return the first chapter and those that casts from it open, in turn; what else happened meanwhile is no phase."""
    chapters = request.chapters[:1]
    opened = {address for chapter in chapters for address in _opened(chapter, first=True)}
    for chapter in request.chapters[1:]:
        if chapter.address in opened:
            chapters.append(chapter)
            opened |= set(_opened(chapter, first=False))
    return chapters


def _opened(chapter: Step, *, first: bool) -> Iterator[str]:
    """Yield the chapters that casts of a chapter's own service open: what it called may send messages of its own."""
    for step in chapter.walk():
        if step.kind == "rpc" and step.mode == "cast" and (first or step.service == chapter.service):
            yield from step.opens


def _chapter_of(address: str) -> str:
    return re.split("[-/]", address, maxsplit=1)[0]


def _of_chapter(chapter: Step, *, first: bool) -> list[Mark]:
    """Return the chapter's own begin, the scheduler's, and those that task states mark."""
    marks = [Mark(chapter.start, _heading(chapter), chapter.service, chapter)]
    sent = set(_opened(chapter, first=first))
    for step in chapter.walk():
        if first and step.kind == "http" and step.is_server and step.service == "API" and step.text("method") != "GET":
            marks.append(Mark(step.start, _heading(step), step.service, step))
        if step.kind == "rpc" and not step.is_server and (step.text("method") or step.name) == "select_destinations":
            marks.append(Mark(step.start, "scheduler chooses a host", "scheduler", step))
            marks.append(Mark(end_of(step), f"{chapter.service}: after the scheduler", chapter.service, step))
        if step.kind == "rpc" and sent.intersection(step.opens):
            peer = step.text("peer") or step.text("topic")
            marks.append(Mark(step.start, f"message to {peer}" if peer else "message", peer, step))
        if step.kind == "state" and (task := _task(step)):
            marks.append(Mark(step.start, task, step.service, step))
    return marks


def _heading(chapter: Step) -> str:
    if chapter.kind == "http":
        return f"{chapter.service} answers {name(chapter)}" if chapter.is_server else f"{chapter.service} asks"
    return f"{chapter.service}: {name(chapter)}"


def _task(step: Step) -> str:
    state = step.new_value("task_state") if step.service != "API" else None
    return _TASKS.get(str(state), str(state)) if state and state != "scheduling" else ""


def _end(request: Request) -> int:
    """Return when the instance was ready or failed, else when the last step ended."""
    ready = [step.start for step in request.walk() if step.kind == "state" and step.new_value("vm_state") in _OVER]
    return max(ready) if ready else max((end_of(step) for step in request.walk()), default=0)


def _most(head: Step | None, start: int, until: int) -> str:
    """Return the innermost step of a chapter that took most of the phase, with its time; "" if none did."""
    step, result = head, ""
    while step is not None:
        inner = max(step.children, key=lambda child: _within(child, start, until), default=None)
        took = _within(inner, start, until) if inner is not None else 0
        if inner is None or took < (until - start) * _MOST:
            break
        step = inner
        result = f"{name(step)} {span(took)}"
    return result


def _within(step: Step, start: int, until: int) -> int:
    return max(0, min(end_of(step), until) - max(step.start, start))
