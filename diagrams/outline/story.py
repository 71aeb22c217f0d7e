"""The story of a boot as numbered text."""

from __future__ import annotations

from diagrams.outline.outline import links, service
from diagrams.sequence.places import chapter_end
from diagrams.sequence.story import LINES, Scene, story
from diagrams.text import by_kind, clean, plural, shorten, span, times
from diagrams.words import steps
from tracer.model import Request
from tracer.model.steps import walk
from tracer.notation.marks import WORTH_TIMING

#: Lines below one row.
_NOTES = 6


def outline(boot: Request, lines: int = LINES) -> str:
    """Return the heading and the story, ``lines`` lines at most."""
    heading = [f"# {line}" for line in (*steps.heading(boot), shorten(by_kind(boot.counts()), steps.NOTE)) if line]
    left_out = sum(entry.count for entry in boot.left_out)
    footer = [f"# left out, as no part of it: {plural(left_out, 'step')}"] if left_out else []
    room = max(lines - len(heading) - len(footer), 1)
    ends = {chapter.address: chapter_end(chapter) for chapter in boot.chapters}
    text = _lines(story(boot, lambda chapters: len(_lines(chapters, ends)), room), ends)
    if len(text) > room:
        text = [*text[: room - 1], f"- … {plural(len(text) - room + 1, 'further line')}"]
    # Cleaned last: an address or a kind may be hostile as well.
    return "\n".join(map(clean, [*heading, *text, *footer])) + "\n"


def _lines(chapters: list[Scene], ends: dict[str, int | None]) -> list[str]:
    return [text for chapter in chapters for row in walk(chapter) for text in (_line(row, ends), *_notes(row))]


def _line(row: Scene, ends: dict[str, int | None]) -> str:
    step = row.step
    address = f"{step.address}…{row.last}" if row.count > 1 else step.address
    hidden = f" +{plural(row.hidden, 'call')}" if row.hidden else ""
    return f"{address}. {service(step, row.caller)}{row.text}{links(step)}{times(row.count)}{_took(row, ends)}{hidden}"


def _took(row: Scene, ends: dict[str, int | None]) -> str:
    """Return the time of a step with the work that its messages began; "" for one of many, and for a short one."""
    step = row.step
    if step.end is None:
        return " … unfinished"
    last = [ends.get(address) for address in (step.address, *step.opens)]
    took = max(step.end, *(end for end in last if end is not None), 0) - step.start
    return f" ({span(took)})" if took >= WORTH_TIMING and row.count == 1 else ""


def _notes(row: Scene) -> list[str]:
    """Return the lines below a row: its errors, and what it shows of its notes."""
    step = row.step
    mark = "handled:" if row.recovered else "!"
    texts = [f"{mark} {steps.raised(end)}" for end in (step, row.far) if end is not None and end.error is not None]
    if ended_by := step.text("ended_by"):
        texts.append(f"ended by {shorten(ended_by, steps.TITLE)}")
    if receiver := step.text("unrecorded"):
        texts.append(f"{shorten(receiver, steps.TITLE)} was not recorded")
    texts += [steps.note_in(note, step.service) for note in row.shown_notes()]
    handled = [steps.error(error) for error in row.handled]
    texts += [f"handled: {text}{times(handled.count(text))}" for text in dict.fromkeys(handled)]
    if len(texts) > _NOTES:
        texts = [*texts[: _NOTES - 1], f"+{plural(len(texts) - _NOTES + 1, 'note')}"]
    return [f"- {text}" for text in dict.fromkeys(texts)]
