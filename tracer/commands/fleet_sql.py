"""``bootseq fleet sql``: a store's tables for queries of one's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tracer.commands import printing
from tracer.commands.fleet_questions import memory_option
from tracer.commands.options import PATH
from tracer.errors import TracerError

_PROMPT, _MORE = "fleet> ", "   ... "


@click.command()
@click.option("--views", "show_views", is_flag=True, help="Print the statements that create the tables elsewhere.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: an array of objects for each query.")
@memory_option
@click.argument("path", type=PATH, metavar="STORE")
@click.argument("query", required=False)
def sql(path: Path, query: str | None, show_views: bool, as_json: bool, memory: str) -> None:
    """Run a query on STORE, or, without QUERY, those that are typed or piped in, each ended by a semicolon.

    The tables are `boots` (a row a boot), `steps` (a row a boot and key) and `keys` (the names); docs/fleet.md has
    their columns. The dialect is DuckDB's.

    \b
    Examples:
      bootseq fleet sql boots.fleet 'SELECT release, count(*) FROM boots GROUP BY release'
      bootseq fleet sql boots.fleet --views > views.sql
      bootseq fleet sql boots.fleet
    """
    from tracer.fleet import engine, store, views

    with store.opened(path) as opened:
        if show_views:
            printing.lines(views.views(str(opened.real())))
            return
        if query is not None:
            for result in engine.ask(opened, lambda connection: list(_results(connection, query)), memory=memory):
                _print(*result, as_json)
            return
        engine.ask(opened, lambda connection: _shell(connection, as_json), memory=memory)


def _results(connection: Any, text: str) -> Iterator[tuple[list[str], list[tuple[Any, ...]]]]:
    """Yield columns and rows of each statement."""
    from tracer.fleet.engine import duckdb

    try:
        for statement in connection.extract_statements(text):
            connection.execute(statement)
            columns = [column[0] for column in connection.description or ()]
            yield columns, connection.fetchall() if columns else []
    except (duckdb().IOException, duckdb().OutOfMemoryException):
        raise
    except duckdb().Error as error:
        raise TracerError(str(error).partition("\n")[0]) from None


def _shell(connection: Any, as_json: bool) -> None:
    """Run the statements of stdin; on a terminal an error ends a statement, else the command."""
    for text in _statements(sys.stdin.isatty()):
        try:
            for result in _results(connection, text):
                _print(*result, as_json)
        except TracerError as error:
            if not sys.stdin.isatty():
                raise
            printing.note(str(error))


def _statements(prompting: bool) -> Iterator[str]:
    text = ""
    while True:
        if prompting:
            printing.over(_MORE if text else _PROMPT)
        line = sys.stdin.readline()
        text += line
        if text.rstrip().endswith(";") or not line:
            if text.strip():
                yield text
            text = ""
        if not line:
            return


def _print(columns: list[str], rows: list[tuple[Any, ...]], as_json: bool) -> None:
    if as_json:
        printing.as_json([dict(zip(columns, map(_plain, row), strict=True)) for row in rows])
    elif columns:
        for line in printing.aligned([columns, *([_text(value) for value in row] for row in rows)]):
            printing.out(line)


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | dict | list | type(None)) else str(value)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
