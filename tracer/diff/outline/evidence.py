"""Evidence of functions whose calls were not recorded: their statements and log lines."""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tracer.diff.outline import score
from tracer.diff.outline.match import OutlineMatch
from tracer.diff.outline.observed import ObservedStep, inside
from tracer.diff.outline.outline import OutlineStep
from tracer.diff.outline.score import OutlineLine, Pair
from tracer.model import participants
from tracer.notation import phrases

#: ``block_device_mapping_get_all_by_instance``: a function of a db module names the table and the verb.
_NAMED = re.compile(r"(?P<table>\w+?)_(?P<verb>get|create|update|delete|destroy)(?:_|$)")
_VERBS = {
    "get": ("SELECT",), "create": ("INSERT",), "update": ("UPDATE",), "update_or_create": ("UPDATE", "INSERT"),
    "delete": ("UPDATE", "DELETE"), "destroy": ("UPDATE", "DELETE"),
}  # fmt: skip
#: Notes that name the table of other functions: ``insert a row with defaults into instances``,
#: ``volumes: status in-use``.
_INSERTS = re.compile(r"inserts? (?:[\w ]+ )?into (\w+)\b")
_SETS = re.compile(r"(\w+): \w")
#: The most occurrences of a statement that are used.
_OFTEN = 64


@dataclass(frozen=True, slots=True)
class Statement:
    """The statement of a database function: one of ``verbs`` on the first of ``tables`` that exists."""

    verbs: tuple[str, ...]
    tables: tuple[str, ...]

    @property
    def texts(self) -> list[str]:
        """Its possible texts."""
        return [f"sql: {verb} {table}" for verb in self.verbs for table in self.tables]


def statement(line: OutlineLine) -> Statement | None:
    """Return the statement that would show a written function; None if it is not in a db module or names no table."""
    phrase = line.phrase
    if phrase.kind != "call" or (phrase.owner != "db" and not phrase.path.startswith("db/")):
        return None
    if match := _NAMED.match(phrase.name):
        verb = "update_or_create" if phrase.name.endswith("update_or_create") else match["verb"]
        return Statement(_VERBS[verb], _plurals(match["table"]))
    for note in line.written.notes:
        for pattern, verb in ((_INSERTS, "INSERT"), (_SETS, "UPDATE")):
            if noted := pattern.match(note):
                return Statement((verb,), (noted[1],))
    return None


def _plurals(name: str) -> tuple[str, ...]:
    return name, f"{name}s", f"{name}es", f"{name.removesuffix('y')}ies"


def gather(match: OutlineMatch) -> None:
    """Match unmatched lines with the statements and log lines in the steps around them."""
    match.services = _services(match)
    groups: dict[int, list[OutlineLine]] = defaultdict(list)
    for line in match.lines:
        around, service = match.around(line), match.services[line]
        if not match.happened(line) and not match.visibility.calls(service) and service == inside(around).node.service:
            groups[around.index].append(line)
    for lines in groups.values():
        start = inside(match.around(lines[0]))
        hints = _hints(match, start)
        _link(match, _by_statement(lines, [step for step in hints if step.node.kind == "sql"], start))
        _link(match, _by_log([line for line in lines if not match.happened(line)], hints))
    match.services = _services(match)


def _services(match: OutlineMatch) -> dict[OutlineLine | None, str]:
    """Return the service of each line: that of the step around, unless it or a line between names another."""
    services: dict[OutlineLine | None, str] = {}
    for line in match.lines:
        steps = match.steps.get(line)
        if steps:
            services[line] = steps[0].node.service
        elif match.steps.get(line.parent) or line.parent not in services:
            services[line] = _named_service(line) or inside(match.around(line)).node.service
        else:
            services[line] = _named_service(line) or services[line.parent]
    return services


def _named_service(line: OutlineLine) -> str:
    """Return the service that a line names; a manager module belongs to the service of its package."""
    if line.home and line.home[0].endswith("manager.py"):
        module = line.home[0].removesuffix(".py").replace("/", ".")
        return participants.of_module(f"nova.{module}") or line.written.service
    return line.written.service


def _hints(match: OutlineMatch, start: ObservedStep) -> list[ObservedStep]:
    """Return the free statements and log lines of a step in its own service, repeated by their counts."""
    hints, stack = [], [start]
    while stack:
        step = stack.pop()
        hints += [*step.evidence, *(child for child in step.children if not child.real)]
        stack += [child for child in step.children if child.real and child.node.service == start.node.service]
    hints.sort(key=lambda step: step.index)
    return [step for step in hints if step.index not in match.written for _ in range(min(step.node.max_count, _OFTEN))]


def _by_statement(lines: list[OutlineLine], statements: list[ObservedStep], start: ObservedStep) -> Iterator[Pair]:
    """Match functions with statements, in order where possible, and by the states they set."""
    recorded = {step.phrase.name for step in statements}
    stands_for: dict[OutlineLine, OutlineLine] = {}
    for line in lines:
        sent = statement(line)
        text = next((text for text in sent.texts if phrases.phrase(text).name in recorded), "") if sent else ""
        if text:
            states = [note for note in line.written.notes if phrases.state(note)]
            stand_in = OutlineLine(
                OutlineStep("", text, notes=states, line=line.written.line), optional=line.conditional
            )
            stands_for[stand_in] = line
    wanted, free = list(stands_for), statements
    for lay in (score.in_order, score.in_any_order):
        pairs = lay(wanted, free, start) if lay is score.in_any_order or score.may_compare(wanted, free) else []
        yield from ((stands_for[stand_in], step) for stand_in, step in pairs)
        laid, used = {stand_in for stand_in, _ in pairs}, Counter(step.index for _, step in pairs)
        wanted = [line for line in wanted if line not in laid]
        free = list(_unused(free, used))


def _unused(statements: list[ObservedStep], used: Counter[int]) -> Iterator[ObservedStep]:
    """Yield the unused statements; repeated ones occur several times in the list."""
    for step in statements:
        if used[step.index]:
            used[step.index] -= 1
        else:
            yield step


def _by_log(lines: list[OutlineLine], hints: list[ObservedStep]) -> Iterator[Pair]:
    """Match functions with lines that they logged."""
    logged: dict[tuple[str, str], deque[ObservedStep]] = defaultdict(deque)
    for step in hints:
        if step.node.kind == "log" and step.phrase.path:
            logged[step.phrase.path, step.phrase.name].append(step)
    for line in lines:
        queue = logged.get((line.home[0], line.phrase.name)) if line.home and line.phrase.kind == "call" else None
        if queue:
            yield line, queue.popleft()


def _link(match: OutlineMatch, pairs: Iterable[Pair]) -> None:
    for line, step in pairs:
        match.steps[line] = [step]
        match.written.setdefault(step.index, line)
        match.times[line] = line.written.min_count or 1
