"""Counts that a spec expects, such as ``at most 12`` or ``4 + 2 per port``, and a boot's ports, volumes and hosts."""

from __future__ import annotations

import re

from tracer.model import Request
from tracer.model.assertions import SUBJECTS, ZERO, Count, Sum
from tracer.model.patterns import UUID

FORM = "expected a count such as 4, at most 12, at least 1, 2 to 5, none, 4 + 2 per port"
_TERM = re.compile(rf"(\d{{1,9}})(?: per ({'|'.join(SUBJECTS)}))?", re.ASCII)
_IN_PATH = re.compile(rf"/(?P<noun>port|volume)s/(?P<uuid>{UUID})")


def parse(text: str) -> Count | None:
    """Return the count that a spec contains as ``text``; None for a text of another form."""
    words = " ".join(text.split())
    if words == "none":
        return Count(ZERO, ZERO)
    for prefix in ("at most ", "at least ", "exactly "):
        if words.startswith(prefix):
            total = _sum(words.removeprefix(prefix))
            limits = {"at most ": (ZERO, total), "at least ": (total, None), "exactly ": (total, total)}[prefix]
            return Count(limits[0], limits[1]) if total is not None and limits[0] is not None else None
    least, to, most = words.partition(" to ")
    lower, upper = _sum(least), _sum(most if to else least)
    return Count(lower, upper) if lower is not None and upper is not None else None


def _sum(text: str) -> Sum | None:
    fixed, per = 0, dict.fromkeys(SUBJECTS, 0)
    for term in text.split(" + "):
        match = _TERM.fullmatch(term)
        if match is None:
            return None
        if match[2]:
            per[match[2]] += int(match[1])
        else:
            fixed += int(match[1])
    return Sum(fixed, tuple((subject, number) for subject, number in per.items() if number))


def quantities(boot: Request) -> dict[str, int]:
    """Count the ports and volumes that requests of the boot name by uuid, and the hosts whose compute served it."""
    ids: dict[str, set[str]] = {subject: set() for subject in SUBJECTS}
    for step in boot.walk():
        if step.kind == "http":
            for match in _IN_PATH.finditer(step.text("path")):
                ids[match["noun"]].add(match["uuid"])
        elif step.kind == "rpc" and step.service == "compute" and not step.is_client:
            ids["host"].add(step.host)
    return {subject: len(known) for subject, known in ids.items()}
