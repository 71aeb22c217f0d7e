"""Several boots as one sequence: steps that they share, and fragments in which they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class MergedStep:
    """The same step of several boots: the service that does it, its text, and the boots that have it.

    ``text`` is as a NormalStep's, but without the error of the step: ``errors`` has it, by boot.
    """

    kind: str
    service: str
    text: str
    #: Numbers of the boots that have it, from 0: ``Merged.names`` names them.
    boots: frozenset[int]
    errors: dict[int, str] = field(default_factory=dict)
    #: Shortest, median and longest time in nanoseconds, () where none is known.
    durations: tuple[int, ...] = ()
    address: str = ""
    #: Addresses of the chapters that it opens, or, at a chapter's head, of the step that sent it.
    opens: list[str] = field(default_factory=list)
    opened_by: str = ""
    children: list[MergedStep | Fragment] = field(default_factory=list)


@dataclass(slots=True)
class Operand:
    """One branch of a fragment: the boots that take it, and their steps there."""

    boots: frozenset[int]
    inside: list[MergedStep | Fragment]


@dataclass(slots=True)
class Fragment:
    """A combined fragment of UML: ``operator`` is one of

    - ``opt``: one operand, which some boots lack;
    - ``alt``: operands of which each boot takes exactly one;
    - ``loop``: one operand; ``counts`` is how often in a row each boot does its steps;
    - ``par``: operands that run side by side, or whose order varies; each keeps the order inside it.
    """

    operator: str
    operands: list[Operand]
    counts: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Merged:
    """Several boots as one sequence: the steps of all, and in fragments those of some, repeated or unordered ones.

    ``chapters`` are steps or fragments of steps; a chapter that a step opens names it in ``opened_by``.
    """

    operation: str
    chapters: list[MergedStep | Fragment]
    #: The name and the outcome of each boot.
    names: list[str]
    outcomes: list[str]
    versions: dict[str, str] = field(default_factory=dict)
    #: The condition that only these boots' requests meet: "request has key_name".
    conditions: dict[frozenset[int], str] = field(default_factory=dict)

    def walk(self) -> Iterator[MergedStep]:
        """Yield every step, in the order of the sequence, at any depth."""
        stack: list[MergedStep | Fragment] = list(reversed(self.chapters))
        while stack:
            part = stack.pop()
            if isinstance(part, MergedStep):
                yield part
                stack.extend(reversed(part.children))
            else:
                stack.extend(inner for operand in reversed(part.operands) for inner in reversed(operand.inside))
