"""The parts of a step's line, from a trace or written by a person, in a form in which both can be compared.

Requests, hand-offs and errors are written alike in both, so ``parse`` reads them. The other patterns are looser than
those of ``parse`` on purpose: a written line may have arguments, a missing receiver, class or file, other words after
a statement's tables, and ``self.db.x()`` for a call. With these, ``parse`` would take one step for another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from tracer.model import lanes
from tracer.notation.parse import HANDOFF, HTTP, split_error
from tracer.notation.scrub import argument, route
from tracer.notation.source_paths import short_path

_SQL = re.compile(r"sql: (\w+)(?: (?!in )([A-Za-z_][\w.]*)((?:, [\w.]+)*))?")
_RPC = re.compile(r"rpc\.(\w+)\(\)(?: to (\S+?))?(?:: (\S+).*)?$")
_TO = re.compile(r"to ([\w-]+): (\S+)")
_SERVED = re.compile(r"(\S+) by (\S+?\.py)(?:\.([\w.]+))?(?: -> (\w+)\(.*\))?$")
_CALL = re.compile(r"(\S+?\.py)(?:\.([\w.]+))? -> (\w+)\(.*\)$")
_CONSTRUCTED = re.compile(r"(\S+?\.py)\.(\w+)(?:\(.*\))?$")
_DOTTED = re.compile(r"(?:([\w.]+)\.)?(\w+)\(.*\)$")
_BARE = re.compile(r"(?:\w+\.)?[A-Za-z_]\w*")
_STATE = re.compile(r"\w+: (?:vm_state|task_state|power_state|host|node) ")
#: Names of hosts and nodes differ on every machine, so outlines cannot write them.
_BECAME = re.compile(r"(vm_state|task_state|power_state) (?:\S+ → )?(\S+?)(?:,|$)")

#: A request's function, by its method and whether one of the collection is meant: as Routes' mapper.resource has it.
_ACTIONS = {
    ("POST", False): "create", ("GET", False): "index", ("GET", True): "show", ("PUT", True): "update",
    ("DELETE", True): "delete",
}  # fmt: skip

#: The key of a line in an index of steps; lines without a key in common name different steps.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Phrase:
    """The step that a line names.

    ``name`` is a function, a message's method, a request's route or a table; the other fields are "" where the line
    lacks them.
    """

    kind: str
    name: str
    path: str = ""
    #: A class or, of ``self.db.x()``, the part before the function; of a command its arguments, of a statement
    #: its other tables.
    owner: str = ""
    #: A message at its receiver, where its name differs from that of the function that serves it.
    message: str = ""
    mode: str = ""
    to: str = ""
    status: str = ""
    #: Further keys of a step that happened.
    also: tuple[Key, ...] = ()

    @property
    def key(self) -> Key:
        """Return the key of a written line."""
        return ("message", self.message) if self.message else (self.kind, self.name)

    @property
    def keys(self) -> tuple[Key, ...]:
        """Return all keys of a step that happened."""
        if self.message:
            return ("message", self.message), (self.kind, self.name), *self.also
        return (self.key, ("rpc", "")) if self.kind == "rpc" else (self.key, *self.also)

    @property
    def home(self) -> tuple[str, str] | None:
        """Return the file and class that it enters, None if the line names no file."""
        return (self.path, self.owner) if self.path else None


@lru_cache(maxsize=65536)
def phrase(text: str, note: str = "") -> Phrase:
    """Parse a line; ``note`` may name the message: ``to compute: run_instance``."""
    body, _ = split_error(text)
    return next((parsed for read in _READERS if (parsed := read(body, note))), Phrase("words", body))


def named_by(notes: list[str]) -> str:
    """Return the note under a message that names its receiver and method, "" if none does."""
    return next((note for note in notes if _TO.match(note)), "")


def state(text: str) -> frozenset[Key]:
    """Return the new states in a state note as keys: of ``task_state None → spawning`` the second."""
    if not _STATE.match(text):
        return frozenset()
    return frozenset(("state", f"{what} {became.lower()}") for what, became in _BECAME.findall(text.partition(": ")[2]))


def unserved(step: Phrase) -> Phrase:
    """Add the keys of functions that may serve a request or message whose endpoint no hook recorded.

    ``__getattr__`` serves every method that its class lacks.
    """
    if step.kind == "http" and not step.to:
        method, *parts = step.name.replace("/", " ").split()
        action = _ACTIONS.get((method, parts[-1:] == ["{id}"]))
        return replace(step, also=(("call", action),)) if action else step
    return replace(step, also=(("call", "__getattr__"),)) if step.message and not step.path else step


def resource(request: Phrase) -> str:
    """Return the collection in a request's route: ``servers``."""
    return next((part for part in reversed(request.name.split("/")) if part != "{id}"), "")


def _path(path: str) -> str:
    return short_path(path).replace("/__init__.py", ".py")


def _command(text: str, note: str) -> Phrase | None:
    if not text.startswith("$ "):
        return None
    program, *rest = text[2:].split() or [""]
    return Phrase("command", argument(program), owner=" ".join(map(argument, rest)))


def _sql(text: str, note: str) -> Phrase | None:
    if not (match := _SQL.match(text)):
        return None
    return Phrase("sql", f"{match[1]} {match[2] or ''}".strip(), owner=match[3] or "")


def _rpc(text: str, note: str) -> Phrase | None:
    if not (match := _RPC.match(text)):
        return None
    mode, to, method = match.groups()
    if not method and (receiver := _TO.match(note)):
        to, method = receiver.groups()
    return Phrase("rpc", method or "", mode=mode, to=lanes.family(to or ""))


def _http(text: str, note: str) -> Phrase | None:
    if not (match := HTTP.match(text)):
        return None
    method, path, _, to, status = match.groups()
    name = f"{method} {re.sub('{[^}]*}', '{id}', route(path))}"
    return Phrase("http", name, to=lanes.family(to or ""), status=status or "")


def _handoff(text: str, note: str) -> Phrase | None:
    return Phrase("handoff", match[1].replace(".<locals>", "")) if (match := HANDOFF.match(text)) else None


def _served(text: str, note: str) -> Phrase | None:
    if not (match := _SERVED.match(text)):
        return None
    message, path, owner, function = match.groups()
    return Phrase("call", function or message, _path(path), owner or "", message)


def _call(text: str, note: str) -> Phrase | None:
    if match := _CALL.match(text):
        return Phrase("call", match[3], _path(match[1]), match[2] or "")
    return Phrase("call", "__init__", _path(match[1]), match[2]) if (match := _CONSTRUCTED.match(text)) else None


def _dotted(text: str, note: str) -> Phrase | None:
    if not (match := _DOTTED.match(text)):
        return None
    owner = (match[1] or "").removeprefix("self.").rpartition(".")[2]
    return Phrase("call", match[2], owner=owner)


def _bare(text: str, note: str) -> Phrase | None:
    """Parse a message at its receiver from a trace in which no endpoint is known."""
    return Phrase("call", text.rpartition(".")[2], message=text) if _BARE.fullmatch(text) else None


_READERS = (_command, _sql, _rpc, _http, _handoff, _served, _call, _dotted, _bare)
