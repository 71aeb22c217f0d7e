"""The changed traits and details of a step that is on both sides."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.diff.baseline import details
from tracer.model import NormalStep, Pair
from tracer.notation.parse import parse

#: The class of change by the trait of a step (tracer.notation.parse) that changes.
_CLASSES = {
    "mode": "mode", "to": "service", "tables": "tables", "database": "tables", "statement": "statement",
    "version": "version", "objects": "version", "query": "arguments", "arguments": "arguments", "via": "arguments",
    "endpoint": "renamed", "status": "status", "state": "state", "error": "error",
    # and by the detail (tracer.diff.baseline.details); other details are arguments.
    "unfinished": "unfinished", "microversion": "version", "vm_state": "state", "message": "said",
    "action": "renamed", "handler": "renamed", "application": "renamed", "module": "renamed", "route": "renamed",
}  # fmt: skip
_NONE = details.NONE


def changed(pair: Pair) -> Iterator[tuple[str, str]]:
    """Yield (class of change, one-line description) for what changed about the step."""
    old, new = pair.old, pair.new
    if old is None or new is None:
        return
    if old.service != new.service:
        yield "service", f"{new.text}: {old.service} → {new.service}"
    if old.text != new.text or old.details != new.details:
        yield from _traits(old, new)


def _traits(old: NormalStep, new: NormalStep) -> Iterator[tuple[str, str]]:
    before, now = parse(old.text), parse(new.text)
    if before.name != now.name and before.kind != "sql":
        yield "renamed", f"renamed: {old.text} → {new.text}"
    by_class: dict[str, list[str]] = {}
    for trait in dict.fromkeys((*before.traits, *now.traits)):
        a, b = before.traits.get(trait, _NONE), now.traits.get(trait, _NONE)
        if a != b:
            by_class.setdefault(_CLASSES[trait], []).append(f"{trait} {_listed(a, b)}")
    for name, a, b in details.differing(old.details, new.details):
        by_class.setdefault(_CLASSES.get(name, "arguments"), []).append(f"{name} {_listed(a, b)}")
    if "tables" in by_class:
        by_class.pop("statement", None)  # other tables imply another statement
    for class_, differences in by_class.items():
        yield class_, f"{now.name}: {'; '.join(differences)}"


def _listed(old: str, new: str) -> str:
    """Return ``old → new``; of long lists only the parts that are not in both."""
    for mark in ("&", ", "):
        before, now = old.split(mark), new.split(mark)
        if len(before) + len(now) > 3:
            gone = [part for part in before if part not in now]
            come = [part for part in now if part not in before]
            return f"{mark.join(gone) or '–'} → {mark.join(come) or '–'}"
    return f"{old} → {new}"
