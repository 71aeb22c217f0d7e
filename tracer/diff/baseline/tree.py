"""The tree of a baseline's lines: each below the step that its address names, chapters below their senders."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.model import NOTES, NUMBERED, NormalStep
from tracer.notation import lines, marks, source_paths
from tracer.notation.lines import BadLineError, Line
from tracer.notation.parse import parse


@dataclass(slots=True)
class _Placed:
    """A node, its line, and the node around it."""

    node: NormalStep
    line: Line
    parent: _Placed | None
    notes: int = 0


class Tree:
    """The lines read so far as a tree; raise BadLineError for a line that does not fit into it."""

    def __init__(self) -> None:
        self._by_address: dict[str, _Placed] = {}
        self._placed: list[_Placed] = []
        #: The address of the step whose notes may follow.
        self._above = ""

    def add(self, line: Line) -> None:
        """Add the next line."""
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
            raise BadLineError(line.number, f"{line.address} has no parent: no line above it has the address {address}")
        return self._by_address[address]

    def _register(self, placed: _Placed) -> None:
        """Register a step or note by its written address, a note without one by that of its position."""
        line = placed.line
        if not line.note and line.address in self._by_address:
            first = self._by_address[line.address].line.number
            raise BadLineError(
                line.number, f"{line.address} appears twice, first in line {first}; give it another number"
            )
        if line.address:
            self._by_address[line.address] = placed
            self._above = lines.above_notes(line.address)
        else:
            self._by_address.setdefault(placed.node.address, placed)

    def nodes(self) -> list[NormalStep]:
        """Return the nodes without a sender; chapters are below theirs, and positions in the source are set."""
        heads = [placed for placed in self._placed if placed.parent is None]
        openers = self._openers()
        for head in heads:
            if (sender := self._sender(head, openers.get(head.line.address, []))) is not None:
                head.parent = sender
                sender.node.children.append(head.node)
        tops = [head for head in heads if head.parent is None]
        self._check_links(heads, openers)
        self._resolve_positions(tops)
        return [head.node for head in tops]

    def _openers(self) -> dict[str, list[_Placed]]:
        """Return the lines that open a chapter with →, by its address."""
        openers: dict[str, list[_Placed]] = {}
        for placed in self._placed:
            for chapter in placed.line.marks.opens:
                openers.setdefault(chapter, []).append(placed)
        return openers

    def _sender(self, head: _Placed, openers: list[_Placed]) -> _Placed | None:
        """Return the sender of a chapter, named by ← on its own line or by → on the sender's; both must agree."""
        named, chapter = head.line.marks.opened_by, head.line.address
        if named and named not in self._by_address:
            raise BadLineError(head.line.number, f"← {named}: no line has this address")
        senders = [*openers, self._by_address[named]] if named else openers
        for sender in senders[1:]:
            if sender is not senders[0]:
                both = f"{_name(senders[0])} and {_name(sender)}"
                raise BadLineError(head.line.number, f"chapter {chapter} has two senders by → and ←: {both}")
        return senders[0] if senders else None

    def _check_links(self, heads: list[_Placed], openers: dict[str, list[_Placed]]) -> None:
        chapters = {head.line.address for head in heads}
        for chapter, senders in openers.items():
            if chapter not in chapters:
                raise BadLineError(senders[0].line.number, f"→ {chapter}: no chapter has this address")

    def _resolve_positions(self, tops: list[_Placed]) -> None:
        by_node = {placed.node: placed for placed in self._placed}
        stack = list(tops)
        while stack:
            placed = stack.pop()
            around = placed.parent.node.where if placed.parent is not None else ""
            where = source_paths.read_place(placed.line.marks.where, placed.node.text, around)
            if where is None:
                raise BadLineError(
                    placed.line.number, f"@{placed.line.marks.where}: the file is not known; write @path:line"
                )
            placed.node.where = where
            stack.extend(by_node.pop(child) for child in placed.node.children)
        # The chain of senders must end at a chapter without one.
        if lost := [placed for placed in by_node.values() if placed.parent is not None]:
            raise BadLineError(
                lost[0].line.number, f"{lost[0].node.address} belongs to a chapter that is sent from itself"
            )


def _name(placed: _Placed) -> str:
    return f"{placed.node.address} (line {placed.line.number})"


def _node(line: Line, parent: _Placed | None) -> NormalStep:
    kind, text = _kind_and_text(line, parent)
    parsed_marks = line.marks
    service = parent.node.service if parent is not None else ""
    if line.service is not None:
        service = marks.unescaped(line.service)
    address = line.address
    if line.note and parent is not None:
        address = f"{parent.node.address}/{parent.notes + 1}"
    node = NormalStep(
        kind,
        service,
        text,
        unordered=parsed_marks.unordered,
        durations=parsed_marks.durations,
        address=address,
        details=parsed_marks.details,
    )
    if parsed_marks.min_count is not None and parsed_marks.max_count is not None:
        node.min_count, node.max_count = parsed_marks.min_count, parsed_marks.max_count
    return node


def _kind_and_text(line: Line, parent: _Placed | None) -> tuple[str, str]:
    """Return the kind and text of a line's words; a kind is written only where the text does not show it."""
    marked = marked_kind(line.words)
    text = marks.unescaped(line.words[len(marked) + 3 :] if marked else line.words)
    if not text:
        raise BadLineError(line.number, "the line is empty after its address")
    kind = marked or parse(text).kind
    if kind not in NUMBERED | NOTES:
        raise BadLineError(line.number, f"{{{kind}}}: unknown kind; use {', '.join(sorted(NUMBERED | NOTES))}")
    if line.note and kind not in NOTES:
        raise BadLineError(
            line.number, f"expected a statement (sql: …), a state or a log line; write a remark as # …: {text[:40]}"
        )
    if not line.note and kind in NOTES and parent is not None:
        raise BadLineError(line.number, f"{text[:40]} is a note: write it as - … under its step")
    return kind, text


def marked_kind(words: str) -> str:
    """Return the kind at the beginning of words, as in ``{ask} …``, or ""."""
    kind, end, _ = words.removeprefix("{").partition("} ")
    return kind if words.startswith("{") and end and kind.isalpha() else ""
