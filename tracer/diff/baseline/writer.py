"""The writer of baselines: numbered outlines that people commit, review and edit."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.diff.baseline.addresses import addressed, is_chapter
from tracer.diff.baseline.tree import marked_kind
from tracer.model import NOTES, Baseline, NormalStep
from tracer.notation import marks
from tracer.notation.lines import TITLE, above_notes
from tracer.notation.parse import parse
from tracer.notation.source_paths import written_place
from tracer.text import spread

#: 1: the first, without details. 2: with details.
VERSION = 2

_LEGEND = """\
A line is a step under its address, "- " a note of the step above it; a note that comes after a numbered step has an
address too, and 1-1-2/3 is the third note of 1-1-2. Edit as you like: the order of the lines counts, not the ordinals.
[compute]         who does it, from here on
×2–3              how often in a row, least and most; ×0–1 happens in some boots only
(any order)       beside its neighbours, or in another order from boot to boot
~4.1–5–9 ms       shortest, median and longest time, where it is worth saying
@123              where it is, in the file that it names or else in that of the step above; unsaid: where that is
⟨topic …⟩         what else is known of it; | between what differs, a bare … where the recording may lack some
→ 3   ← 1-1-2     sent without waiting, to chapter 3; a chapter's sender"""


def written(baseline: Baseline) -> str:
    """Return the text of the whole baseline; ``tracer.diff.baseline.reader`` reads it back."""
    lines = [*_header(baseline), "", *_steps(addressed(baseline))]
    return "\n".join(lines) + "\n"


def _header(baseline: Baseline) -> Iterator[str]:
    yield f"{TITLE}{VERSION}"
    yield f"# boots: {baseline.boots}"
    for outcome in baseline.outcomes:
        yield f"# outcome: {marks.guarded(outcome)}"
    if baseline.versions:
        yield f"# versions: {_listed(baseline.versions)}"
    if baseline.log_lines:
        yield f"# log lines: {_listed({name: spread(*counts) for name, counts in baseline.log_lines.items()})}"
    yield "#"
    yield from (f"# {line}" for line in _LEGEND.splitlines())


def _listed(values: dict[str, str]) -> str:
    return ", ".join(f"{marks.escaped(name, ' ,')} {marks.escaped(value, ' ,')}" for name, value in values.items())


def _steps(baseline: Baseline) -> Iterator[str]:
    chapters: list[tuple[NormalStep, NormalStep | None]] = [(node, None) for node in baseline.nodes]
    while chapters:
        opened: list[tuple[NormalStep, NormalStep | None]] = []
        for head, sender in sorted(chapters, key=lambda pair: int(pair[0].address)):
            yield from _chapter(head, sender, opened)
        chapters = opened


def _chapter(
    head: NormalStep, sender: NormalStep | None, opened: list[tuple[NormalStep, NormalStep | None]]
) -> Iterator[str]:
    """Yield the lines of a chapter; append the chapters that it opens to ``opened``."""
    above = ""
    stack = [(head, sender)]
    while stack:
        node, parent = stack.pop()
        chapters = [child for child in node.children if is_chapter(child, node)]
        opened += ((child, node) for child in chapters)
        plain = node is not head and node.kind in NOTES and parent is not None and parent.address == above
        yield _line(node, parent, plain, node is head, chapters)
        if not plain:
            above = above_notes(node.address)
        stack.extend((child, node) for child in reversed(node.children[: len(node.children) - len(chapters)]))


def _line(node: NormalStep, parent: NormalStep | None, plain: bool, head: bool, chapters: list[NormalStep]) -> str:
    line = ("- " if plain else f"{node.address}. ") + _service(node, None if head else parent) + _words(node)
    line += marks.count(node.min_count, node.max_count) + (" (any order)" if node.unordered else "")
    line += marks.took(node.durations) + written_place(node, parent)
    line += marks.details(node.details)
    line += f" → {', '.join(child.address for child in chapters)}" if chapters else ""
    return line + (f" ← {parent.address}" if head and parent else "")


def _service(node: NormalStep, parent: NormalStep | None) -> str:
    if parent is not None and parent.service == node.service:
        return ""
    return f"[{marks.escaped(node.service, ']')}] "


def _words(node: NormalStep) -> str:
    """Return the text, the kind before it where the text does not show it."""
    text = node.text or node.kind
    words = marks.guarded(text)
    if words.startswith("["):
        words = "\\x5b" + words[1:]
    if parse(text).kind != node.kind:
        return f"{{{node.kind}}} {words}"
    return "\\x7b" + words[1:] if marked_kind(words) else words
