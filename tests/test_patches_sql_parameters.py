"""A plan of which parameters of a statement to mask, derived from its text."""

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


def placeholders(statement: str) -> int:
    """Return the number of question marks outside quotes."""
    return statement.replace("'?'", "").replace('"?"', "").count("?")


@pytest.mark.parametrize(("statement", "masked"), POSITIONAL, ids=[statement for statement, _ in POSITIONAL])
def test_positions_are_masked_by_their_columns(statement: str, masked: list[int]) -> None:
    """The columns that parameters are compared with, assigned to or inserted into."""
    assert list(sql_parameters.plan(statement, (1,) * placeholders(statement), None) or ()) == masked


@pytest.mark.parametrize(("statement", "masked"), [row for row in POSITIONAL if "'?'" not in row[0]], ids=str)
def test_positions_are_masked_in_the_other_placeholder_style(statement: str, masked: list[int]) -> None:
    plan = sql_parameters.plan(statement.replace("?", "%s"), (1,) * placeholders(statement), None)
    assert list(plan or ()) == masked


def test_named_parameters_are_masked_by_name_and_by_column() -> None:
    """For drivers that take a dict."""
    statement = "UPDATE t SET password=%(p)s, a=%(a)s WHERE id = %(t_id)s AND token = %(auth_token)s"
    parameters = {"p": 1, "a": 2, "t_id": 3, "auth_token": 4}
    plan = sql_parameters.plan(statement, parameters, None)
    assert plan == frozenset({"p", "auth_token"})
    assert sql_parameters.masked(parameters, plan) == ("{}", "p", "***", "a", 2, "t_id", 3, "auth_token", "***")


def test_all_parameters_are_masked_where_their_columns_are_unknown_and_a_secret_is_named() -> None:
    """More parameters than placeholders, in a statement about passwords."""
    assert sql_parameters.plan("CALL set_password(?)", (1, 2, 3), None) == (0, 1, 2)
    assert sql_parameters.plan("CALL move(?)", (1, 2, 3), None) is None


EMPTY = [(None, None), ("", ""), (b"", "<0 bytes>"), (0, 0), (0.0, 0.0), (False, False), (True, True)]


@pytest.mark.parametrize(("value", "recorded"), EMPTY, ids=[repr(value) for value, _ in EMPTY])
def test_an_empty_parameter_is_recorded_even_for_a_secret(value: Any, recorded: Any) -> None:
    """It contains no secret, and shows that no value was set."""
    assert sql_parameters.masked((value, "x"), (0, 1)) == (recorded, "***")
    assert sql_parameters.masked([value], frozenset({"p"})) == (recorded,)
    assert sql_parameters.masked({"p": value}, frozenset({"p"})) == ("{}", "p", recorded)
    assert sql_parameters.masked({"p": value}, (0,)) == ("{}", "p", recorded)


def test_a_plan_for_another_driver_masks_everything() -> None:
    assert sql_parameters.masked((1, 2), frozenset({"p"})) == ("***", "***")
    assert sql_parameters.masked({"a": 1}, (0,)) == ("{}", "a", "***")


def test_the_number_of_recorded_parameters_is_limited() -> None:
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
def test_any_text_gets_a_plan(statement: str, parameters: list[Any]) -> None:
    """Also text that is no SQL."""
    plan = sql_parameters.plan(statement, tuple(parameters), None)
    masking.without_secrets(statement)
    assert len(sql_parameters.masked(tuple(parameters), plan)) == len(parameters)


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
    ("statement", "masked"),
    [
        ("SELECT 'plain' FROM t", "SELECT 'plain' FROM t"),
        ("UPDATE t SET password = 'it''s', a = 'b'", "UPDATE t SET password = '***', a = '***'"),
        ("SELECT 'mysql://u:secret@db/x' FROM t", "SELECT '***' FROM t"),
        ("SELECT 'mysql://u:pw@db/x' FROM t", "SELECT 'mysql://***@db/x' FROM t"),
    ],
)
def test_literals_are_masked_where_a_secret_is_named(statement: str, masked: str) -> None:
    """Elsewhere only literals that look like a secret."""
    assert masking.without_secrets(statement) == masked


def test_names_of_subclasses_of_str_are_names() -> None:
    """SQLAlchemy passes such names to MySQL's drivers: they are written as plain text, and masked."""

    class Label(str):
        __slots__ = ()

    parameters = {Label("host_1"): "compute1", Label("password"): "s3cret"}
    statement = "UPDATE users SET password=%(password)s WHERE host = %(host_1)s"
    flat = sql_parameters.masked(parameters, sql_parameters.plan(statement, parameters, None))
    assert flat == ("{}", "host_1", "compute1", "password", "***")
    assert {type(item) for item in flat} == {str}
