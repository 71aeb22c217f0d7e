"""The Markdown document of a boot, facts, tree, tables and sequence diagram, and that of merged boots."""

from __future__ import annotations

from collections.abc import Iterator

from diagrams.document import tables
from diagrams.outline.merged import tree as merged_tree
from diagrams.outline.outline import left_out, line, tree
from diagrams.sequence import fold_merged
from diagrams.sequence.fold import Row, fold
from diagrams.sequence.mermaid import blocks, mermaid
from diagrams.templating import templates
from diagrams.text import plural, shorten, span
from diagrams.words import steps as words_steps
from diagrams.words.merged import guard
from tracer.model import Fragment, Merged, MergedStep, Operand, Request


def markdown(boot: Request, detail: str = "calls") -> str:
    """Return a boot as one document, for GitHub, GitLab and Sphinx with MyST."""
    return (
        templates()
        .get_template("boot.md")
        .render(
            title=shorten(f"{boot.operation} {boot.server}".strip(), words_steps.LABEL),
            facts=_facts(boot),
            chapters=[_chapter(row, detail) for row in fold(boot, detail)],
            left_out=left_out(boot.left_out),
            participants=tables.participants(boot),
            statements=tables.statements(boot),
            slowest=tables.slowest(boot),
            states=tables.states(boot),
            diagrams=[text.rstrip("\n") for text in blocks(boot, detail)],
        )
    )


def _chapter(row: Row, detail: str) -> tuple[str, str, str]:
    """Write a chapter: its head, its counts and duration, its tree."""
    steps = list(row.step.walk())
    lasted = max(step.end or step.start for step in steps) - row.step.start
    head = shorten(line(row, "brief"), words_steps.TITLE)
    return head, f"{plural(len(steps), 'step')}, {span(lasted)}", "\n".join(tree([row], detail))


#: The packages whose versions a document names.
_RELEASES = ("nova", "openstack.placement", "sqlalchemy", "oslo.messaging")


def _facts(boot: Request) -> list[tuple[str, str]]:
    facts = {
        "server": boot.server,
        "instance": boot.uuid,
        "request": boot.request_id,
        "outcome": boot.outcome,
        "duration": span(boot.duration),
        "host": boot.host,
        "release": _releases(boot.versions),
    }
    return [(name, shorten(value, words_steps.NOTE)) for name, value in facts.items() if value]


def _releases(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {versions[name]}" for name in _RELEASES if name in versions)


def merged_markdown(merged: Merged, detail: str = "calls") -> str:
    """Return merged boots as one document: names, differences, tree, sequence diagram."""
    return templates().get_template("merged.md").render(
        title=shorten(merged.operation, words_steps.LABEL),
        boots=[
            (shorten(name, words_steps.TITLE), shorten(outcome, words_steps.NOTE))
            for name, outcome in zip(merged.names, merged.outcomes, strict=True)
        ],
        releases=shorten(_releases(merged.versions), words_steps.NOTE),
        differences=list(_differences(merged)),
        tree="\n".join(merged_tree(merged, fold_merged.fold(merged, detail), detail)),
        diagram=mermaid(merged, detail).rstrip("\n"),
    )  # fmt: skip


def _differences(merged: Merged) -> Iterator[tuple[str, str, str, int]]:
    """Yield each branch that some boots do not take: its operator, its boots, its first step, its number of steps."""
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
                yield part.operator, guard(operand.boots, merged), shorten(first, words_steps.TITLE), len(steps)
        stack.extend(inner for operand in reversed(part.operands) for inner in reversed(operand.inside))


def _steps(operand: Operand) -> Iterator[MergedStep]:
    return Merged("", operand.inside, [], []).walk()
