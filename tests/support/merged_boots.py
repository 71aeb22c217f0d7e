"""What a merged sequence says of each boot, read back by means that know nothing of how it was merged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod

from tracer.model import Fragment, Merged, MergedStep, Request, Step
from tracer.notation.normal_text import text
from tracer.notation.parse import split_error, without_versions

#: A step by what stands around it, outermost first, its service with each, and what it ended with.
Path = tuple[str, ...]
Part = MergedStep | Fragment


def paths(boot: Request) -> Counter[Path]:
    """How often a boot's own trace has each step, its chapters under the step that sent them."""
    found: Counter[Path] = Counter()
    around: dict[str, Path] = {}
    for chapter in boot.chapters:
        stack = [(chapter, around.get(chapter.opened_by, ()))]
        while stack:
            step, above = stack.pop()
            if not _counts(step):
                continue
            said, error = split_error(text(step))
            path = (*above, f"[{step.service}] {without_versions(said)}")
            found[(*path, error)] += 1
            around[step.address] = path
            stack.extend((child, path) for child in step.children)
    return found


def _counts(step: Step) -> bool:
    if step.kind == "log":
        return step.text("level") in ("WARNING", "WARN", "ERROR", "CRITICAL")
    return step.kind != "ask" and not step.name.startswith("sqlalchemy.pool:")


def paths_in(merged: Merged, boot: int) -> Counter[Path]:
    """How often the merged sequence lets a boot do each step: by the branches that it goes through, and its loops."""
    found: Counter[Path] = Counter()
    around: dict[str, tuple[Path, int]] = {"": ((), 1)}
    for chapter, often in taken(merged.chapters, boot):
        stack = [(chapter, often, *around[chapter.opened_by])]
        while stack:
            step, times, above, before = stack.pop()
            path = (*above, f"[{step.service}] {step.text}")
            found[(*path, step.errors.get(boot, ""))] += prod((times, before))
            around[step.address] = path, times * before
            stack.extend((child, more, path, times * before) for child, more in taken(step.children, boot))
    return found


def taken(parts: list[Part], boot: int) -> Iterator[tuple[MergedStep, int]]:
    """The steps that a boot does, and how often in a row; in a par one operand after the other."""
    for part in parts:
        if isinstance(part, MergedStep):
            yield part, 1
        elif part.operator == "loop":
            yield from ((step, part.counts[boot]) for step, _ in taken(part.operands[0].inside, boot))
        else:
            branches = [operand for operand in part.operands if boot in operand.boots]
            assert len(branches) == 1 or part.operator != "alt"
            for branch in branches:
                yield from taken(branch.inside, boot)


def fragments(merged: Merged) -> Iterator[tuple[Fragment, frozenset[int]]]:
    """Every fragment, with the boots that come to it."""
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
    """Each boot can be read from it, no branch is anybody else's, and every fragment is what its name says."""
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
                (step,) = fragment.operands[0].inside
                assert isinstance(step, MergedStep)
                assert fragment.counts.keys() == step.boots == arriving
                assert max(fragment.counts.values()) > 1
            case _:
                assert fragment.operator == "par"
                assert len(through) > 1
                assert frozenset().union(*through) == arriving
