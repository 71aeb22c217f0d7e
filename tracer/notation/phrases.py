"""What a step's line names, whether a trace says it or a person wrote it, in parts that can be compared."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from tracer.notation.scrub import argument, route

_ERROR = re.compile(r" ! [\w.]+$")
_SQL = re.compile(r"sql: (\w+)(?: (?!in )([A-Za-z_][\w.]*)((?:, [\w.]+)*))?")
_RPC = re.compile(r"rpc\.(\w+)\(\)(?: to (\S+?))?(?:: (\S+).*)?$")
_TO = re.compile(r"to (\w+): (\S+)")
_HTTP = re.compile(r"([A-Z]+) (/[^\s?]*)(?:\?\S*)?(?: → (\S+?))?(?:: (\d+))?$")
_HANDOFF = re.compile(r"hand-off to (\S+)(?: by \S+)?$")
_SERVED = re.compile(r"(\S+) by (\S+?\.py)(?:\.([\w.]+))?(?: -> (\w+)\(.*\))?$")
_CALL = re.compile(r"(\S+?\.py)(?:\.([\w.]+))? -> (\w+)\(.*\)$")
_MADE = re.compile(r"(\S+?\.py)\.(\w+)(?:\(.*\))?$")
_DOTTED = re.compile(r"(?:([\w.]+)\.)?(\w+)\(.*\)$")
_BARE = re.compile(r"(?:\w+\.)?[A-Za-z_]\w*")
_STATE = re.compile(r"\w+: (?:vm_state|task_state|power_state|host|node) ")
#: Hosts and nodes are named otherwise on every machine, so nobody can write which.
_BECAME = re.compile(r"(vm_state|task_state|power_state) (?:\S+ → )?(\S+?)(?:,|$)")

#: A request's function, by its method and whether one of the collection is meant: as Routes' mapper.resource has it.
_ACTIONS = {
    ("POST", False): "create", ("GET", False): "index", ("GET", True): "show", ("PUT", True): "update",
    ("DELETE", True): "delete",
}  # fmt: skip

#: What the words after it are looked up by; two lines that share none name different steps.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Phrase:
    """What is named: ``name`` a function, a message's method, a request's route, a table; the rest where it is said."""

    kind: str
    name: str
    path: str = ""
    #: A class, or of ``self.db.x()`` what stands before the function; of a command its arguments, of a statement
    #: its other tables.
    owner: str = ""
    #: A message that the far side serves, where that has another name than the function that serves it.
    message: str = ""
    mode: str = ""
    to: str = ""
    status: str = ""
    #: What else it may be found under when it happened.
    also: tuple[Key, ...] = ()

    @property
    def key(self) -> Key:
        """What it is looked up by when it was written."""
        return ("message", self.message) if self.message else (self.kind, self.name)

    @property
    def keys(self) -> tuple[Key, ...]:
        """All that it is found under when it happened."""
        if self.message:
            return ("message", self.message), (self.kind, self.name), *self.also
        return (self.key, ("rpc", "")) if self.kind == "rpc" else (self.key, *self.also)

    @property
    def home(self) -> tuple[str, str] | None:
        """The file and class that it enters, None where it enters none that is said."""
        return (self.path, self.owner) if self.path else None


@lru_cache(maxsize=65536)
def phrase(text: str, note: str = "") -> Phrase:
    """What a line names; ``note`` may name the message: ``to compute: run_instance``."""
    said = _ERROR.sub("", text)
    return next((found for read in _READERS if (found := read(said, note))), Phrase("words", said))


def named_by(notes: list[str]) -> str:
    """Of the notes under a message the one that says to whom it goes and what."""
    return next((note for note in notes if _TO.match(note)), "")


def state(text: str) -> frozenset[Key]:
    """What a state note says that became of what: of ``task_state None → spawning`` the end."""
    if not _STATE.match(text):
        return frozenset()
    return frozenset(("state", f"{what} {became.lower()}") for what, became in _BECAME.findall(text.partition(": ")[2]))


def unserved(said: Phrase) -> Phrase:
    """A request or a message at its receiver, where no hook told which function serves it: what function that may be.

    ``__getattr__`` is whatever its class has no method for.
    """
    if said.kind == "http" and not said.to:
        method, *parts = said.name.replace("/", " ").split()
        action = _ACTIONS.get((method, parts[-1:] == ["{id}"]))
        return replace(said, also=(("call", action),)) if action else said
    return replace(said, also=(("call", "__getattr__"),)) if said.message and not said.path else said


def resource(said: Phrase) -> str:
    """The collection that a request is about: ``servers``."""
    return next((part for part in reversed(said.name.split("/")) if part != "{id}"), "")


def _path(path: str) -> str:
    return path.removeprefix("nova/").replace("/__init__.py", ".py")


def _command(text: str, note: str) -> Phrase | None:
    if not text.startswith("$ "):
        return None
    program, *rest = text[2:].split() or [""]
    return Phrase("command", argument(program), owner=" ".join(map(argument, rest)))


def _sql(text: str, note: str) -> Phrase | None:
    if not (found := _SQL.match(text)):
        return None
    return Phrase("sql", f"{found[1]} {found[2] or ''}".strip(), owner=found[3] or "")


def _rpc(text: str, note: str) -> Phrase | None:
    if not (found := _RPC.match(text)):
        return None
    mode, to, method = found.groups()
    if not method and (told := _TO.match(note)):
        to, method = told.groups()
    return Phrase("rpc", method or "", mode=mode, to=to or "")


def _http(text: str, note: str) -> Phrase | None:
    if not (found := _HTTP.match(text)):
        return None
    method, path, to, status = found.groups()
    return Phrase("http", f"{method} {re.sub('{[^}]*}', '{id}', route(path))}", to=to or "", status=status or "")


def _handoff(text: str, note: str) -> Phrase | None:
    return Phrase("handoff", found[1].replace(".<locals>", "")) if (found := _HANDOFF.match(text)) else None


def _served(text: str, note: str) -> Phrase | None:
    if not (found := _SERVED.match(text)):
        return None
    message, path, owner, function = found.groups()
    return Phrase("call", function or message, _path(path), owner or "", message)


def _call(text: str, note: str) -> Phrase | None:
    if found := _CALL.match(text):
        return Phrase("call", found[3], _path(found[1]), found[2] or "")
    return Phrase("call", "__init__", _path(found[1]), found[2]) if (found := _MADE.match(text)) else None


def _dotted(text: str, note: str) -> Phrase | None:
    if not (found := _DOTTED.match(text)):
        return None
    owner = (found[1] or "").removeprefix("self.").rpartition(".")[2]
    return Phrase("call", found[2], owner=owner)


def _bare(text: str, note: str) -> Phrase | None:
    """A message at its receiver, as a trace says it that does not know who serves it."""
    return Phrase("call", text.rpartition(".")[2], message=text) if _BARE.fullmatch(text) else None


_READERS = (_command, _sql, _rpc, _http, _handoff, _served, _call, _dotted, _bare)
