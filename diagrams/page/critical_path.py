"""The critical path of a boot: the steps whose own time adds up to its duration.

Followed backwards from where the boot was ready: what ended last was waited for; what began before it counts until
then; before a chapter began, its sender's chapter counts up to the message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tracer.model import Request, Step

#: Values of vm_state that end a boot; later steps do not delay it.
_OVER = ("active", "error")


@dataclass(slots=True)
class Stretch:
    """A time from ``start`` to ``end`` in which the boot waited for this step, and not for one inside it."""

    step: Step
    start: int
    end: int


def critical_path(boot: Request) -> list[Stretch]:
    """Return the stretches in the order of time; between chapters there may be a gap while a message is delivered."""
    if not boot.chapters:
        return []
    chapter, cursor = _last(boot)
    heads = {head.address: head for head in boot.chapters}
    chapters_of = {step.address: head for head in boot.chapters for step in _senders(head)}
    senders = {step.address: step for head in boot.chapters for step in _senders(head)}
    stretches: list[Stretch] = []
    left = set(heads)
    while chapter.address in left:  # a forged file may have chapters that open each other
        left.discard(chapter.address)
        stretches += _within(chapter, cursor)
        sender = senders.get(chapter.opened_by)
        if sender is None:
            break
        cursor = min(sender.end or sender.start, chapter.start)
        chapter = chapters_of[sender.address]
    return stretches[::-1]


def _senders(head: Step) -> list[Step]:
    return [step for step in head.walk() if step.opens]


def _last(boot: Request) -> tuple[Step, int]:
    """Return when the boot was ready, and the chapter: by its state, else the chapter that ended last."""
    ready = [
        (step.start, number)
        for number, chapter in enumerate(boot.chapters)
        for step in chapter.walk()
        if step.kind == "state" and step.new_value("vm_state") in _OVER
    ]
    if ready:
        moment, number = max(ready)
        return boot.chapters[number], moment
    ends = [(max(step.end or step.start for step in head.walk()), -n) for n, head in enumerate(boot.chapters)]
    moment, number = max(ends)
    return boot.chapters[-number], moment


def _within(head: Step, until: int) -> list[Stretch]:
    """Return the stretches of one chapter up to ``until``, the last one first."""
    stretches: list[Stretch] = []
    cursor = until
    stack = [(head, _latest_first(head))]
    while stack:
        step, inside = stack[-1]
        # Steps that began after the cursor never count: the cursor only moves towards the beginning.
        child = next((candidate for candidate in inside if candidate.start < cursor), None)
        if child is None:
            stack.pop()
            if step.start < cursor:
                stretches.append(Stretch(step, step.start, cursor))
                cursor = step.start
            continue
        end = cursor if child.end is None else child.end
        if end <= child.start:
            continue
        if end < cursor:
            stretches.append(Stretch(step, end, cursor))
            cursor = end
        stack.append((child, _latest_first(child)))
    return stretches


def _latest_first(step: Step) -> Iterator[Step]:
    """Yield the steps inside that it could have waited for, latest first: not messages without an answer."""
    return iter(sorted(step.children, key=lambda child: child.end or child.start, reverse=True))
