"""Addresses: ordinals joined by dashes for steps, and for notes their ordinal among the notes of their step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracer.model import Step


def assign(chapters: list[Step], casts: Mapping[str, Sequence[Step]]) -> None:
    """Set the address of every step of the chapters, once, and link senders of casts with the chapters they opened.

    ``casts`` maps a sending step's id to the receivers' steps, each the head of a chapter.
    """
    for ordinal, head in enumerate(chapters, 1):
        head.address = str(ordinal)
        _number_below(head)
    here = {chapter.id for chapter in chapters}
    for chapter in chapters:
        for step in chapter.walk():
            for receiver in casts.get(step.id, ()):
                if receiver.id in here:
                    step.opens.append(receiver.address)
                    receiver.opened_by = step.address


def _number_below(head: Step) -> None:
    stack = [head]
    while stack:
        step = stack.pop()
        numbered = notes = 0
        for child in step.children:
            if child.numbered:
                numbered += 1
                child.address = f"{step.address}-{numbered}"
            else:
                notes += 1
                child.address = f"{step.address}/{notes}"
        stack.extend(step.children)
