"""The document: what boot it is, its tree, who took part, and its sequence diagram, in one Markdown file."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from diagrams import words
from diagrams.folding import fold
from diagrams.mermaid import blocks
from diagrams.outline import left_out, tree
from diagrams.sequence import lane_order
from diagrams.text import clean, shorten, span
from tracer.model import Boot

if TYPE_CHECKING:
    from jinja2 import Environment

#: Columns of the table of participants, in the order of the document.
_KINDS = {
    "call": "calls", "http": "HTTP", "rpc": "RPC", "handoff": "hand-offs", "libvirt": "libvirt", "command": "commands",
    "sql": "SQL", "state": "states", "log": "log lines", "ask": "ask lines",
}  # fmt: skip


def markdown(boot: Boot, detail: str = "calls") -> str:
    """``boot`` as one Markdown document."""
    participants, kinds = _participants(boot)
    template = _environment().get_template("boot.md")
    return template.render(
        title=shorten(f"{boot.operation} {boot.server}".strip(), words.LABEL),
        facts=_facts(boot),
        tree="\n".join(tree(fold(boot, detail), detail)),
        left_out=left_out(boot.left_out),
        participants=participants,
        kinds=kinds,
        diagrams=[text.rstrip("\n") for text in blocks(boot, detail)],
    )


def code(text: str) -> str:
    """``text`` as a code span, fit for a table's cell."""
    text = clean(text).replace("|", "\\|") or " "
    ticks = "`" * (_longest_run(text) + 1)
    edge = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{ticks}{edge}{text}{edge}{ticks}"


def fenced(text: str, language: str = "text") -> str:
    """``text`` in a fence that nothing in it can close."""
    ticks = "`" * max(3, _longest_run(text) + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


#: What is worth naming of all the versions a trace knows.
_RELEASES = ("nova", "openstack.placement", "sqlalchemy", "oslo.messaging")


def _facts(boot: Boot) -> list[tuple[str, str]]:
    facts = {
        "server": boot.server,
        "instance": boot.uuid,
        "request": boot.request_id,
        "outcome": boot.outcome,
        "duration": span(boot.duration),
        "host": boot.host,
        "release": ", ".join(f"{name} {boot.versions[name]}" for name in _RELEASES if name in boot.versions),
    }
    return [(name, shorten(value, words.NOTE)) for name, value in facts.items() if value]


def _participants(boot: Boot) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Each service with its counts, and the names of the columns; kinds that nobody has are no column."""
    counts: dict[str, Counter[str]] = {}
    for step in boot.walk():
        counts.setdefault(step.service, Counter())[step.kind] += 1
    kinds = [kind for kind in _KINDS if any(one[kind] for one in counts.values())]
    rows = [(name, [str(counts[name][kind] or "") for kind in kinds]) for name in sorted(counts, key=lane_order)]
    return rows, [_KINDS[kind] for kind in kinds]


@cache
def _environment() -> Environment:
    # Late, so that who draws no document does not pay for it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # No autoescape, which is for HTML: what comes from the cloud stands in code spans and fences.
    made = Environment(
        loader=PackageLoader("diagrams"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        undefined=StrictUndefined, autoescape=False,
    )  # fmt: skip
    made.filters.update(code=code, fenced=fenced)
    return made
