"""Old and new side by side: the changed parts of the tree, each under the step that they happen in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from diagrams.report.overlay import Row, rows
from diagrams.text import clean, often, plural, short_address, shorten
from tracer.model import Comparison, NormalStep

_COLOURS = {
    "fail": "31", "warn": "33", "note": "36", "ignore": "2", "fine": "32", "quiet": "2",
    "added": "32", "removed": "31", "moved": "34", "changed": "33",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paint:
    """A painter of text by its meaning; without ``wanted`` it changes nothing."""

    wanted: bool

    def __call__(self, text: str, what: str, *, bold: bool = False) -> str:
        """Return the painted text; it must be clean, because the terminal would obey its own escape sequences."""
        codes = ";".join(filter(None, ("1" if bold else "", _COLOURS.get(what, ""))))
        return f"\x1b[{codes}m{text}\x1b[0m" if self.wanted and codes and text else text


#: The number of unchanged neighbours shown on either side of a change.
CONTEXT = 1
ADDRESS = 16
#: The maximum number of lines of a changed step.
LINES = 3
_MIDDLE = {"same": "│", "added": "+", "removed": "−", "moved": "↷", "changed": "~"}


def columns(comparison: Comparison, width: int, paint: Paint, severities: frozenset[str]) -> Iterator[str]:
    """Return the changed parts of both trees as lines of ``width``, none if no step changed."""
    all_rows = rows(comparison, severities)
    siblings: dict[int, list[int]] = {}
    for number, row in enumerate(all_rows):
        siblings.setdefault(row.parent, []).append(number)
    half = (width - 3) // 2
    first = True
    for parent, group in siblings.items():
        changed = [index for index, number in enumerate(group) if _stands_out(all_rows, number)]
        # Steps below an added or removed step are counted there.
        if not changed or (parent >= 0 and all_rows[parent].one_sided):
            continue
        if first:
            yield from ("", paint(f"{'old':{half}} │ new", "quiet"))
            first = False
        yield from _part(all_rows, parent, group, changed, width, paint)


def _stands_out(all_rows: list[Row], number: int) -> bool:
    row = all_rows[number]
    return row.shown and row.look != "same"


def _part(
    all_rows: list[Row], parent: int, group: list[int], changed: list[int], width: int, paint: Paint
) -> Iterator[str]:
    near = {index + offset for index in changed for offset in range(-CONTEXT, CONTEXT + 1)}
    yield paint(shorten(f"─ {_path(all_rows, parent)} ".ljust(width, "─"), width), "quiet")
    hidden = 0
    for index, number in enumerate(group):
        if index not in near:
            hidden += 1
            continue
        if hidden:
            yield _folded(hidden, width, paint)
        hidden = 0
        yield from _lines(all_rows[number], width, paint)
    if hidden:
        yield _folded(hidden, width, paint)


def _path(all_rows: list[Row], number: int) -> str:
    """Return ``1-1 [API] enclosing step / step``, "chapters" at the top."""
    if number < 0:
        return "chapters"
    row = all_rows[number]
    above = [] if row.parent < 0 else [shorten(all_rows[row.parent].node.text, 60)]
    steps = " / ".join([*above, clean(row.node.text)])
    return f"{short_address(row.node.address)} [{clean(row.node.service)}] {steps}"


def _folded(hidden: int, width: int, paint: Paint) -> str:
    return paint(shorten(f"  … {plural(hidden, 'step')} alike", width), "quiet")


def _lines(row: Row, width: int, paint: Paint) -> Iterator[str]:
    half = (width - 3) // 2
    # The difference may be at the end of a long text.
    most = 1 if row.look == "same" else LINES
    old, new = (_cell(node, half, most) for node in (row.pair.old, row.pair.new))
    middle = _MIDDLE[row.look]
    for left, right in zip_longest(old, new, fillvalue=""):
        yield paint(f"{left:{half}} {middle} {right}".rstrip(), row.look)
        middle = " "


def _cell(node: NormalStep | None, width: int, most: int) -> list[str]:
    """Return a step in a limited number of lines, the further ones under its text."""
    if node is None:
        return []
    address = short_address(node.address, ADDRESS)
    count = often(node.min_count, node.max_count)
    room = width - len(address) - 1
    text = shorten(node.text, room * most - len(count)) + count
    parts = [text[start : start + room] for start in range(0, len(text), room)]
    return [f"{address if not number else '':{len(address)}} {part}" for number, part in enumerate(parts)]
