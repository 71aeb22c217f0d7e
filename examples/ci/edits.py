"""Mutations of a single step of a recorded boot: its request, result, duration and end."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random

from examples.ci import tree
from examples.ci.choosing import Mutation, change_step, is_call, is_message, is_request, is_statement, is_watched, pick
from tracer.correlation.statements import describe
from tracer.model import Request, Step, Value

Fits = Callable[[Step], bool]


def _edit(fits: Fits, change: Callable[[Step], None]) -> Mutation:
    """Return a mutation that changes one of the steps that fit."""
    return lambda boot, random: change_step(boot, random, fits, change)


def _set(fits: Fits, **attributes: Value) -> Mutation:
    return _edit(fits, lambda step: step.attributes.update(attributes))


def _has(kind: str, name: str) -> Fits:
    return lambda step: step.kind == kind and bool(step.attributes.get(name))


def _is(kind: str) -> Fits:
    return lambda step: step.kind == kind


def _never_end(step: Step) -> None:
    step.end = None


def unfinished_chapter(boot: Request, random: Random) -> Step | None:
    """Leave all steps of a chapter unfinished."""
    chapter = random.choice(boot.chapters)
    for step in chapter.walk():
        if step.numbered:
            step.end = None
    return chapter


def other_chapter(boot: Request, random: Random) -> Step | None:
    """Let two casts open each other's chapters."""
    opened = [chapter for chapter in boot.chapters if chapter.opened_by]
    pairs = [
        (first, second) for first in opened for second in opened
        if first.name != second.name and first.opened_by != second.opened_by
    ]  # fmt: skip
    if not pairs:
        return None
    first, second = random.choice(pairs)
    first.opened_by, second.opened_by = second.opened_by, first.opened_by
    return first


def one_more_chapter(boot: Request, random: Random) -> Step | None:
    """Repeat a chapter."""
    chapter = random.choice(boot.chapters)
    again = copy.deepcopy(chapter)
    again.address = str(len(boot.chapters) + 1)
    boot.chapters.append(again)
    return again


def outcome(boot: Request, _random: Random) -> Step | None:
    """Let the boot fail without any other change."""
    boot.outcome = "error: NeverSeen: it went wrong"
    return boot.chapters[0]


def another_leaf(boot: Request, random: Random) -> Step | None:
    """Replace a call without children by one from elsewhere."""
    position = pick(boot, random, lambda step: is_call(step) and not step.children)
    others = [step for step in boot.walk() if is_call(step) and not step.children]
    if position is None:
        return None
    step = position[0][position[1]]
    others = [leaf for leaf in others if leaf.text("function") != step.text("function")]
    if not others:
        return None
    other = random.choice(others)
    step.name = other.name
    step.attributes |= {
        key: other.attributes[key] for key in ("module", "class", "function") if key in other.attributes
    }
    return step


def empty(boot: Request, random: Random) -> Step | None:
    """Remove a step's children."""
    return change_step(boot, random, lambda step: is_watched(step) and any(map(is_watched, step.children)), _empty)


def _empty(step: Step) -> None:
    step.children = []


def stalled(boot: Request, random: Random) -> Step | None:
    """Let a step take a hundred times as long as any of its name."""
    position = pick(boot, random, lambda step: step.numbered and is_watched(step) and (step.duration or 0) > 15_000_000)
    if position is None:
        return None
    step = position[0][position[1]]
    tree.stretch(boot, step, 99 * max(other.duration or 0 for other in boot.walk() if other.name == step.name))
    return step


def _both_ends(**attributes: Value) -> Callable[[Step], None]:
    """Change the step and its answering side alike."""

    def change(step: Step) -> None:
        for end in (step, *(child for child in step.children if child.kind == step.kind)):
            end.attributes |= attributes
            if name := attributes.get("method"):
                end.name = str(name)

    return change


def _rewrite(edit: Callable[[str], str]) -> Callable[[Step], None]:
    """Change the statement, with verb, tables and fingerprint as the tool derives them."""

    def change(step: Step) -> None:
        step.attributes["statement"] = edit(step.text("statement"))
        describe(step)

    return change


def _written(*verbs: str, part: str = "") -> Fits:
    return lambda step: (
        is_statement(step)
        and step.text("verb") in verbs
        and bool(step.text("statement"))
        and part in step.text("statement")
    )


def _before(mark: str) -> Callable[[str], str]:
    return lambda statement: statement.rpartition(mark)[0]


def _with_key(name: str) -> Callable[[Step], None]:
    """Add a key to the arguments."""

    def change(step: Step) -> None:
        value = step.attributes[name]
        assert isinstance(value, dict), "chosen by this"
        step.attributes[name] = {**value, "never_seen": 1}

    return change


