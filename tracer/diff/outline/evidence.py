"""Functions that nobody saw being called, by what they left behind: the statements they made, the lines they logged."""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tracer.correlation import participants
from tracer.diff.outline import score
from tracer.diff.outline.match import OutlineMatch
from tracer.diff.outline.observed import ObservedStep, inside
from tracer.diff.outline.outline import OutlineStep
from tracer.diff.outline.score import OutlineLine, Pair
from tracer.notation import phrases

#: ``block_device_mapping_get_all_by_instance``: a function of a service's db module says what it reads or writes.
_NAMED = re.compile(r"(?P<table>\w+?)_(?P<verb>get|create|update|delete|destroy)(?:_|$)")
_VERBS = {
    "get": ("SELECT",), "create": ("INSERT",), "update": ("UPDATE",), "update_or_create": ("UPDATE", "INSERT"),
    "delete": ("UPDATE", "DELETE"), "destroy": ("UPDATE", "DELETE"),
}  # fmt: skip
#: Notes that say it of others: ``insert a row with defaults into instances``, ``volumes: status in-use``.
_INSERTS = re.compile(r"inserts? (?:[\w ]+ )?into (\w+)\b")
_SETS = re.compile(r"(\w+): \w")
#: A statement in a loop is looked at so many times.
_OFTEN = 64


@dataclass(frozen=True, slots=True)
class Statement:
    """What a function of the database's is known to send: one of ``verbs`` to the first of ``tables`` that there is."""

    verbs: tuple[str, ...]
    tables: tuple[str, ...]

    @property
    def texts(self) -> list[str]:
        """All that it may look like."""
        return [f"sql: {verb} {table}" for verb in self.verbs for table in self.tables]


def statement(line: OutlineLine) -> Statement | None:
    """The statement by which a written function would show; None where it is none of a db module's, or says nothing."""
    said = line.phrase
    if said.kind != "call" or (said.owner != "db" and not said.path.startswith("db/")):
        return None
    if found := _NAMED.match(said.name):
        verb = "update_or_create" if said.name.endswith("update_or_create") else found["verb"]
        return Statement(_VERBS[verb], _plurals(found["table"]))
    for note in line.written.notes:
        for pattern, verb in ((_INSERTS, "INSERT"), (_SETS, "UPDATE")):
            if noted := pattern.match(note):
                return Statement((verb,), (noted[1],))
    return None


def _plurals(name: str) -> tuple[str, ...]:
    return name, f"{name}s", f"{name}es", f"{name.removesuffix('y')}ies"


def gather(found: OutlineMatch) -> None:
    """Lay lines that were not found over what their functions left behind in the steps around."""
    found.services = _services(found)
    groups: dict[int, list[OutlineLine]] = defaultdict(list)
    for line in found.lines:
        around, service = found.around(line), found.services[id(line)]
        if not found.happened(line) and not found.sight.calls(service) and service == inside(around).node.service:
            groups[around.index].append(line)
    for lines in groups.values():
        start = inside(found.around(lines[0]))
        hints = _left_behind(found, start)
        _link(found, _by_statement(lines, [one for one in hints if one.node.kind == "sql"], start))
        _link(found, _by_log([line for line in lines if not found.happened(line)], hints))
    found.services = _services(found)


def _services(found: OutlineMatch) -> dict[int, str]:
    """In whose process each line runs: that of the step around, unless it or a line between says another."""
    services_: dict[int, str] = {}
    for line in found.lines:
        steps = found.steps.get(id(line))
        if steps:
            services_[id(line)] = steps[0].node.service
        elif found.steps.get(id(line.parent)) or id(line.parent) not in services_:
            services_[id(line)] = _says(line) or inside(found.around(line)).node.service
        else:
            services_[id(line)] = _says(line) or services_[id(line.parent)]
    return services_


def _says(line: OutlineLine) -> str:
    """The service that a line names; a manager is what takes the messages to a service of its own."""
    if line.home and line.home[0].endswith("manager.py"):
        module = line.home[0].removesuffix(".py").replace("/", ".")
        return participants.of_module(f"nova.{module}") or line.written.service
    return line.written.service


def _left_behind(found: OutlineMatch, start: ObservedStep) -> list[ObservedStep]:
    """Statements and log lines of one step in its own service, as often as they happened."""
    hints, stack = [], [start]
    while stack:
        one = stack.pop()
        hints += [*one.evidence, *(child for child in one.children if not child.real)]
        stack += [child for child in one.children if child.real and child.node.service == start.node.service]
    hints.sort(key=lambda one: one.index)
    return [one for one in hints if one.index not in found.written for _ in range(min(one.node.high, _OFTEN))]


def _by_statement(lines: list[OutlineLine], statements: list[ObservedStep], start: ObservedStep) -> Iterator[Pair]:
    """Functions over statements: in their order where that can be, and by the states they set."""
    made = {one.phrase.name for one in statements}
    stands_for: dict[OutlineLine, OutlineLine] = {}
    for line in lines:
        sent = statement(line)
        text = next((text for text in sent.texts if phrases.phrase(text).name in made), "") if sent else ""
        if text:
            states = [note for note in line.written.notes if phrases.state(note)]
            stand_in = OutlineLine(
                OutlineStep("", text, notes=states, line=line.written.line), optional=line.conditional
            )
            stands_for[stand_in] = line
    wanted, free = list(stands_for), statements
    for lay in (score.in_order, score.in_any_order):
        pairs = lay(wanted, free, start) if lay is score.in_any_order or score.may_compare(wanted, free) else []
        yield from ((stands_for[stand_in], one) for stand_in, one in pairs)
        laid, used = {stand_in for stand_in, _ in pairs}, Counter(one.index for _, one in pairs)
        wanted = [line for line in wanted if line not in laid]
        free = list(_unused(free, used))


def _unused(statements: list[ObservedStep], used: Counter[int]) -> Iterator[ObservedStep]:
    """Those that are left; one that happened several times was given so often."""
    for one in statements:
        if used[one.index]:
            used[one.index] -= 1
        else:
            yield one


def _by_log(lines: list[OutlineLine], hints: list[ObservedStep]) -> Iterator[Pair]:
    """Functions over lines that they logged."""
    logged: dict[tuple[str, str], deque[ObservedStep]] = defaultdict(deque)
    for one in hints:
        if one.node.kind == "log" and one.phrase.path:
            logged[one.phrase.path, one.phrase.name].append(one)
    for line in lines:
        queue = logged.get((line.home[0], line.phrase.name)) if line.home and line.phrase.kind == "call" else None
        if queue:
            yield line, queue.popleft()


def _link(found: OutlineMatch, pairs: Iterable[Pair]) -> None:
    for line, one in pairs:
        found.steps[id(line)] = [one]
        found.written.setdefault(one.index, line)
        found.times[id(line)] = line.written.low or 1
