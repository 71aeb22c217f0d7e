"""The tables of a boot: participants, SQL by table and verb, slowest steps, states over time; rows of plain text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from heapq import nlargest

from diagrams.sequence.model import lane_order
from diagrams.text import clean, plain, shorten, span
from diagrams.words import steps
from tracer.model import Request, Step

#: Columns of the table of participants, in the order of the document.
_KINDS = {
    "call": "calls", "http": "HTTP", "rpc": "RPC", "handoff": "hand-offs", "libvirt": "libvirt", "command": "commands",
    "sql": "SQL", "state": "states", "log": "log lines", "ask": "ask lines", "wait": "waits",
}  # fmt: skip
_VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_OTHER = "other"
#: The maximum number of rows: further tables are counted in the last row, further steps are dropped.
_MOST_TABLES, _SLOWEST = 40, 15


@dataclass(frozen=True, slots=True)
class Table:
    """A table: columns with text of the cloud, then columns with figures, and the rows."""

    texts: list[str]
    figures: list[str]
    rows: list[list[str]]

    def __post_init__(self) -> None:
        for row in self.rows:
            row[: len(self.texts)] = [shorten(cell, steps.TITLE) for cell in row[: len(self.texts)]]


def participants(boot: Request) -> Table:
    """Return a row per service with its counts; kinds without a step have no column."""
    counts: dict[str, Counter[str]] = {}
    for step in boot.walk():
        counts.setdefault(step.service, Counter())[step.kind] += 1
    kinds = [kind for kind in _KINDS if any(tally[kind] for tally in counts.values())]
    rows = [[name, *_numbers(counts[name], kinds)] for name in sorted(counts, key=lane_order)]
    return Table([""], [_KINDS[kind] for kind in kinds], rows)


def statements(boot: Request) -> Table:
    """Return a row per table: statements by verb and their time; a statement with several tables counts at each."""
    counts: dict[str, Counter[str]] = {}
    took: Counter[str] = Counter()
    for step in boot.walk():
        if step.kind != "sql":
            continue
        verb = step.text("verb") if step.text("verb") in _VERBS else _OTHER
        for table in _tables(step):
            counts.setdefault(table, Counter())[verb] += 1
            took[table] += step.duration or 0
    verbs = [verb for verb in (*_VERBS, _OTHER) if any(tally[verb] for tally in counts.values())]
    ordered = sorted(counts, key=lambda table: (-counts[table].total(), table))
    rows = [[table, *_numbers(counts[table], verbs), span(took[table])] for table in ordered[:_MOST_TABLES]]
    if rest := ordered[_MOST_TABLES:]:
        together = sum((counts[table] for table in rest), Counter[str]())
        rows.append([f"{len(rest)} more", *_numbers(together, verbs), span(sum(took[table] for table in rest))])
    return Table(["table"], [*verbs, "time"], rows)


def _tables(step: Step) -> list[str]:
    named = step.attributes.get("tables")
    tables = dict.fromkeys(clean(plain(name)) for name in named) if isinstance(named, list) else {}
    return list(tables) or ["–"]


def slowest(boot: Request) -> Table:
    """Return the steps with the most own time, without the time of their children."""
    own = [(own_time(step), step) for step in boot.walk()]
    most = nlargest(_SLOWEST, [entry for entry in own if entry[0] > 0], key=lambda entry: entry[0])
    rows = [[step.address, _wording(step), step.service, span(time), span(step.duration)] for time, step in most]
    return Table(["address", "step", "in"], ["itself", "in all"], rows)


def _wording(step: Step) -> str:
    return steps.title(step) if step.numbered else steps.note(step)


def own_time(step: Step) -> int:
    """Return the nanoseconds in which ``step`` ran and nothing inside it did; 0 while it is unfinished."""
    if step.end is None:
        return 0
    left, cursor = 0, step.start
    for child in sorted(step.children, key=lambda inner: inner.start):
        left += max(0, min(child.start, step.end) - cursor)
        cursor = max(cursor, step.end if child.end is None else child.end)
    return left + max(0, step.end - cursor)


def states(boot: Request) -> Table:
    """Return the states with the times at which they were set, from the boot's start on."""
    state_steps = sorted((step for step in boot.walk() if step.kind == "state"), key=lambda step: step.start)
    start = boot.started
    rows = [
        [state.address, steps.note(state), state.service, f"{(state.start - start) / 1e9:.3f} s"]
        for state in state_steps
    ]
    return Table(["address", "state", "by"], ["after"], rows)


def _numbers(counts: Counter[str], names: list[str] | tuple[str, ...]) -> list[str]:
    return [str(counts[name] or "") for name in names]
