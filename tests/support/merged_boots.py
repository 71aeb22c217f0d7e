"""Each boot's steps read back from a merged sequence, without the code that merged it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod

from tracer.model import Fragment, Merged, MergedStep, Request, Step
from tracer.notation.normal_text import text
from tracer.notation.parse import split_error, without_versions

#: A step as its enclosing steps, outermost first, each with its service, and the error it ended with.
Path = tuple[str, ...]
Part = MergedStep | Fragment


def paths(boot: Request) -> Counter[Path]:
    """Count each step of a boot's own trace, with chapters below the step that sent them."""
    counts: Counter[Path] = Counter()
    around: dict[str, Path] = {}
    for chapter in boot.chapters:
        stack = [(chapter, around.get(chapter.opened_by, ()))]
        while stack:
            step, above = stack.pop()
            if not _counts(step):
                continue
            line, error = split_error(text(step))
            path = (*above, f"[{step.service}] {without_versions(line)}")
            counts[(*path, error)] += 1
            around[step.address] = path
            stack.extend((child, path) for child in step.children)
    return counts


def _counts(step: Step) -> bool:
    if step.kind == "log":
        return step.text("level") in ("WARNING", "WARN", "ERROR", "CRITICAL")
    return step.kind != "ask" and not step.name.startswith("sqlalchemy.pool:")


def paths_in(merged: Merged, boot: int) -> Counter[Path]:
    """Count how often the merged sequence has a boot do each step, by the branches that it takes and its loops."""
    counts: Counter[Path] = Counter()
    around: dict[str, tuple[Path, int]] = {"": ((), 1)}
    for chapter, often in taken(merged.chapters, boot):
        stack = [(chapter, often, *around[chapter.opened_by])]
        while stack:
            step, times, above, before = stack.pop()
            path = (*above, f"[{step.service}] {step.text}")
            counts[(*path, step.errors.get(boot, ""))] += prod((times, before))
            around[step.address] = path, times * before
            stack.extend((child, more, path, times * before) for child, more in taken(step.children, boot))
    return counts


def taken(parts: list[Part], boot: int) -> Iterator[tuple[MergedStep, int]]:
    """Yield the steps that a boot does, and how often, in a row or in turn; a par's operands one after the other."""
    for part in parts:
        if isinstance(part, MergedStep):
            yield part, 1
        elif part.operator == "loop":
            yield from ((step, part.counts[boot] * often) for step, often in taken(part.operands[0].inside, boot))
        else:
            branches = [operand for operand in part.operands if boot in operand.boots]
            assert len(branches) == 1 or part.operator != "alt"
            for branch in branches:
                yield from taken(branch.inside, boot)


def fragments(merged: Merged) -> Iterator[tuple[Fragment, frozenset[int]]]:
    """Yield every fragment, with the boots that reach it."""
    everyone = frozenset(range(len(merged.names)))
    stack: list[tuple[Part, frozenset[int]]] = [(part, everyone) for part in merged.chapters]
    while stack:
        part, boots = stack.pop()
        if isinstance(part, MergedStep):
            stack.extend((child, part.boots) for child in part.children)
        else:
            yield part, boots
            stack.extend((inner, operand.boots) for operand in part.operands for inner in operand.inside)


def check(merged: Merged, boots: list[Request]) -> None:
    """Assert that each boot can be read back, and that every fragment has the branches that its operator requires."""
    for number, boot in enumerate(boots):
        assert paths_in(merged, number) == paths(boot)
    for fragment, arriving in fragments(merged):
        through = [operand.boots for operand in fragment.operands]
        match fragment.operator:
            case "opt":
                assert len(through) == 1
                assert frozenset() < through[0] < arriving
            case "alt":
                assert len(through) > 1
                assert sorted(boot for boots in through for boot in boots) == sorted(arriving)
            case "loop":
                assert len(through) == 1
                assert fragment.counts.keys() == through[0] == arriving
                assert max(fragment.counts.values()) > 1
            case _:
                assert fragment.operator == "par"
                assert len(through) > 1
                assert frozenset().union(*through) == arriving
