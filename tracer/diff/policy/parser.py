"""The parser of policies: from YAML to a Policy, every mistake reported with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from typing import NoReturn, TypeVar

import yaml

from tracer.diff.policy.rules import DEFAULT, GLOBS, Allowed, Policy, Rule, Selector, Threshold
from tracer.errors import TracerError
from tracer.model import NOTES, NUMBERED
from tracer.model.comparison import CLASSES, SEVERITIES
from tracer.text import printable

VERSION = 1
#: In bytes. Policies are written by hand: a longer file is a mistake or an attack.
MAX_SIZE = 256 << 10

#: The largest factor, and the most milliseconds.
_MOST = 1e12

_KINDS = sorted(NUMBERED | NOTES)
_SELECTORS = ("class", "kind", *GLOBS)
#: The keys at the top, and those of a threshold by its class: only these classes have a number to compare.
_SECTIONS = ("version", "classes", "rules", "allow", "thresholds", "defaults")
_THRESHOLDS = {"slower": ("factor", "at_least_ms"), "repeated": ("factor",), "logged": ("factor",)}

_Made = TypeVar("_Made")


class _Loader(yaml.SafeLoader):
    """A loader that refuses aliases: a few lines of them expand to billions of nodes."""

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        """Compose a node as SafeLoader does; raise for aliases."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "aliases (*name) are not supported; write the value out", mark
            )
        return super().compose_node(parent, index)  # type: ignore[arg-type]


def read(text: str, name: str) -> tuple[Policy, bool]:
    """Return the policy in ``text``, and whether it extends the defaults; a TracerError names line and mistake.

    ``name`` is the file's, or ``DEFAULT``. The text is read as YAML nodes, which have lines, never as objects.
    """
    top = _Reading(name).fields(_composed(text, name), _SECTIONS, "a policy")
    return top.policy(), top.flag("defaults", True)


