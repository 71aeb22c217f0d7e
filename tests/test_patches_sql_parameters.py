"""Which of a statement's parameters may be kept, told by its text alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patches import masking, sql_parameters
from tests.support.hanging import finished

POSITIONAL = [
    ("SELECT * FROM t WHERE a = ? AND password = ?", [1]),
    ("SELECT * FROM t WHERE t.password = ? OR `user_data` LIKE ?", [0, 1]),
    ('SELECT * FROM t WHERE "password"=? AND [x]=?', [0]),
    ("SELECT * FROM t WHERE password IN (?, ?, ?) AND a IN (?, ?) LIMIT ?", [0, 1, 2]),
    ("SELECT * FROM t WHERE a BETWEEN ? AND ? AND token != ?", [2]),
    ("SELECT * FROM t WHERE lower(password) = lower(?) AND a = ?", [0]),
    ("UPDATE t SET a=?, user_data=?, b=? WHERE id = ?", [1]),
    ("UPDATE t SET a=coalesce(?, b), key_data=? WHERE id = ?", [1]),
    ("INSERT INTO t (a, password, b) VALUES (?, ?, ?)", [1]),
    ("INSERT INTO t (a, password) VALUES (?, ?), (?, ?), (?, ?)", [1, 3, 5]),
    ("INSERT INTO t (`a`, `password`) VALUES (lower(?), NULL), (?, upper(?))", [2]),
    ("INSERT INTO t (a, password, b) VALUES ('it''s (a, b)', ?, ?)", [0]),
    ("REPLACE INTO t (value, b) VALUES (?, ?)", [0]),
    ("INSERT INTO t (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE password = ?", [0, 1, 2]),
    ("INSERT INTO t SELECT ?, password FROM u WHERE id = ?", []),
    ("SELECT '?', \"?\" FROM t WHERE a = ? AND secret = ?", [1]),
    ("SELECT ?", []),
]


@pytest.mark.parametrize(("statement", "masked"), POSITIONAL, ids=[statement for statement, _ in POSITIONAL])
@pytest.mark.parametrize("mark", ["?", "%s"])
def test_positions_are_masked_by_their_columns(statement: str, masked: list[int], mark: str) -> None:
    """Whatever a parameter is compared with, assigned to or inserted into."""
    marks = statement.replace("'?'", "").replace('"?"', "").count("?")
    found = sql_parameters.plan(statement.replace("?", mark) if mark != "?" else statement, (1,) * marks, None)
    if "'?'" in statement and mark != "?":
        return
    assert list(found or ()) == masked


def test_names_are_masked_by_what_they_say_and_by_their_columns() -> None:
    """Of drivers that take a dict."""
    statement = "UPDATE t SET password=%(p)s, a=%(a)s WHERE id = %(t_id)s AND token = %(auth_token)s"
    given = {"p": 1, "a": 2, "t_id": 3, "auth_token": 4}
    plan = sql_parameters.plan(statement, given, None)
    assert plan == frozenset({"p", "auth_token"})
    assert sql_parameters.masked(given, plan) == ("{}", "p", "***", "a", 2, "t_id", 3, "auth_token", "***")


def test_what_cannot_be_told_is_masked_whole_where_a_secret_is_named() -> None:
    """More parameters than placeholders, in a statement about passwords."""
    assert sql_parameters.plan("CALL set_password(?)", (1, 2, 3), None) == (0, 1, 2)
    assert sql_parameters.plan("CALL move(?)", (1, 2, 3), None) is None


EMPTY = [(None, None), ("", ""), (b"", "<0 bytes>"), (0, 0), (0.0, 0.0), (False, False), (True, True)]


@pytest.mark.parametrize(("value", "recorded"), EMPTY, ids=[repr(value) for value, _ in EMPTY])
def test_an_empty_parameter_is_recorded_though_its_name_is_a_secrets(value: Any, recorded: Any) -> None:
    """It hides nothing, and shows that nothing was set."""
    assert sql_parameters.masked((value, "x"), (0, 1)) == (recorded, "***")
    assert sql_parameters.masked([value], frozenset({"p"})) == (recorded,)
    assert sql_parameters.masked({"p": value}, frozenset({"p"})) == ("{}", "p", recorded)
    assert sql_parameters.masked({"p": value}, (0,)) == ("{}", "p", recorded)


def test_a_plan_for_another_driver_masks_all() -> None:
    """Rather than guess."""
    assert sql_parameters.masked((1, 2), frozenset({"p"})) == ("***", "***")
    assert sql_parameters.masked({"a": 1}, (0,)) == ("{}", "a", "***")


def test_no_more_is_kept_than_is_of_use() -> None:
    """A statement may have thousands of parameters."""
    assert len(sql_parameters.masked(tuple(range(5_000)), None)) == sql_parameters.MAX_PARAMETERS
    assert (
        len(sql_parameters.masked({str(number): number for number in range(5_000)}, None))
        == 2 * sql_parameters.MAX_PARAMETERS + 1
    )
    statement = f"SELECT * FROM t WHERE password IN ({', '.join('?' * 5_000)})"
    assert sql_parameters.masked(("x",) * 5_000, sql_parameters.plan(statement, ("x",) * 5_000, None)) == ("***",) * 80


@given(
    st.text(alphabet="SELECTINSERTVALUES(),='\"`?%s:a password$1 \n", max_size=200), st.lists(st.integers(), max_size=9)
)
def test_no_text_breaks_it(statement: str, given: list[Any]) -> None:
    """Nothing raises, whatever is no SQL."""
    plan = sql_parameters.plan(statement, tuple(given), None)
    masking.without_secrets(statement)
    assert len(sql_parameters.masked(tuple(given), plan)) == len(given)


def test_no_statement_hangs_a_service() -> None:
    """Growth with the length is measured by ``python -m tests.bench masking``."""
    number = finished("""
    from patches import sql_parameters
    statements = [
        "SELECT " + "a = ? AND " * 5_000, "(" * 20_000, "'" * 20_001,
        "INSERT INTO t (" + "a," * 9_000, "a " * 20_000 + "?",
    ]
    for statement in statements:
        sql_parameters.plan(statement, (1, 2), None)
    answer = len(statements)
    """)
    assert number == 5


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        ("SELECT 'plain' FROM t", "SELECT 'plain' FROM t"),
        ("UPDATE t SET password = 'it''s', a = 'b'", "UPDATE t SET password = '***', a = '***'"),
        ("SELECT 'mysql://u:secret@db/x' FROM t", "SELECT '***' FROM t"),
        ("SELECT 'mysql://u:pw@db/x' FROM t", "SELECT 'mysql://***@db/x' FROM t"),
    ],
)
def test_literals_in_the_text(statement: str, kept: str) -> None:
    """All go where a secret is named, elsewhere those that look like one."""
    assert masking.without_secrets(statement) == kept


def test_names_of_classes_below_str_are_names() -> None:
    """SQLAlchemy gives MySQL's drivers such names: they are written as plain text, and their secrets masked."""

    class Label(str):
        __slots__ = ()

    given = {Label("host_1"): "compute1", Label("password"): "s3cret"}
    statement = "UPDATE users SET password=%(password)s WHERE host = %(host_1)s"
    flat = sql_parameters.masked(given, sql_parameters.plan(statement, given, None))
    assert flat == ("{}", "host_1", "compute1", "password", "***")
    assert {type(one) for one in flat} == {str}
