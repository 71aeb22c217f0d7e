"""The parser of specs: from YAML to a Spec, every mistake reported with its line."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from tracer.errors import TracerError
from tracer.model.assertions import Assertion, Number, Order, Outcome, Spec
from tracer.spec import counts
from tracer.spec.keys import KINDS
from tracer.yaml_nodes import Reading, composed

VERSION = 1
#: In characters; a spec of a boot with every step counted has about 30,000.
MAX_SIZE = 4 << 20
OUTCOMES = ("active", "error", "deleted", "unfinished", "done", "failed")
_SECTIONS = ("version", "operation", "outcome", "counts", "within", "order")
_FIRST_LINE = f"version: {VERSION}"


def read(text: str, name: str) -> Spec:
    """Return the spec in ``text``; a TracerError names the file's line and the mistake."""
    reading = _Reading(name)
    node = composed(text, name, "a spec", _FIRST_LINE, MAX_SIZE)
    sections = reading.mapping(node, _SECTIONS, "a spec")
    if "version" not in sections:
        reading.fail(node, f"a spec needs {_FIRST_LINE}")
    reading.version(sections["version"], VERSION, "specs")
    assertions = tuple(reading.assertions(sections))
    if not assertions:
        raise TracerError(f"{name}: a spec without an assertion: add some under outcome, counts, within or order")
    operation = reading.text(sections["operation"], "operation") if "operation" in sections else ""
    return Spec(assertions, operation, name)


class _Reading(Reading):
    """The checks of a spec's nodes."""

    def assertions(self, sections: dict[str, yaml.Node]) -> Iterator[Assertion]:
        """Yield the assertions of all sections."""
        if "outcome" in sections:
            node = sections["outcome"]
            words = tuple(self.entries(node, "outcome", lambda word: self.choice(word, OUTCOMES, "outcome")))
            yield Outcome(words, _line(node))
        if "counts" in sections:
            yield from self._numbers(sections["counts"], "counts", "")
        if "within" in sections:
            for service, node in self.names(sections["within"], "within").items():
                yield from self._numbers(node, f"within {service}", service)
        if "order" in sections:
            yield from self._orders(sections["order"])

    def _numbers(self, node: yaml.Node, what: str, service: str) -> Iterator[Number]:
        for key, value in self.names(node, what).items():
            self._check_key(value, key)
            text = str(value.value) if isinstance(value, yaml.ScalarNode) else ""
            count = counts.parse(text)
            if count is None:
                self.fail(value, f"{key}: {counts.FORM}")
            yield Number(key, count, service, _line(value))

    def _orders(self, node: yaml.Node) -> Iterator[Order]:
        lists = node.value if isinstance(node, yaml.SequenceNode) else []
        if not lists or not all(isinstance(entry, yaml.SequenceNode) and len(entry.value) > 1 for entry in lists):
            self.fail(
                node, "order: expected a list of lists of steps, each step before the next: - [rpc.call.a, rpc.cast.b]"
            )
        for entry in lists:
            keys = tuple(self.text(key, "order") for key in entry.value)
            for key, key_node in zip(keys, entry.value, strict=True):
                self._check_key(key_node, key)
            yield Order(keys, _line(entry))

    def _check_key(self, node: yaml.Node, key: str) -> None:
        kind, dot, name = key.partition(".")
        if not dot or not name or (kind not in KINDS and kind != "*"):
            self.fail(
                node, f"{key!r} names no step; expected a kind and a name: {', '.join(f'{word}.…' for word in KINDS)}"
            )


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
