"""Boots as they happen: a line of each from a trace that still grows."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from tracer.model import Request, Step, Trace

#: The open steps of a boot that are shown below its line.
_SHOWN = 5
#: A boot is slow if it takes so many times the median of those that have ended, of at least so many.
_SLOW, _ENOUGH = 2.0, 3


@dataclass(frozen=True)
class BootLine:
    """The state of a boot at a moment: its task's state, the innermost open step, the open steps around it."""

    number: int
    server: str
    uuid: str
    state: str
    step: str
    service: str
    host: str
    seconds: float
    path: tuple[str, ...]
    marks: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """True if the boot has not ended."""
        return "open" in self.marks


def lines(trace: Trace, now: int, title: Callable[[Step], str]) -> list[BootLine]:
    """Return a line for each boot at ``now``, in nanoseconds since the epoch, its steps in the words of ``title``."""
    ended = [boot.duration / 1e9 for boot in trace.boots if boot.outcome == "active"]
    usual = statistics.median(ended) if len(ended) >= _ENOUGH else None
    return [_line(boot, now, usual, title) for boot in trace.boots]


def _line(boot: Request, now: int, usual: float | None, title: Callable[[Step], str]) -> BootLine:
    is_open = boot.outcome == "unfinished"
    path = _open_path(boot)
    innermost = path[-1] if path else None
    seconds = (now - boot.started if is_open else boot.duration) / 1e9
    marks = {
        "open": is_open,
        "failed": boot.outcome.startswith("error"),
        "rescheduled": _builds(boot) > 1,
        "slow": usual is not None and seconds > _SLOW * usual,
    }
    return BootLine(
        boot.number, boot.server, boot.uuid, _state(boot) if is_open else boot.outcome,
        title(innermost) if innermost is not None else "", innermost.service if innermost is not None else "",
        (innermost.host if innermost is not None else "") or boot.host, max(0.0, seconds),
        tuple(f"{step.address} {title(step)}" for step in path[-_SHOWN:]),
        tuple(mark for mark, holds in marks.items() if holds),
    )  # fmt: skip


def _open_path(boot: Request) -> list[Step]:
    """Return the open steps of the chapter that started last, from its head to the innermost one."""
    open_chapters = [chapter for chapter in boot.chapters if any(not step.finished for step in chapter.walk())]
    if not open_chapters:
        return []
    path: list[Step] = []
    steps = [max(open_chapters, key=lambda chapter: chapter.start)]
    while steps:
        path.append(steps[-1])
        steps = [step for step in steps[-1].children if step.numbered and not step.finished]
    return path


def _state(boot: Request) -> str:
    """Return the last state of the instance or its task: scheduling, networking, spawning."""
    states = sorted((step for step in boot.walk() if step.kind == "state"), key=lambda step: step.start)
    values = [step.new_value("task_state") or step.new_value("vm_state") for step in states]
    return next((str(value) for value in reversed(values) if value), "requested")


def _builds(boot: Request) -> int:
    """Return how many hosts were told to build it."""
    return sum(
        step.kind == "rpc" and step.text("side") == "server" and step.text("method") == "build_and_run_instance"
        for step in boot.walk()
    )
