"""The boot as numbered text, in the notation of a hand-written boot sequence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from diagrams.sequence.fold import Row, fold, shown_notes
from diagrams.text import by_kind, clean, plain, plural, shorten, span, times
from diagrams.words import steps
from tracer.model import LeftOut, Request, Step

_WORDS = {
    "context": "by its thread", "handoff": "by its hand-off", "msg_id": "by message id", "unique_id": "by message id",
    "message": "by the message itself", "payload": "by the message's text", "request_id": "by request id",
    "global_request_id": "by the caller's request id", "topic_order": "by the order in its topic",
    "call_id": "by the id of its call", "request": "by method, path and time", "instance": "by instance",
    "port": "by port", "span": "by the tracer's parent", "time": "by time",
}  # fmt: skip
#: Ties that may be wrong, based only on the order, the time or the instance.
_WEAK = frozenset({"topic_order", "request", "instance", "time"})


def _tie(step: Step) -> str:
    """Return ``by request id``, ``by time``; "" at a root."""
    return _WORDS.get(step.tied_by, f"by {step.tied_by}" if step.tied_by else "")


def _doubt(step: Step) -> str:
    """Return the tie if it is less certain than an id, else ""."""
    return _tie(step) if step.tied_by in _WEAK else ""


def _summary(boot: Request) -> str:
    """Return ``tied: rpc 34 by message id; sql 812 by request id, 40 by time``; "" if hooks recorded every step."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    unhooked = False
    for step in boot.walk():
        unhooked = unhooked or "hooks" not in step.witnesses
        if step.tied_by and step.kind != "state":
            counts[step.kind][_tie(step)] += 1
    parts = (
        f"{kind} {', '.join(f'{count} {how}' for how, count in counts[kind].most_common())}" for kind in sorted(counts)
    )
    return f"tied: {'; '.join(parts)}" if unhooked and counts else ""


def outline(boot: Request, detail: str = "calls") -> str:
    """Return the whole text: heading, tree, and steps left out."""
    counts = by_kind(boot.counts())
    tied = shorten(_summary(boot), steps.NOTE) if detail == "full" else ""
    lines = [f"# {line}" for line in (*steps.heading(boot), shorten(counts, steps.NOTE), tied) if line]
    rows = fold(boot, detail)
    lines += tree(rows, detail)
    if boot.left_out:
        lines += ["", "left out, as no part of it:", *(f"- {text}" for text in left_out(boot.left_out))]
    return "\n".join(lines) + "\n"


def tree(rows: list[Row], detail: str) -> list[str]:
    """Return the lines of the rows, notes directly under their step."""
    lines: list[str] = []
    for chapter in rows:
        for row in chapter.walk():
            lines.append(line(row, detail))
            if row is chapter and detail == "full" and _is_logged_part(row.step):
                lines.append(f"- {span(row.step.start - rows[0].step.start)} after the request began")
            lines += [f"- {text}" for text in notes(row, detail)]
    # Cleaned last: an address or a kind may be hostile as well.
    return [clean(line) for line in lines]


def line(row: Row, detail: str, *, timed: bool = False) -> str:
    """Return a step's line: address, service if it changes, text, chapters of its casts; ``timed`` adds durations."""
    step = row.step
    address = f"{step.address}…{row.last}" if row.count > 1 else step.address
    text = service(step, row.caller, detail) + row.text
    return f"{address}. {text}{links(step)}{times(row.count)}{_end(step, detail, timed)}"


def _is_logged_part(step: Step) -> bool:
    """Return whether only log lines report a chapter: what it began with, and when, no message shows."""
    return step.kind == "call" and step.witnesses == ("logs",) and not step.opened_by


def service(step: Step, caller: str, detail: str = "") -> str:
    """Return ``[conductor] `` where the step's service is another than its caller's, else ""."""
    if caller == step.service:
        return ""
    where = f" {step.host}" if step.host and detail == "full" else ""
    pid = f" {step.pid}" if step.pid and detail == "full" else ""
    return f"[{shorten(step.service + where + pid, steps.TITLE)}] "


def links(step: Step) -> str:
    """Return the chapters that a step's messages opened, and the sender of a chapter's."""
    opens = f" → {', '.join(step.opens)}" if step.opens else ""
    return opens + (f" ← {step.opened_by}" if step.opened_by else "")


def _end(step: Step, detail: str, timed: bool) -> str:
    if not step.finished:
        return " … unfinished"
    parts = filter(None, (span(step.duration), _doubt(step)))
    return f" ({', '.join(parts)})" if timed or detail == "full" else ""


def notes(row: Row, detail: str) -> Iterator[str]:
    """Return the notes under a row: its error, its query, its own notes, its hidden steps."""
    step = row.step
    if step.error is not None:
        yield f"! {steps.raised(step)}"
    if ended_by := step.text("ended_by"):
        yield f"ended by {shorten(ended_by, steps.TITLE)}"
    if receiver := step.text("unrecorded"):
        yield f"{shorten(receiver, steps.TITLE)} was not recorded"
    if detail == "full":
        yield from _carried(step, row.caller)
    for note in shown_notes(row.notes, detail):
        doubt = _doubt(note) if detail == "full" else ""
        yield steps.note_in(note, step.service) + (f" ({doubt})" if doubt else "")
    if row.hidden:
        yield f"+{plural(row.hidden, 'call')}"


def _carried(step: Step, caller: str) -> Iterator[str]:
    if step.request_id and step.service != caller:
        yield f"request {shorten(step.request_id, steps.TITLE)}"
    if query := steps.query(step):
        yield f"query: {shorten(query, steps.NOTE)}"
    for key in ("body", "arguments") if step.kind in ("http", "rpc") else ():
        if (value := step.attributes.get(key)) not in (None, "", [], {}):
            yield f"{key}: {shorten(plain(value), steps.NOTE)}"
    if isinstance(waited := step.attributes.get("waited"), int):
        yield f"waited {span(waited)}"


def left_out(omitted: list[LeftOut]) -> list[str]:
    """Return the lines on steps that ran in the same seconds but do not belong to the boot."""
    return [
        clean(f"{entry.service}: {shorten(entry.what, steps.NOTE)} ({entry.kind}){times(entry.count)}")
        for entry in omitted
    ]
