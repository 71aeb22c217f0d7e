"""The report on a fleet as text, Markdown, JSON and HTML."""

from __future__ import annotations

import json
from typing import Any

from diagrams.fleet import answers, page
from diagrams.text import clean
from tracer.model.fleet import Answer, Column, FleetReport, StepTrend, Table

#: Steps in the text and in Markdown: the longest.
_LONGEST = 25
_COLUMNS = (
    Column("service", "service"), Column("step", "step"), Column("boots", "boots", "count"),
    Column("n", "times", "count"), Column("p50_us", "p50", "us"), Column("p95_us", "p95", "us"),
    Column("ratio", "change", "ratio"), Column("since", "since", "day"), Column("key", "key", "key"),
)  # fmt: skip


def report(content: FleetReport, title: str, format_: str) -> str:
    """Return the report in a format by its name."""
    if format_ == "html":
        return page.page(content, title)
    if format_ == "json":
        return json.dumps(value(content), indent=1) + "\n"
    facts = [f"{name}: {clean(text)}" for name, text in content.facts]
    parts = [*content.answers, Answer("longest steps", tables=[_longest(content.steps)])]
    if format_ == "markdown":
        return "\n".join([f"# {clean(title)}\n", *(f"- {fact}" for fact in facts), ""]) + "\n" + "\n".join(
            answers.markdown(answer, "##") for answer in parts
        )  # fmt: skip
    return "\n".join([clean(title), *facts, ""]) + "\n" + "\n".join(
        f"{answer.question.upper()}\n{answers.text(answer)}" for answer in parts
    )  # fmt: skip


def value(content: FleetReport) -> dict[str, Any]:
    """Return the report as a value for JSON: facts, answers by question, and all steps with their days."""
    return {
        "facts": dict(content.facts),
        "answers": {answer.question: answers.value(answer) for answer in content.answers},
        "steps": [
            {
                "key": str(step.key), "depth": step.depth, "service": step.service, "kind": step.kind,
                "name": step.name, "boots": step.boots, "n": step.count, "p50_us": step.median, "p95_us": step.high,
                "ratio": step.ratio, "since": step.since.isoformat() if step.since else None,
                "days": [[day.isoformat(), median, high] for day, median, high in step.days],
            }
            for step in content.steps
        ],
    }  # fmt: skip


def _longest(steps: list[StepTrend]) -> Table:
    ordered = sorted(steps, key=lambda step: (-step.median, step.key))[:_LONGEST]
    return Table("longest", "Longest steps, with what is inside", _COLUMNS, [
        (s.service, s.name, s.boots, s.count, s.median, s.high, s.ratio, s.since, str(s.key)) for s in ordered
    ])  # fmt: skip
