"""The parser of policies: from YAML to a Policy, every mistake reported with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import yaml

from tracer.diff.policy.rules import DEFAULT, GLOBS, Allowed, Policy, Rule, Selector, Threshold
from tracer.model import NOTES, NUMBERED
from tracer.model.comparison import CLASSES, SEVERITIES
from tracer.yaml_nodes import Reading, composed

VERSION = 1
#: In bytes. Policies are written by hand: a longer file is a mistake or an attack.
MAX_SIZE = 256 << 10

_KINDS = sorted(NUMBERED | NOTES)
_SELECTORS = ("class", "kind", *GLOBS)
#: The keys at the top, and those of a threshold by its class: only these classes have a number to compare.
_SECTIONS = ("version", "classes", "rules", "allow", "thresholds", "defaults")
_THRESHOLDS = {"slower": ("factor", "at_least_ms"), "repeated": ("factor",), "logged": ("factor",)}


def read(text: str, name: str) -> tuple[Policy, bool]:
    """Return the policy in ``text``, and whether it extends the defaults; a TracerError names line and mistake.

    ``name`` is the file's, or ``DEFAULT``. The text is read as YAML nodes, which have lines, never as objects.
    """
    top = _Reading(name).fields(
        composed(text, name, "a policy", f"version: {VERSION}", MAX_SIZE), _SECTIONS, "a policy"
    )
    return top.policy(), top.flag("defaults", True)


class _Reading(Reading):
    """The checks of a policy's nodes."""

    def fields(self, node: yaml.Node, known: Sequence[str], what: str) -> _Fields:
        """Return a mapping whose keys are known and unique."""
        return _Fields(self, node, self.mapping(node, known, what), what)


class _Fields:
    """A mapping of the file, by its keys."""

    def __init__(self, reading: _Reading, node: yaml.Node, nodes: Mapping[str, yaml.Node], what: str) -> None:
        self._reading, self._node, self._nodes, self._what = reading, node, nodes, what

    def policy(self) -> Policy:
        """Return the policy of the whole file."""
        self._reading.version(self._needed("version", f"version: {VERSION}"), VERSION, "policies")
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
