"""The document: a boot's facts, tree, tables and sequence diagram in one Markdown file."""

from __future__ import annotations

from diagrams.document import tables
from diagrams.document.templates_env import templates
from diagrams.outline.outline import left_out, line, tree
from diagrams.sequence.fold import Row, fold
from diagrams.sequence.mermaid import blocks
from diagrams.text import plural, shorten, span
from diagrams.words import steps as words_steps
from tracer.model import Request


def markdown(boot: Request, detail: str = "calls") -> str:
    """``boot`` as one Markdown document, as GitHub, GitLab and Sphinx with MyST read it."""
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


#: What is worth naming of all the versions a trace knows.
RELEASES = ("nova", "openstack.placement", "sqlalchemy", "oslo.messaging")


def _facts(boot: Request) -> list[tuple[str, str]]:
    facts = {
        "server": boot.server,
        "instance": boot.uuid,
        "request": boot.request_id,
        "outcome": boot.outcome,
        "duration": span(boot.duration),
        "host": boot.host,
        "release": ", ".join(f"{name} {boot.versions[name]}" for name in RELEASES if name in boot.versions),
    }
    return [(name, shorten(value, words_steps.NOTE)) for name, value in facts.items() if value]