def _holds(kind: str, name: str) -> Fits:
    return lambda step: step.kind == kind and isinstance(step.attributes.get(name), dict)


def _append(step: Step) -> None:
    arguments = step.attributes["arguments"]
    assert isinstance(arguments, list), "chosen by this"
    step.attributes["arguments"] = [*arguments, "--never-seen"]


def _other_program(step: Step) -> None:
    arguments = step.attributes["arguments"]
    assert isinstance(arguments, list), "chosen by this"
    step.attributes["arguments"] = ["never-seen", *arguments[1:]]


def _log_error(step: Step) -> bool:
    return step.kind == "log" and step.text("level") == "ERROR"


_COMMAND = _has("command", "arguments")
_SERVED: Fits = lambda step: step.kind == "rpc" and step.text("side") == "server" and bool(step.text("function"))  # noqa: E731
_ARGUMENTS = frozenset({"arguments"})
_STATEMENT = frozenset({"statement"})
_RENAMED = frozenset({"renamed"})

#: Each mutation with the correct classes of change.
EDITS: dict[str, tuple[Mutation, frozenset[str]]] = {
    "unfinished": (_edit(lambda step: is_watched(step) and step.numbered, _never_end), frozenset({"unfinished"})),
    "unfinished chapter": (unfinished_chapter, frozenset({"unfinished"})),
    "microversion": (_set(_has("http", "microversion"), microversion="compute 2.999"), frozenset({"version"})),
    "http method": (_edit(is_request, _both_ends(method="DELETE")), frozenset({"added", "renamed", "removed"})),
    "request's body": (_edit(_holds("http", "body"), _with_key("body")), _ARGUMENTS),
    "asked service": (_set(is_request, peer="never-seen"), frozenset({"service"})),
    "rpc method": (_edit(is_message, _both_ends(method="never_seen")), frozenset({"renamed", "added"})),
    "topic": (_set(_has("rpc", "topic"), topic="never_seen"), _ARGUMENTS),
    "fanout": (_edit(is_message, _both_ends(mode="fanout")), frozenset({"mode"})),
    "argument's name": (_edit(_holds("rpc", "arguments"), _with_key("arguments")), _ARGUMENTS),
    "endpoint": (_set(_SERVED, function="never_seen"), _RENAMED),
    "no WHERE": (
        _edit(_written("UPDATE", "SELECT", part=" WHERE "), _rewrite(_before(" WHERE "))), _STATEMENT | {"tables"},
    ),
    "other column": (
        _edit(_written("UPDATE", part=" SET "), _rewrite(lambda text: text.replace(" SET ", " SET never_seen=?, "))),
        _STATEMENT,
    ),
    "ORDER": (_edit(_written("SELECT"), _rewrite(lambda text: text + " ORDER BY never_seen")), _STATEMENT),
    "LIMIT": (_edit(_written("SELECT"), _rewrite(lambda text: text + " LIMIT ? OFFSET ?")), _STATEMENT),
    "other verb": (
        _set(_written("UPDATE"), verb="DELETE", fingerprint="444444444444"), frozenset({"added", "removed"}),
    ),
    "database": (
        _set(lambda step: is_statement(step) and bool(step.text("database")), database="never_seen"),
        frozenset({"tables"}),
    ),
    "another leaf": (another_leaf, frozenset({"renamed", "added", "removed", "repeated", "moved", "reordered"})),
    "emptied": (empty, frozenset({"removed", "repeated"})),
    "hand-off": (_set(_has("handoff", "via"), via="NeverSeen"), _ARGUMENTS),
    "handed function": (_set(_has("handoff", "via"), function="never_seen"), _RENAMED | {"added", "removed"}),
    "libvirt call": (_set(_is("libvirt"), function="neverSeen"), _RENAMED | {"added"}),
    "program": (_edit(_COMMAND, _other_program), _RENAMED | {"added"}),
    "command's argument": (_edit(_COMMAND, _append), _ARGUMENTS),
    "exit code": (_set(_COMMAND, exit_code=7), _ARGUMENTS),
    "log level": (_set(_is("log"), level="ERROR"), frozenset({"added"})),
    "log text": (_set(_log_error, message="something else went wrong"), frozenset({"said"})),
    "outcome": (outcome, frozenset({"outcome"})),
    "other chapter": (other_chapter, frozenset({"added", "removed", "renamed", "moved"})),
    "one more chapter": (one_more_chapter, frozenset({"repeated", "added"})),
    "stalled": (stalled, frozenset({"stalled"})),
}  # fmt: skip
