"""The reader of baselines, as written or as edited by people since."""

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
    """Read a baseline; a TracerError names ``name`` and the line that is invalid."""
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
    version = line.removeprefix(TITLE)
    if not line.startswith(TITLE) or not version.isdecimal():
        raise BadLineError(number, f"not a baseline: its first line is not {TITLE}{VERSION}")
    if int(version[:9]) > VERSION:
        raise BadLineError(
            number, f"a baseline of version {version[:9]}; this bootseq reads up to {VERSION}: use a newer one"
        )
    return int(version)


def _read_header(baseline: Baseline, text: str) -> None:
    """Read the fields before the first step; other lines there are remarks."""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip("\ufeff \t\r")
        if line and not line.startswith("#"):
            return
        if match := _FIELD.fullmatch(line):
            _read_field(baseline, match[1], (match[2] or "").strip(), number)


def _read_field(baseline: Baseline, field_: str, value: str, number: int) -> None:
    if field_ == "boots":
        if not (value.isdecimal() and int(value[:9]) > 0):
            raise BadLineError(number, f"boots: {value} is not a number of boots; write 1 or more")
        baseline.boots = int(value[:9])
    elif field_ == "outcome":
        baseline.outcomes += (marks.unescaped(value),)
    elif field_ == "versions":
        baseline.versions = _listed(value)
    else:
        baseline.log_lines = {service: _range(counts, number) for service, counts in _listed(value).items()}


def _listed(text: str) -> dict[str, str]:
    pairs = (part.strip().partition(" ") for part in text.split(",") if part.strip())
    return {marks.unescaped(key): marks.unescaped(value.strip()) for key, _, value in pairs}


def _range(text: str, number: int) -> tuple[int, int]:
    match = _RANGE.fullmatch(text)
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if low > high:
        raise BadLineError(number, f"log lines: {text!r} is not a range of counts; write it as compute 61–62")
    return low, high
