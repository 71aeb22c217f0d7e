"""YAML read as nodes, which have line numbers: every mistake is reported with its line, and no tag makes an object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import NoReturn, TypeVar

import yaml

from tracer.errors import TracerError
from tracer.text import printable

#: The largest number that a file may contain.
_MOST = 1e12

_Entry = TypeVar("_Entry")


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


def composed(text: str, name: str, what: str, first_line: str, limit: int) -> yaml.Node:
    """Return the top node of a file of at most ``limit`` characters, ``what`` it is and how it begins for errors."""
    if len(text) > limit:
        raise TracerError(f"{name}: {len(text) >> 10} kB; {what} has at most {limit >> 10}")
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise TracerError(f"{name}{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error).partition("\n")[0]
        raise TracerError(f"{name}: not YAML: {printable(reason)}") from None
    if node is None:
        raise TracerError(f"{name}:1: empty; {what} begins with {first_line}")
    return node


class Reading:
    """A file's name, and the checks of its nodes that report it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def fail(self, node: yaml.Node, what: str) -> NoReturn:
        """Raise a TracerError with file, line and mistake."""
        raise TracerError(f"{self.name}:{node.start_mark.line + 1}: {printable(what)}")

    def mapping(self, node: yaml.Node, known: Sequence[str], what: str) -> dict[str, yaml.Node]:
        """Return the values of a mapping whose keys are known and unique."""
        if not isinstance(node, yaml.MappingNode):
            self.fail(node, f"expected {what}: some of {', '.join(known)}, each with a value")
        return self._unique(node, what, lambda key: self.choice(key, known, f"in {what}"))

    def names(self, node: yaml.Node, what: str) -> dict[str, yaml.Node]:
        """Return the values of a mapping whose keys are any unique names."""
        if not isinstance(node, yaml.MappingNode):
            self.fail(node, f"{what}: expected names, each with a value")
        return self._unique(node, what, lambda key: self.text(key, f"in {what}"))

    def _unique(self, node: yaml.MappingNode, what: str, read: Callable[[yaml.Node], str]) -> dict[str, yaml.Node]:
        nodes: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = read(key)
            if name in nodes:
                self.fail(key, f"{name} appears twice in {what}")
            nodes[name] = value
        return nodes

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

    def entries(self, node: yaml.Node, what: str, make: Callable[[yaml.Node], _Entry]) -> Iterator[_Entry]:
        """Yield the entries of a list, or the single value in place of a list."""
        entries = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not entries:
            self.fail(node, f"{what}: an empty list")
        for entry in entries:
            yield make(entry)

    def version(self, node: yaml.Node, version: int, what: str) -> None:
        """Check the version of a file's form."""
        if getattr(node, "value", None) != str(version):
            self.fail(node, f"another version of {what}; this bootseq reads version: {version}")
