"""Origins of changes: the commits that changed a step's function, or the nearest function around it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.history.git import Checkout
from tracer.model import Change, Comparison
from tracer.model.comparison import Origin
from tracer.notation.parse import parse
from tracer.notation.source_paths import file_of

#: Severities of changes whose origin is looked for.
_SEVERITIES = ("fail", "warn")
#: Kinds of steps at which other code begins: the sender of a message is not a caller.
_RECEIVED = frozenset({"rpc", "http"})
#: Changes to how a function behaves; others of a call are made by its caller.
_OWN = frozenset({"slower", "stalled", "error", "unfinished", "renamed", "said", "logged"})
#: ``compute/api.py.API -> create()`` and ``x by compute/manager.py.ComputeManager -> f()``: class and function.
_FUNCTION = re.compile(r"\.py(?P<class>(?:\.\w+)*) -> (?P<name>\w+)\(\)")


def add(comparison: Comparison, checkouts: list[Checkout]) -> None:
    """Set the origin of every failing and warned change whose function is in one of the checkouts."""
    by_package = {checkout.package: checkout for checkout in checkouts}
    for change in comparison.changes:
        if change.severity in _SEVERITIES:
            change.origin = _origin(change, by_package)


def _origin(change: Change, checkouts: dict[str, Checkout]) -> Origin | None:
    """Return the first function, from the change outwards, that a commit changed; None if the nearest is elsewhere."""
    unchanged = ""
    for path, line, name in _functions(change):
        checkout = checkouts.get(path.partition("/")[0])
        known = checkout and (checkout.function(path, line) if line else checkout.named(path, name))
        if not checkout or not known:
            break
        function, revision = known
        commits = checkout.commits(path, function, revision)
        if commits:
            return Origin(function.name, tuple(commits), unchanged)
        unchanged = unchanged or function.name
    return Origin(unchanged, ()) if unchanged else None


def _functions(change: Change) -> Iterator[tuple[str, int, str]]:
    """Yield (file, line or 0, name) of the functions around a change, the nearest first, each once."""
    own = _own(change)
    around = list(_around(change))
    is_call = _named(change.new_text or change.old_text) is not None
    if own and is_call and change.class_ not in _OWN and around:
        yield from (*around, own)
    else:
        yield from ([own] if own else [])
        yield from around


def _around(change: Change) -> Iterator[tuple[str, int, str]]:
    """Yield the functions around a change, up to the one that received the message or the request."""
    for text in reversed(change.path):
        named, kind = _named(text), parse(text).kind
        if named is not None:
            yield named
        if kind in _RECEIVED:
            return


def _own(change: Change) -> tuple[str, int, str] | None:
    path, _, line = change.where.rpartition(":")
    return (path, int(line), "") if path and line.isdecimal() else None


def _named(text: str) -> tuple[str, int, str] | None:
    match, path = _FUNCTION.search(text), file_of(text)
    return (path, 0, f"{match['class']}.{match['name']}".strip(".")) if match and path else None
