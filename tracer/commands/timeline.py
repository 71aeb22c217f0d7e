"""The timeline of ``bootseq show``: its filters, and its entries in columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from diagrams.text import span
from diagrams.words import steps
from tracer import timeline, times, trace_file
from tracer.commands import printing
from tracer.commands.options import added
from tracer.errors import TracerError
from tracer.model import Request, Step, Trace, lanes
from tracer.text import command, first_and_last, printable
from tracer.timeline import LEVELS, Entry, Subject

#: Entries held in memory; nobody reads more.
MAX_ENTRIES = 200_000


#: The filters of ``show``; each is None or empty where it is not used.
filter_options = added(
    click.option("--level", type=click.Choice(LEVELS, case_sensitive=False), help="Timeline: this and above."),
    click.option("--service", "services", multiple=True, metavar="NAME", help="Only this service; repeatable."),
    click.option("--grep", "pattern", metavar="REGEX", help="Only what has a text that matches.",
                 callback=lambda context, option, value: _compiled(value)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """The entries to print: level, services (all if empty), and a pattern of their text."""

    level: str | None = None
    services: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None

    @property
    def used(self) -> bool:
        """True if any filter was given."""
        return bool(self.level or self.services or self.pattern)

    def pass_(self, entry: Entry) -> bool:
        """Return whether an entry is to be printed."""
        return (
            (not self.level or LEVELS.index(entry.level) >= LEVELS.index(self.level))
            and (not self.services or not {entry.service, lanes.family(entry.service)}.isdisjoint(self.services))
            and (not self.pattern or self.pattern.search(entry.text) is not None)
        )


def show(path: Path, word: str, filters: Filters, as_json: bool) -> None:
    """Print the entries that name ``word`` in order of time; TracerError if nothing names it."""
    entries, named = _entries(path, word, filters)
    if not named:
        raise TracerError(f"{path}: nothing names {word!r}; see: {command('bootseq', 'list', '--all', path)}")
    if as_json:
        printing.as_json([_row(entry) for entry in entries])
    else:
        for line in _columns(entries):
            printing.out(line)


def _entries(path: Path, word: str, filters: Filters) -> tuple[list[Entry], int]:
    """Return the entries in order of time, and how many there are without the filters."""
    entries: list[Entry] = []
    named = 0

    def add(entry: Entry) -> None:
        nonlocal named
        named += 1
        if filters.pass_(entry):
            entries.append(entry)
        if len(entries) > MAX_ENTRIES:
            raise TracerError(f"{path}: over {MAX_ENTRIES:,} entries; narrow them: --level, --service, --grep")

    subjects: list[Subject] = []

    def begin(trace: Trace) -> Callable[[Request, Step], None]:
        subject = Subject(word, trace)
        subjects.append(subject)

        def take(request: Request, step: Step) -> None:
            if subject.names(request, step):
                add(timeline.entry(request, step, _text(step)))

        return take

    trace = trace_file.scan(path, begin)
    for line in trace.lines:
        if subjects[0].names_line(line):
            add(timeline.entry_of_line(line))
    return sorted(entries, key=lambda entry: entry.time), named


def _text(step: Step) -> str:
    """Return the words of a step as the tree has them, with its duration and its error."""
    if not step.numbered:
        return steps.note(step)
    took = f" ({span(step.duration)})" if step.duration else "" if step.finished else " … unfinished"
    return steps.title(step) + took + (f" ! {steps.error(step)}" if step.error is not None else "")


def _row(entry: Entry) -> dict[str, Any]:
    return {"time": times.iso(entry.time), "ns": entry.time} | {
        name: value for name, value in asdict(entry).items() if name != "time"
    }


def _columns(entries: list[Entry]) -> list[str]:
    cells = ([entry.host or "-", entry.service or "-", entry.level, first_and_last(entry.text)] for entry in entries)
    return printing.aligned(
        [[times.plain(entry.time), *map(printable, row)] for entry, row in zip(entries, cells, strict=True)]
    )


def _compiled(text: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text is not None else None
    except re.error as error:
        raise click.BadParameter(f"{text}: {error}") from None
