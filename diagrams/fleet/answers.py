"""An answer about a fleet as text, Markdown and JSON."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from diagrams.fleet.units import cell, is_number
from diagrams.text import clean
from tracer.model.fleet import Answer, Cell, Column, Table

#: Columns that only JSON has.
_HIDDEN = "key"


def text(answer: Answer) -> str:
    """Return an answer as text."""
    blocks = ["\n".join(map(clean, answer.sentences))] if answer.sentences else []
    blocks += [f"{clean(table.title)}\n{_text_table(table)}" for table in answer.tables if table.rows]
    return "\n\n".join(blocks) + "\n"


def _text_table(table: Table) -> str:
    columns, rows = _shown(table)
    lines = [[column.title for column in columns], *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    padded = (
        "  ".join(
            value.rjust(width) if is_number(column) else value.ljust(width)
            for value, width, column in zip(line, widths, columns, strict=True)
        )
        for line in lines
    )
    return "\n".join(f"  {line}".rstrip() for line in padded)


def markdown(answer: Answer, heading: str = "#") -> str:
    """Return an answer as Markdown."""
    parts = [f"{heading} {_escaped(answer.question)}", *(_escaped(clean(sentence)) for sentence in answer.sentences)]
    parts += [
        f"{heading}# {_escaped(clean(table.title))}\n\n{_markdown_table(table)}"
        for table in answer.tables
        if table.rows
    ]
    return "\n\n".join(parts) + "\n"


def _markdown_table(table: Table) -> str:
    columns, rows = _shown(table)
    rule = ["---:" if is_number(column) else "---" for column in columns]
    lines = [[column.title for column in columns], rule, *([_escaped(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _escaped(value: str) -> str:
    for character in "\\`*_[]<>|":
        value = value.replace(character, "\\" + character)
    return value


def _shown(table: Table) -> tuple[list[Column], list[list[str]]]:
    numbers = [i for i, column in enumerate(table.columns) if column.unit != _HIDDEN]
    rows = [[cell(row[i], table.columns[i].unit) for i in numbers] for row in table.rows]
    return [table.columns[i] for i in numbers], rows


def value(answer: Answer) -> dict[str, Any]:
    """Return an answer as a value for JSON: a table is an array of objects."""
    tables = {table.name: [_row(table, row) for row in table.rows] for table in answer.tables}
    return {"question": answer.question, "verdict": answer.verdict, "text": answer.sentences} | tables


def _row(table: Table, row: tuple[Cell, ...]) -> dict[str, Any]:
    return {
        column.name: item.isoformat() if isinstance(item, date) else item
        for column, item in zip(table.columns, row, strict=True)
    }


def render(answer: Answer, format_: str) -> str:
    """Return an answer in a format by its name."""
    if format_ == "json":
        return json.dumps(value(answer), indent=1) + "\n"
    return markdown(answer) if format_ == "markdown" else text(answer)
