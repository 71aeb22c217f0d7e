"""A baseline read back from its text, as it was written or as people have edited it since."""

from __future__ import annotations

import re

from tracer.diff.baseline.details import MORE
from tracer.diff.baseline.tree import Tree
from tracer.diff.baseline.writer import VERSION
from tracer.model import Baseline
from tracer.notation import lines, marks
from tracer.notation.lines import TITLE, BadLineError

_FIELD = re.compile(r"# (boots|outcome|versions|log lines):(?: (.*))?")
_RANGE = re.compile(r"(\d{1,9})(?:[–-](\d{1,9}))?")


def read(text: str, name: str) -> Baseline:
    """The baseline; a TracerError names ``name`` and the line that cannot be read."""
    try:
        return _read(text, name)
    except BadLineError as bad:
        raise bad.under(name) from None


def _read(text: str, name: str) -> Baseline:
    version = _version(*lines.first(text))
    baseline = Baseline([], name=name)
    _read_header(baseline, text)
    tree = Tree()
    for number, line in lines.numbered(text):
        parsed = lines.parse(number, line)
        if parsed is None:
            raise BadLineError(number, f"neither a step (1-1-2. …) nor a note (- …) nor a remark (# …): {line[:60]}")
        tree.add(parsed)
    baseline.nodes = tree.nodes()
    if version < VERSION:
        baseline.whole = False
        for node in baseline.walk():
            node.details = {MORE: ""}
    return baseline


def _version(number: int, line: str) -> int:
    said = line.removeprefix(TITLE)
    if not line.startswith(TITLE) or not said.isdecimal():
        raise BadLineError(number, f"not a baseline: its first line is not {TITLE}{VERSION}")
    if int(said[:9]) > VERSION:
        raise BadLineError(
            number, f"a baseline of version {said[:9]}; this bootseq reads up to {VERSION}: use a newer one"
        )
    return int(said)


def _read_header(baseline: Baseline, text: str) -> None:
    """The fields before the first step; anything else there is a remark."""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip("\ufeff \t\r")
        if line and not line.startswith("#"):
            return
        if found := _FIELD.fullmatch(line):
            _read_field(baseline, found[1], (found[2] or "").strip(), number)


def _read_field(baseline: Baseline, field_: str, said: str, number: int) -> None:
    if field_ == "boots":
        if not (said.isdecimal() and int(said[:9]) > 0):
            raise BadLineError(number, f"boots: {said} is no number of boots")
        baseline.boots = int(said[:9])
    elif field_ == "outcome":
        baseline.outcomes += (marks.unescaped(said),)
    elif field_ == "versions":
        baseline.versions = _listed(said)
    else:
        baseline.log_lines = {service: _range(value, number) for service, value in _listed(said).items()}


def _listed(said: str) -> dict[str, str]:
    pairs = (part.strip().partition(" ") for part in said.split(",") if part.strip())
    return {marks.unescaped(key): marks.unescaped(value.strip()) for key, _, value in pairs}


def _range(said: str, number: int) -> tuple[int, int]:
    found = _RANGE.fullmatch(said)
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if low > high:
        raise BadLineError(number, f"log lines: {said!r} is not a range of counts; write it as compute 61–62")
    return low, high