def _composed(text: str, name: str) -> yaml.Node:
    if len(text) > MAX_SIZE:
        raise TracerError(f"{name}: {len(text) >> 10} kB; a policy has at most {MAX_SIZE >> 10}")
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise TracerError(f"{name}{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        what = "nested too deep" if isinstance(error, RecursionError) else str(error).partition("\n")[0]
        raise TracerError(f"{name}: not YAML: {printable(what)}") from None
    if node is None:
        raise TracerError(f"{name}:1: empty; a policy begins with version: {VERSION}")
    return node


class _Reading:
    """A file's name, and the checks of its nodes that report it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def fail(self, node: yaml.Node, what: str) -> NoReturn:
        """Raise a TracerError with file, line and mistake."""
        raise TracerError(f"{self.name}:{node.start_mark.line + 1}: {printable(what)}")

    def fields(self, node: yaml.Node, known: Sequence[str], what: str) -> _Fields:
        """Return a mapping whose keys are known and unique."""
        if not isinstance(node, yaml.MappingNode):
            self.fail(node, f"expected {what}: some of {', '.join(known)}, each with a value")
        nodes: dict[str, yaml.Node] = {}
        for key, value in node.value:
            key_name = self.choice(key, known, f"in {what}")
            if key_name in nodes:
                self.fail(key, f"{key_name} appears twice in {what}")
            nodes[key_name] = value
        return _Fields(self, node, nodes, what)

    def text(self, node: yaml.Node, what: str) -> str:
        """Return a text that is not blank; what YAML reads as a number or a date needs quotes."""
        if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:str" or not node.value.strip():
            quotes = f'; put it in quotes: "{node.value}"' if isinstance(node, yaml.ScalarNode) and node.value else ""
            self.fail(node, f"{what}: expected text{quotes}")
        return str(node.value)

    def choice(self, node: yaml.Node, known: Sequence[str], what: str) -> str:
        """Return one of a few words; the error for another word names the nearest."""
        word = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
        if word not in known:
            near = get_close_matches(word, known, 1)
            meant = f"did you mean {near[0]}?" if near else f"one of: {', '.join(known)}"
            self.fail(node, f"{what}: {word or 'something else'!r} is not known; {meant}")
        return word

    def number(self, node: yaml.Node, what: str, least: float) -> float:
        """Return a number of at least ``least``."""
        is_number = isinstance(node, yaml.ScalarNode) and node.tag.rpartition(":")[2] in ("int", "float")
        try:
            number = float(node.value) if is_number else -1.0
        except ValueError:  # YAML also has base 60 and .inf
            number = -1.0
        if not least <= number <= _MOST:
            self.fail(node, f"{what}: expected a number, {least:g} or more")
        return number

    def entries(self, node: yaml.Node, what: str, make: Callable[[yaml.Node], _Made]) -> Iterator[_Made]:
        """Yield the entries of a list, or the single value in place of a list."""
        entries = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not entries:
            self.fail(node, f"{what}: an empty list")
        for entry in entries:
            yield make(entry)


class _Fields:
    """A mapping of the file, by its keys."""

    def __init__(self, reading: _Reading, node: yaml.Node, nodes: Mapping[str, yaml.Node], what: str) -> None:
        self._reading, self._node, self._nodes, self._what = reading, node, nodes, what

    def policy(self) -> Policy:
        """Return the policy of the whole file."""
        version = self._needed("version", f"version: {VERSION}")
        if getattr(version, "value", None) != str(VERSION):
            self._reading.fail(version, f"another version of policies; this bootseq reads version: {VERSION}")
        return Policy(
            classes=dict(self._classes()),
            rules=tuple(entry.rule() for entry in self._entries("rules", ("severity", "reason"), "a rule")),
            allowed=tuple(entry.allowed() for entry in self._entries("allow", ("reason", "until"), "an allowance")),
            thresholds=dict(self._thresholds()),
        )

    def rule(self) -> Rule:
        """Return the rule in a mapping under ``rules``."""
        severity = self._needed("severity", f"severity: {', '.join(SEVERITIES[:-1])} or {SEVERITIES[-1]}")
        severity_name = self._reading.choice(severity, SEVERITIES, "severity")
        reason = self._reading.text(self._nodes["reason"], "reason") if "reason" in self._nodes else ""
        return Rule(self._selector(), severity_name, self._origin(), reason)

    def allowed(self) -> Allowed:
        """Return the allowance in a mapping under ``allow``; reason and end are required."""
        reason = self._reading.text(self._needed("reason", "a reason: why this difference is accepted"), "reason")
        until = self._needed("until", "until: the day it is accepted up to, such as 2027-03-01")
        try:
            day = date.fromisoformat(until.value if isinstance(until, yaml.ScalarNode) else "")
        except ValueError:
            self._reading.fail(until, "until: expected a day such as 2027-03-01")
        return Allowed(self._selector(), self._origin(), reason, day)

    def threshold(self) -> Threshold:
        """Return the threshold in a mapping under a class of ``thresholds``."""
        numbers = {
            key: self._reading.number(node, key, 1 if key == "factor" else 0) for key, node in self._nodes.items()
        }
        return Threshold(numbers.get("factor", 1.0), round(numbers.get("at_least_ms", 0) * 1e6))

    def flag(self, key: str, unsaid: bool) -> bool:
        """Return a value that is true or false, ``unsaid`` if the key is missing."""
        if key not in self._nodes:
            return unsaid
        return self._reading.choice(self._nodes[key], ("true", "false"), key) == "true"

    def _needed(self, key: str, what: str) -> yaml.Node:
        if key not in self._nodes:
            self._reading.fail(self._node, f"{self._what} needs {what}")
        return self._nodes[key]

    def _origin(self) -> str:
        name = self._reading.name
        return name if name == DEFAULT else f"{name}:{self._node.start_mark.line + 1}"

    def _classes(self) -> Iterator[tuple[str, str]]:
        if "classes" in self._nodes:
            nodes = self._reading.fields(self._nodes["classes"], tuple(CLASSES), "classes")._nodes
            for class_, node in nodes.items():
                yield class_, self._reading.choice(node, SEVERITIES, class_)

    def _entries(self, section: str, more: Sequence[str], what: str) -> Iterator[_Fields]:
        if section not in self._nodes:
            return
        entries = self._nodes[section]
        if not isinstance(entries, yaml.SequenceNode):
            self._reading.fail(entries, f"{section}: expected a list, each entry with a dash before it")
        for node in entries.value:
            yield self._reading.fields(node, (*_SELECTORS, *more), what)

    def _thresholds(self) -> Iterator[tuple[str, Threshold]]:
        if "thresholds" in self._nodes:
            nodes = self._reading.fields(self._nodes["thresholds"], tuple(_THRESHOLDS), "thresholds")._nodes
            for class_, node in nodes.items():
                yield class_, self._reading.fields(node, _THRESHOLDS[class_], f"threshold of {class_}").threshold()

    def _selector(self) -> Selector:
        if not self._nodes.keys() & set(_SELECTORS):
            self._reading.fail(self._node, f"{self._what} for every change: say which, by {', '.join(_SELECTORS)}")
        return Selector(
            self._words("class", tuple(CLASSES)), self._words("kind", _KINDS),
            {name: tuple(self._patterns(name)) for name in GLOBS if name in self._nodes},
        )  # fmt: skip

    def _words(self, key: str, known: Sequence[str]) -> frozenset[str]:
        if key not in self._nodes:
            return frozenset()
        return frozenset(
            self._reading.entries(self._nodes[key], key, lambda node: self._reading.choice(node, known, key))
        )

    def _patterns(self, key: str) -> Iterator[str]:
        return self._reading.entries(self._nodes[key], key, lambda node: self._reading.text(node, key))
