"""The numbered steps of a boot in the tree's order, each with its notes."""

from __future__ import annotations

from dataclasses import dataclass

from diagrams.words import steps
from tracer.model import NUMBERED, Request, Step


@dataclass(slots=True)
class Place:
    """A numbered step in the unfolded tree, with its notes."""

    step: Step
    #: Index of the enclosing step, -1 for a chapter's head.
    parent: int
    depth: int
    notes: list[Step]


def places(boot: Request) -> list[Place]:
    """Return every numbered step of ``boot``, parents before their children."""
    all_places: list[Place] = []
    stack = [(chapter, -1, 0) for chapter in reversed(boot.chapters)]
    while stack:
        step, parent, depth = stack.pop()
        here = len(all_places)
        notes: list[Step] = []
        all_places.append(Place(step, parent, depth, notes))
        if not step.children:
            continue
        for child in reversed(_inside(step)):
            if child.kind in NUMBERED:
                stack.append((child, here, depth + 1))
            else:
                notes.append(child)
        notes.reverse()
    return all_places


def _inside(step: Step) -> list[Step]:
    """Return the children of a step; those of its notes (a log line in a statement) count as its own."""
    for child in step.children:
        if child.children and child.kind not in NUMBERED:
            return _laid_open(step)
    return step.children


def _laid_open(step: Step) -> list[Step]:
    inside = []
    stack = step.children[::-1]
    while stack:
        child = stack.pop()
        inside.append(child)
        if child.kind not in NUMBERED:
            stack.extend(reversed(child.children))
    return inside


def enters_driver(step: Step) -> bool:
    """Return whether a call enters a virtualisation driver."""
    if step.kind != "call" or not step.text("module").startswith("nova.virt."):
        return False
    return step.text("class").endswith("Driver")


def leaves_home(entry: Place, all_places: list[Place]) -> bool:
    """Return whether a step is more than an internal call: it sends a request, starts a chapter or enters a driver."""
    step = entry.step
    if entry.parent < 0 or step.kind in ("http", "rpc", "libvirt", "command"):
        return True
    return enters_driver(step) and steps.home(all_places[entry.parent].step, None) != steps.home(step, None)


def chapter_end(chapter: Step) -> int | None:
    """Return when the last step of a chapter ended, which its head may not have waited for; None while it goes on."""
    return None if chapter.end is None else max(step.end or step.start for step in chapter.walk())
