"""The tree that a baseline's lines make: each under the step that its address names, chapters under their senders."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.model import NOTES, NUMBERED, Node
from tracer.notation import lines, marks, source_paths
from tracer.notation.lines import BadLineError, Line
from tracer.notation.parse import parse


@dataclass(slots=True)
class _Placed:
    """A node, the line that says it, and the node around it."""

    node: Node
    line: Line
    parent: _Placed | None
    notes: int = 0


class Tree:
    """What was read so far; BadLineError says which line has no place in it."""

    def __init__(self) -> None:
        self._by_address: dict[str, _Placed] = {}
        self._placed: list[_Placed] = []
        #: The address of the step whose notes may follow.
        self._above = ""

    def add(self, line: Line) -> None:
        """The next line."""
        address = line.address or self._above
        if not address:
            raise BadLineError(line.number, "a note before the first step")
        parent = self._named(lines.around(address) if line.address else address, line)
        placed = _Placed(_node(line, parent), line, parent)
        self._placed.append(placed)
        if parent is not None:
            parent.node.children.append(placed.node)
            parent.notes += line.note
        self._register(placed)

    def _named(self, address: str, line: Line) -> _Placed | None:
        if not address:
            return None
        if address not in self._by_address:
            raise BadLineError(line.number, f"{line.address} stands in no step: there is no {address} above it")
        return self._by_address[address]

    def _register(self, placed: _Placed) -> None:
        """A note is found under the address that was written, or under the one of its place."""
        line = placed.line
        if not line.note and line.address in self._by_address:
            first = self._by_address[line.address].line.number
            raise BadLineError(
                line.number, f"{line.address} stands twice, in line {first} too; any other number will do"
            )
        if line.address:
            self._by_address[line.address] = placed
            self._above = lines.above_notes(line.address)
        else:
            self._by_address.setdefault(placed.node.address, placed)

    def nodes(self) -> list[Node]:
        """The nodes that nobody sent; what was sent stands below its sender, and each node knows where it is."""
        heads = [placed for placed in self._placed if placed.parent is None]
        openers = self._openers()
        for head in heads:
            if (sender := self._sender(head, openers.get(head.line.address, []))) is not None:
                head.parent = sender
                sender.node.children.append(head.node)
        tops = [head for head in heads if head.parent is None]
        self._check_links(heads, openers)
        self._find_places(tops)
        return [head.node for head in tops]

    def _openers(self) -> dict[str, list[_Placed]]:
        """Who says of a chapter that it opens it."""
        openers: dict[str, list[_Placed]] = {}
        for placed in self._placed:
            for chapter in placed.line.marks.opens:
                openers.setdefault(chapter, []).append(placed)
        return openers

    def _sender(self, head: _Placed, openers: list[_Placed]) -> _Placed | None:
        """Who sent a chapter: it says so itself, or its sender says it; both must agree."""
        named, chapter = head.line.marks.opened_by, head.line.address
        if named and named not in self._by_address:
            raise BadLineError(head.line.number, f"← {named}: there is no such step")
        senders = [*openers, self._by_address[named]] if named else openers
        for sender in senders[1:]:
            if sender is not senders[0]:
                both = f"{_name(senders[0])} and {_name(sender)}"
                raise BadLineError(head.line.number, f"chapter {chapter} is sent by {both}, as → and ← say")
        return senders[0] if senders else None

    def _check_links(self, heads: list[_Placed], openers: dict[str, list[_Placed]]) -> None:
        chapters = {head.line.address for head in heads}
        for chapter, senders in openers.items():
            if chapter not in chapters:
                raise BadLineError(senders[0].line.number, f"→ {chapter}: there is no such chapter")

    def _find_places(self, tops: list[_Placed]) -> None:
        by_node = {id(placed.node): placed for placed in self._placed}
        stack = list(tops)
        while stack:
            placed = stack.pop()
            around = placed.parent.node.where if placed.parent is not None else ""
            place = source_paths.read_place(placed.line.marks.where, placed.node.text, around)
            if place is None:
                raise BadLineError(
                    placed.line.number, f"@{placed.line.marks.where}: in no file; write it as @path:line"
                )
            placed.node.where = place
            stack.extend(by_node.pop(id(child)) for child in placed.node.children)
        # Whoever follows the senders back must come to a chapter that nobody sent.
        if lost := [placed for placed in by_node.values() if placed.parent is not None]:
            raise BadLineError(
                lost[0].line.number, f"{lost[0].node.address} stands in a chapter that was sent from itself"
            )


def _name(placed: _Placed) -> str:
    return f"{placed.node.address} (line {placed.line.number})"


def _node(line: Line, parent: _Placed | None) -> Node:
    kind, text = _said(line, parent)
    said = line.marks
    service = parent.node.service if parent is not None else ""
    if line.service is not None:
        service = marks.unescaped(line.service)
    address = line.address
    if line.note and parent is not None:
        address = f"{parent.node.address}/{parent.notes + 1}"
    node = Node(kind, service, text, free=said.free, took=said.took, address=address, details=said.details)
    if said.low is not None and said.high is not None:
        node.low, node.high = said.low, said.high
    return node


def _said(line: Line, parent: _Placed | None) -> tuple[str, str]:
    """The kind and the text of a line's words; a kind must be written only where the text does not show it."""
    marked = marked_kind(line.words)
    text = marks.unescaped(line.words[len(marked) + 3 :] if marked else line.words)
    if not text:
        raise BadLineError(line.number, "nothing is said here")
    kind = marked or parse(text).kind
    if kind not in NUMBERED | NOTES:
        raise BadLineError(line.number, f"{{{kind}}}: no kind of step: {', '.join(sorted(NUMBERED | NOTES))}")
    if line.note and kind not in NOTES:
        raise BadLineError(line.number, f"no statement (sql: …), state or log line; write a remark as # …: {text[:40]}")
    if not line.note and kind in NOTES and parent is not None:
        raise BadLineError(line.number, f"{text[:40]} is a note: write it as - … under its step")
    return kind, text


def marked_kind(words: str) -> str:
    """The kind that words begin with, as in ``{ask} …``; "" where there is none."""
    kind, end, _ = words.removeprefix("{").partition("} ")
    return kind if words.startswith("{") and end and kind.isalpha() else ""
