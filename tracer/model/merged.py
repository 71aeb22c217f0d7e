"""Several boots as one sequence: steps that they share, and fragments in which they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class MergedStep:
    """A step that stands for the same step of several boots: who does it, in words, and in which of the boots.

    ``text`` is as a Node's, but without the error that it may have ended with: ``errors`` has it, by boot.
    """

    kind: str
    service: str
    text: str
    #: Numbers of the boots that have it, from 0: ``Merged.names`` names them.
    boots: frozenset[int]
    errors: dict[int, str] = field(default_factory=dict)
    #: Shortest, median and longest time in nanoseconds, () where none is known.
    took: tuple[int, ...] = ()
    address: str = ""
    #: Addresses of the chapters that it opens, or, at a chapter's head, of the step that sent it.
    opens: list[str] = field(default_factory=list)
    opened_by: str = ""
    children: list[MergedStep | Fragment] = field(default_factory=list)


@dataclass(slots=True)
class Operand:
    """One branch of a fragment: the boots that go through it, and what these do there."""

    boots: frozenset[int]
    inside: list[MergedStep | Fragment]


@dataclass(slots=True)
class Fragment:
    """UML's combined fragment: ``operator`` is one of

    - ``opt``: one operand, which some boots lack;
    - ``alt``: operands of which each boot goes through exactly one;
    - ``loop``: one operand with one step, which each boot does as often in a row as ``counts`` says;
    - ``par``: operands that run side by side, or whose order varies; each keeps the order inside it.
    """

    operator: str
    operands: list[Operand]
    counts: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Merged:
    """Several boots as one sequence: what all of them do, and in fragments what only some do, how often, in any order.

    ``chapters`` are steps or fragments of steps; a chapter that a step opens names it in ``opened_by``.
    """

    operation: str
    chapters: list[MergedStep | Fragment]
    #: What each boot is called, and how it ended.
    names: list[str]
    outcomes: list[str]
    versions: dict[str, str] = field(default_factory=dict)
    #: What sets of boots were asked for and the others were not: "request has key_name".
    conditions: dict[frozenset[int], str] = field(default_factory=dict)

    def walk(self) -> Iterator[MergedStep]:
        """Every step, in the order of the sequence; as deep as it may be."""
        stack: list[MergedStep | Fragment] = list(reversed(self.chapters))
        while stack:
            part = stack.pop()
            if isinstance(part, MergedStep):
                yield part
                stack.extend(reversed(part.children))
            else:
                stack.extend(inner for operand in reversed(part.operands) for inner in reversed(operand.inside))
