"""The boot as numbered text, in the notation of a hand-written boot sequence."""

from __future__ import annotations

from collections.abc import Iterator

from diagrams import words
from diagrams.folding import Row, fold
from diagrams.text import clean, first_line, plain, plural, shorten, span, times
from tracer.model import Boot, LeftOut, Step


def outline(boot: Boot, detail: str = "calls") -> str:
    """The whole text: what boot it is, its tree, what was left out."""
    lines = [f"# {line}" for line in heading(boot)]
    rows = fold(boot, detail)
    lines += tree(rows, detail)
    lines += left_out(boot.left_out)
    return "\n".join(lines) + "\n"


def heading(boot: Boot) -> list[str]:
    """Which boot it is and how it ended."""
    where = f", host {boot.host}" if boot.host else ""
    names = {"instance": boot.uuid, "request": boot.request_id}
    ids = ", ".join(f"{name} {value}" for name, value in names.items() if value)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(boot.counts().items()))
    lines = [f"{boot.operation} {boot.server}".strip() + f": {boot.outcome}, {span(boot.duration)}{where}", ids, counts]
    return [clean(line) for line in lines if line]


def tree(rows: list[Row], detail: str) -> list[str]:
    """The rows' lines, notes directly under their step."""
    lines: list[str] = []
    for chapter in rows:
        for row in chapter.walk():
            lines.append(line(row, detail))
            lines += [f"- {text}" for text in notes(row, detail)]
    return lines


def line(row: Row, detail: str) -> str:
    """A step's line: address, service where it changes, words, where its casts lead."""
    step = row.step
    address = f"{step.address}…{row.last}" if row.count > 1 else step.address
    said = _service(row, detail) + words.title(step, row.around)
    return f"{address}. {said}{_links(step)}{times(row.count)}{_end(step, detail)}"


def _service(row: Row, detail: str) -> str:
    step = row.step
    if row.caller == step.service:
        return ""
    where = f" {step.host}" if step.host and detail == "full" else ""
    pid = f" {step.pid}" if step.pid and detail == "full" else ""
    return f"[{shorten(step.service + where + pid, words.TITLE)}] "


def _links(step: Step) -> str:
    opens = f" → {', '.join(map(clean, step.opens))}" if step.opens else ""
    return opens + (f" ← {clean(step.opened_by)}" if step.opened_by else "")


def _end(step: Step, detail: str) -> str:
    if not step.finished:
        return " … unfinished"
    return f" ({span(step.duration)})" if detail == "full" else ""


def notes(row: Row, detail: str) -> Iterator[str]:
    """The notes under a row: its error, what it carried, what happened in it, what it hides."""
    step = row.step
    if step.error is not None:
        yield _error(step)
    if detail == "full":
        yield from _carried(step, row.caller)
    yield from map(words.note, row.notes)
    if row.hidden:
        yield f"+{plural(row.hidden, 'call')}"


def _error(step: Step) -> str:
    """The error; where a step inside raised the very same, only its kind and where it came from."""
    for child in step.children:
        if child.error == step.error and child.numbered:
            kind = first_line(step.error or "").partition(":")[0]
            return f"! {shorten(kind, words.TITLE)}, from {child.address}"
    return f"! {words.error(step)}"


def _carried(step: Step, caller: str) -> Iterator[str]:
    if step.request_id and step.service != caller:
        yield f"request {clean(step.request_id)}"
    if query := words.query(step):
        yield f"query: {shorten(query, words.NOTE)}"
    for key in ("body", "arguments") if step.kind in ("http", "rpc") else ():
        if (value := step.attributes.get(key)) not in (None, "", [], {}):
            yield f"{key}: {shorten(plain(value), words.NOTE)}"
    if isinstance(waited := step.attributes.get("waited"), int):
        yield f"waited {span(waited)}"


def left_out(kept: list[LeftOut]) -> list[str]:
    """What ran in the same seconds and is no part of the boot."""
    if not kept:
        return []
    return ["", "left out, as no part of it:"] + [
        f"- {clean(one.service)}: {shorten(one.what, words.NOTE)} ({one.kind}){times(one.count)}" for one in kept
    ]
