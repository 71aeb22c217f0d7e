"""Blessed baselines: the new text of a baseline under review, as near to the old one as the boots allow."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from tracer.diff.baseline import reader

#: Parts of a line that differ from run to run: times of steps; and in the header the numbers of boots and log lines.
_TIMES = re.compile(r" ~\d[\d.]*(?:[–-]\d[\d.]*[–-]\d[\d.]*)? ?(?:ns|µs|us|ms|s)(?= |$)")
_HEADER = re.compile(r"^# (?:boots|log lines): .*$")


def bless(path: Path, text: str, difference: Path) -> str:
    """Write a baseline, and its difference from the present one as a unified diff; return the diff.

    Lines that differ in times only keep the old ones, so that the diff shows what the change did.
    """
    old = path.read_text() if path.exists() else ""
    new = retimed(old, text)
    reader.read(new, path.name)
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), f"a/{path.name}", f"b/{path.name}", lineterm="")
    diff = "".join(f"{line}\n" for line in lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(new)
    difference.write_text(diff)
    return diff


def retimed(old: str, new: str) -> str:
    """Return the new text with the old lines in place of those that differ in times only."""
    before, after = old.splitlines(), new.splitlines()
    matcher = difflib.SequenceMatcher(None, [*map(_timeless, before)], [*map(_timeless, after)], autojunk=False)
    result: list[str] = []
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        result += before[old_start:old_end] if tag == "equal" else after[new_start:new_end]
    return "".join(f"{line}\n" for line in result)


def _timeless(line: str) -> str:
    match = _HEADER.match(line)
    return line.partition(":")[0] if match else _TIMES.sub("", line)
