"""Ids and names in local variables: stored attributes of known classes, and variables of known functions.

Nothing of the host's runs for them, and no other value leaves the process: each is cut to an id, a name, the verb and
table of a statement, or an address without its query.
"""

from __future__ import annotations

import re
from itertools import islice
from types import CodeType, FrameType
from typing import Any, Iterator

from .classes import module_of, mro, type_name
from .host_fields import field
from .host_objects import stored

#: Entries of a namespace or of a dictionary that is looked through, variables of a function, items of a list.
_MAX_ENTRIES, _MAX_VARIABLES, _MAX_ITEMS = 1000, 500, 10
_MAX_TEXT, _MAX_STATEMENT = 200, 5000
_OPTIMIZED = 1
#: A function that names one of these may have its variables' dictionary in use, which a look would change (until 3.12).
_LOOKERS = frozenset(("locals", "vars", "dir", "eval", "exec", "f_locals"))
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_STATEMENT = re.compile(
    r"(?is)\s*(select|insert|update|delete|replace)\b.*?(?:\bfrom|\binto|(?<=update))\s+[`\"]?(\w+(?:\.\w+)?)"
)
_VERB = re.compile(r"\s*(\w{1,20})")

#: Key, form and path of a value: ("request", "name", ("request_id",)).
Spec = Any


class Values:
    """The ids and names that the tables of a request select."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._functions: dict[str, list[tuple[str, list[Spec]]]] = {}
        for suffix, function, specs in request["functions"]:
            self._functions.setdefault(function, []).append((suffix, specs))
        self._classes: dict[str, list[Spec]] = dict(request["classes"])
        self._variables: dict[str, list[Spec]] = dict(request["variables"])
        self._plans: dict[int, tuple[CodeType, list[Spec], list[tuple[str, list[Spec]]], bool]] = {}
        self._kinds: dict[int, tuple[type, list[Spec]]] = {}

    def of_frame(self, frame: FrameType, library: str) -> Iterator[tuple[str, str]]:
        """Yield key and value of each id and name in a frame; functions below ``library`` hold known variables only."""
        code = frame.f_code
        plan = self._plans.get(id(code)) or self._planned(code, library)
        _, specs, variables, scans = plan
        if not (specs or variables or scans):
            return
        names = variables_of(frame)
        for spec in specs:
            yield from selected(names, spec)
        for variable, its_specs in variables:
            if variable in names:
                for spec in its_specs:
                    yield from selected(names[variable], spec)
        if scans:
            for value in names.values():
                yield from self.of_value(value)

    def _planned(self, code: CodeType, library: str) -> Any:
        specs: list[Spec] = []
        for suffix, its_specs in self._functions.get(code.co_name, ()):
            if code.co_filename.endswith(suffix):
                specs += its_specs
        is_library = code.co_filename.startswith(library) and "-packages" not in code.co_filename
        names = code.co_varnames + code.co_freevars
        variables = [] if is_library else [(name, self._variables[name]) for name in names if name in self._variables]
        plan = (code, specs, variables, bool(names) and not is_library)
        if not code.co_flags & _OPTIMIZED or len(names) > _MAX_VARIABLES or not _LOOKERS.isdisjoint(code.co_names):
            plan = (code, [], [], False)
        self._plans[id(code)] = plan
        return plan

    def of_value(self, value: Any, depth: int = 2) -> Iterator[tuple[str, str]]:
        """Yield the ids and names of an object of a known class, or of those in a list."""
        kind = type(value)
        if kind is list or kind is tuple:
            if depth:
                for item in value[:_MAX_ITEMS]:
                    yield from self.of_value(item, depth - 1)
            return
        entry = self._kinds.get(id(kind))
        if entry is None:
            names = [base for base in map(_full_name, mro(kind)) if base in self._classes]
            entry = self._kinds[id(kind)] = (kind, [spec for name in names[:1] for spec in self._classes[name]])
        for spec in entry[1]:
            if spec[1] == "objects":
                for item in _followed([value], spec[2]):
                    yield from self.of_value(item, depth)
            else:
                yield from selected(value, spec)


def variables_of(frame: FrameType) -> dict[str, Any]:
    """Return a copy of a function's variables; the dictionary that older Pythons store in the frame is emptied."""
    own = frame.f_locals
    names = {**own}
    if type(own) is dict:
        own.clear()
    return names


def selected(thing: Any, spec: Spec) -> Iterator[tuple[str, str]]:
    """Yield the key and the texts that a spec selects of an object or of a dictionary."""
    key, form, path = spec
    for value in _followed([thing], path):
        text = _text(form, value)
        if text:
            yield key, text


def _followed(things: list[Any], path: Any) -> list[Any]:
    for name in path:
        things = [inner for thing in things for inner in _inner(thing, name)]
    return things


def _inner(thing: Any, name: str) -> list[Any]:
    kind = type(thing)
    if name == "*":
        if kind is list or kind is tuple or kind is dict:
            return list(islice(thing, _MAX_ITEMS))
        return []
    names = thing if kind is dict else stored(thing)
    if dict.__len__(names) > _MAX_ENTRIES:
        return []
    # By a search: a lookup would compare keys of the same hash by the host's code.
    values = [value for key, value in list(dict.items(names)) if type(key) is str and key == name]
    if values or kind is dict or names:
        return values
    value = field(thing, name)
    return [] if value is None else [value]


def _text(form: str, value: Any) -> str:
    """Return a value as the text of its form, "" if it is none."""
    kind: type = type(value)
    if form == "number":
        return str(value) if kind is int or kind is float else ""
    if form == "program":
        words = value if kind is list or kind is tuple else [value]
        return str(words[0]).rpartition("/")[2][:_MAX_TEXT] if words and type(words[0]) is str else ""
    if kind is bytes and form == "name":  # a path
        return str(value[:_MAX_TEXT], "utf-8", "replace")
    if kind is not str:
        return str(value) if form == "name" and (kind is int or kind is bool) else ""
    if form == "uuid":
        return str(value) if _UUID.fullmatch(value) else ""
    if form == "statement":
        match = _STATEMENT.match(value[:_MAX_STATEMENT]) or _VERB.match(value)
        return " ".join([match.group(1).upper(), *match.groups()[1:]]) if match else ""
    if form == "address":
        start, mark, rest = re.split(r"[?#]", value, maxsplit=1)[0].rpartition("://")
        host, slash, path = rest.partition("/")
        return (start + mark + host.rpartition("@")[2] + slash + path)[:_MAX_TEXT]
    return str(value[:_MAX_TEXT])


def _full_name(kind: type) -> str:
    return "%s.%s" % (module_of(kind), type_name(kind))
