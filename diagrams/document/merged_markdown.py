"""Several boots in one Markdown document: their names, where they differ, their tree, their sequence diagram."""

from __future__ import annotations

from collections.abc import Iterator

from diagrams.document.markdown import RELEASES
from diagrams.document.templates_env import templates
from diagrams.outline.merged import tree
from diagrams.sequence.fold_merged import fold
from diagrams.sequence.mermaid import mermaid
from diagrams.text import shorten
from diagrams.words.merged import guard
from diagrams.words.steps import LABEL, NOTE, TITLE
from tracer.model import Fragment, Merged, MergedStep, Operand


def markdown(merged: Merged, detail: str = "calls") -> str:
    """``merged`` as one Markdown document."""
    versions = merged.versions
    return templates().get_template("merged.md").render(
        title=shorten(merged.operation, LABEL),
        boots=[
            (shorten(name, TITLE), shorten(outcome, NOTE))
            for name, outcome in zip(merged.names, merged.outcomes, strict=True)
        ],
        releases=shorten(", ".join(f"{name} {versions[name]}" for name in RELEASES if name in versions), NOTE),
        differences=list(_differences(merged)),
        tree="\n".join(tree(merged, fold(merged, detail), detail)),
        diagram=mermaid(merged, detail).rstrip("\n"),
    )  # fmt: skip


def _differences(merged: Merged) -> Iterator[tuple[str, str, str, int]]:
    """Each branch that some boots do not go through: what it is, whose, its first step, how many steps it has."""
    stack: list[MergedStep | Fragment] = list(reversed(merged.chapters))
    while stack:
        part = stack.pop()
        if isinstance(part, MergedStep):
            stack.extend(reversed(part.children))
            continue
        if part.operator in ("opt", "alt"):
            for operand in part.operands:
                steps = list(_steps(operand))
                first = f"{steps[0].address}. {steps[0].text}"
                yield part.operator, guard(operand.boots, merged), shorten(first, TITLE), len(steps)
        stack.extend(inner for operand in reversed(part.operands) for inner in reversed(operand.inside))


def _steps(operand: Operand) -> Iterator[MergedStep]:
    return Merged("", operand.inside, [], []).walk()
