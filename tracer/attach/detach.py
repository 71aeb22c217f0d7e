"""Detaching: the hooks out of processes again, with the proof that each attribute is the very object that it was."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tracer.attach import found, journal, lease, parts, ptrace, visits
from tracer.attach.answers import Answer
from tracer.attach.checks import Finding, finding, of_process
from tracer.attach.parts import Part
from tracer.attach.processes import Process
from tracer.attach.ptrace import BusyError, RefusedError

_AT_ONCE = 8
_SWITCH = 0.0005
_TOLD = 3


@dataclass
class Attached:
    """A process that has hooks in, or was forked by one; ``entry`` is what is remembered of it."""

    process: Process
    part: Part
    entry: journal.Entry | None = None
    forked: bool = False


def attached(capture: Path | None = None) -> list[Attached]:
    """Of one capture or of all: those that the kernel says record, that we remember, and what they have forked."""
    wanted: dict[int, Attached] = {}
    for each in found.all_recording():
        if capture is None or parts.belongs(capture, each.part):
            wanted[each.process.pid] = Attached(each.process, each.part)
    for folder in journal.captures() if capture is None else [capture]:
        for entry in journal.read(folder):
            process = found.alive(entry.pid, entry.started)
            if process is not None:
                wanted[entry.pid] = Attached(process, entry.part, entry)
    for parent, child in found.forked({pid: each.process for pid, each in wanted.items()}):
        wanted[child.pid] = Attached(child, wanted[parent.pid].part, forked=True)
    return [wanted[pid] for pid in sorted(wanted)]


def detach(capture: Path | None = None, told: Callable[[Finding], object] = id) -> list[Finding]:
    """Take the hooks out of all of these; what each says of it, of which ``told`` hears as it is done."""
    sys.setswitchinterval(_SWITCH)
    wanted = attached(capture)
    folders = journal.captures() if capture is None else [capture]
    remembered = [(folder, entry) for folder in folders for entry in journal.read(folder)]
    results = []
    with ThreadPoolExecutor(_AT_ONCE, initializer=ptrace.hurry) as pool:
        for one in [pool.submit(_detach, each) for each in wanted]:
            result = one.result()
            if result is not None:
                results.append(result)
                told(result)
    # Only now, as they share it: those that could not be asked detach themselves, at the next thing they would record.
    for each in wanted:
        lease.end(each.part)
    busy = {finding.pid for finding in results if finding.state == "attached"}
    held = {each.part for each in wanted if each.process.pid in busy}
    for folder, entry in remembered:
        _bring_in(folder, entry, entry.part in held)
    return results


def _detach(each: Attached) -> Finding | None:
    process = each.process
    problem = of_process(process)
    if problem.state != "ready":
        return None if each.forked else _left(process, problem.reason, problem.fix)
    try:
        answer, visit = visits.ask(process, "detach", {})
    except (RefusedError, BusyError) as error:
        return None if each.forked else _left(process, str(error))
    except OSError as error:
        return None if each.forked else _left(process, f"{error.filename or 'it'}: {error.strerror}")
    if answer["state"] == "free":
        return None if each.forked else finding(process, "detached", "its hooks had gone by themselves")
    return _judged(each, answer, [round(stop * 1000, 3) for stop in visit.stops])


def _left(process: Process, reason: str, fix: str = "") -> Finding:
    return finding(process, "attached", f"{reason}; its hooks go when they next would record", fix)


def _judged(each: Attached, answer: Answer, stops: list[float]) -> Finding:
    """Whether everything is as it was: what the process says of now, against what it said when the hooks came."""
    then = dict(each.entry.attributes) if each.entry is not None else {}
    now = {text: (before, after) for text, before, after in answer["attributes"]}
    wrong = [text for text, (before, after) in now.items() if before != after or then.get(text, before) != before]
    wrong += [text for text in then if text not in now]
    left = [*answer["left"], *answer["kept"]]
    state, reason = "detached", ""
    if wrong or left:
        state, reason = "left", f"not as before: {', '.join([*wrong, *left][:_TOLD])}"
    elif answer["state"] != "detached":
        state, reason = "left", str(answer.get("reason", answer["state"]))
    return finding(
        each.process, state, reason, attributes=len(now), proved=state == "detached", wrong=wrong, left=left,
        changes=list(answer["changes"]), stops_ms=stops,
    )  # fmt: skip


def _bring_in(capture: Path, entry: journal.Entry, held: bool) -> None:
    """What one recorded apart, into the capture; where its file system has gone with its container there is nothing."""
    with contextlib.suppress(OSError):
        parts.gather(capture, entry.part, entry.label)
        if held:
            return
        entry.part.remove()
    journal.forget(capture, entry.pid)
