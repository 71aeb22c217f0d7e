"""Statements formatted for reading: only insignificant white space changes."""

from __future__ import annotations

import pytest
import sqlparse
from hypothesis import example, given
from hypothesis import strategies as st

from diagrams.page.details import format_statements

_WORDS = st.sampled_from(
    ["SELECT", "FROM", "WHERE", "AND", "(", ")", ",", "a.b", "'it''s  two'", '"q  u"', "`x`", "= ?", "IN", "--", "\n"]
)  # fmt: skip


def tokens(statement: str) -> list[str]:
    """Return the tokens that a database reads: all but white space and comments' line ends."""
    flat = [token for parsed in sqlparse.parse(statement) for token in parsed.flatten()]  # type: ignore[no-untyped-call]
    return [token.value.strip() for token in flat if not token.is_whitespace]


def test_clauses_conditions_and_columns_start_lines() -> None:
    columns = ", ".join(f"t.column_{number} AS t_column_{number}" for number in range(2))
    (text,) = format_statements(
        [f"SELECT {columns} FROM t LEFT JOIN u ON t.id = u.id WHERE t.a = 'x FROM y' AND t.b = ?"]
    )
    assert text == (
        "SELECT t.column_0 AS t_column_0,\n"
        "       t.column_1 AS t_column_1\n"
        "FROM t\n"
        "LEFT JOIN u ON t.id = u.id\n"
        "WHERE t.a = 'x FROM y'\n"
        "  AND t.b = ?"
    )


@given(st.lists(_WORDS, max_size=25).map(" ".join) | st.text(max_size=30))
@example("SELECT 'a\n  b' FROM x -- why\nWHERE y")
def test_a_database_would_read_the_same(statement: str) -> None:
    (text,) = format_statements([statement])
    assert tokens(text) == tokens(statement)


@pytest.mark.parametrize("statement", ["SELECT " + "(" * 5_000 + "1" + ")" * 5_000, "SELECT a, " * 5_000 + "1"])
def test_a_statement_too_deep_or_too_long_is_unchanged(statement: str) -> None:
    assert format_statements([statement]) == [statement]


def test_statements_beyond_the_budget_are_unchanged() -> None:
    wide = "a" * 150 + ", "
    statements = [f"SELECT {wide * 100} {number} FROM x" for number in range(30)]
    texts = format_statements(statements)
    assert "\nFROM x" in texts[0]
    assert texts[-1] == statements[-1]
    assert len(texts) == 30
