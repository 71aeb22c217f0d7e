"""SQL statements: verbs, tables, fingerprints and the states that some set, in bounded time for any text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import step
from tests.support.hanging import finished
from tracer.correlation import statements as correlation_statements
from tracer.model import Step

UUID = "7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11"


@pytest.mark.parametrize(
    ("statement", "verb", "tables"),
    [
        ("SELECT 1", "SELECT", ()),
        ("select a from b", "SELECT", ("b",)),
        ("SELECT services.id AS x \nFROM services \nWHERE services.deleted = ?", "SELECT", ("services",)),
        ("SELECT a FROM `instances` AS i LEFT OUTER JOIN tags AS t ON i.x = t.y", "SELECT", ("instances", "tags")),
        ('SELECT a FROM nova."key_pairs"', "SELECT", ("key_pairs",)),
        (
            "SELECT a FROM users, projects p, quotas AS q WHERE x IN (1, 2), 3",
            "SELECT",
            ("users", "projects", "quotas"),
        ),
        ("SELECT a FROM (SELECT b FROM c) AS d JOIN e ON 1, f", "SELECT", ("c", "e", "f")),
        ("SELECT a FROM b WHERE x IN (SELECT c FROM d) AND y = 1", "SELECT", ("b", "d")),
        ("(SELECT 1 FROM a) UNION ALL (SELECT 2 FROM b) ORDER BY c, d", "SELECT", ("a", "b")),
        ("SELECT EXTRACT(YEAR FROM x), trim(BOTH ' ' FROM y) FROM a", "SELECT", ("a",)),
        ("SELECT a FROM b WHERE c IS DISTINCT FROM d", "SELECT", ("b",)),
        ("SELECT a FROM b FOR UPDATE OF c", "SELECT", ("b",)),
        ("SELECT a FROM b JOIN b ON 1", "SELECT", ("b",)),
        ("WITH q AS (SELECT 1 FROM w), r (b) AS (SELECT 2) SELECT * FROM q", "SELECT", ("w",)),
        ("WITH q AS (SELECT 1 FROM w) UPDATE t SET a = 1", "UPDATE", ("w", "t")),
        ("/* who */ -- why\nSELECT 1 FROM a", "SELECT", ("a",)),
        ("INSERT INTO a (b) VALUES (?) ON DUPLICATE KEY UPDATE c = VALUES(c)", "INSERT", ("a",)),
        ("INSERT IGNORE INTO a SELECT b FROM c", "INSERT", ("a", "c")),
        ("INSERT INTO a (b) VALUES (?) ON CONFLICT DO UPDATE SET b = 1", "INSERT", ("a",)),
        ("UPDATE a SET b = ? WHERE c = (SELECT d FROM e)", "UPDATE", ("a", "e")),
        ("DELETE FROM a WHERE b = ?", "DELETE", ("a",)),
        ("CREATE TABLE IF NOT EXISTS a (b INTEGER)", "CREATE", ("a",)),
        ("PRAGMA foreign_keys=ON", "PRAGMA", ()),
        ("SAVEPOINT sa_savepoint_1", "SAVEPOINT", ()),
        ("ROLLBACK TO SAVEPOINT sa_savepoint_1", "ROLLBACK", ()),
        ("BEGIN", "BEGIN", ()),
        ("", "", ()),
        (" -- nothing", "", ()),
        (")))(((", ")", ()),
        ("FROM", "FROM", ()),
    ],
)
def test_a_statement_has_a_verb_and_tables(statement: str, verb: str, tables: tuple[str, ...]) -> None:
    """Tables in order of their first mention, without aliases, columns and common table expressions."""
    summary = correlation_statements.summary(statement)
    assert (summary.verb, summary.tables) == (verb, tables)


SAME = [
    ("SELECT a FROM b WHERE c = 1", "SELECT a FROM b WHERE c = 27"),
    ("SELECT a FROM b WHERE c = 'x'", "SELECT  a\nFROM b WHERE c = 'it''s' -- why"),
    ("SELECT a FROM b WHERE c = -1.5", "SELECT a FROM b WHERE c = ?"),
    ("SELECT a FROM b WHERE c = %(c_1)s", "SELECT a FROM b WHERE c = %s"),
    ("SELECT a FROM b WHERE c = :c", "SELECT a FROM b WHERE c = $1"),
    ("SELECT a FROM b WHERE c IN (?, ?, ?)", "SELECT a FROM b WHERE c IN (?)"),
    ("SELECT a FROM b WHERE c IN (%(c_1_1)s, %(c_1_2)s)", "SELECT a FROM b WHERE c IN (%(c_1_1)s)"),
    ("INSERT INTO a (b) VALUES (?, ?), (?, ?)", "INSERT INTO a (b) VALUES (?, ?)"),
    ("SAVEPOINT sa_savepoint_1", "SAVEPOINT sa_savepoint_22"),
    ("ROLLBACK TO SAVEPOINT sa_savepoint_1", "ROLLBACK TO SAVEPOINT sa_savepoint_22"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_statements_that_differ_in_values_only_have_one_fingerprint(first: str, second: str) -> None:
    """Literals, parameters of any style, lengths of lists, blanks and comments do not count."""
    assert correlation_statements.summary(first).fingerprint == correlation_statements.summary(second).fingerprint


def test_fingerprints_of_different_statements_differ() -> None:
    """By tables, columns, verbs or quoted names."""
    statements = [example for example, _ in SAME[:1] + SAME[5:6] + SAME[7:]]
    statements += ['SELECT "a" FROM b WHERE c = 1', "SELECT a FROM c WHERE c = 1", "SELECT a, d FROM b WHERE c = 1"]
    assert len({correlation_statements.summary(statement).fingerprint for statement in statements}) == len(statements)


def executed(statement: str, parameters: Any, **more: Any) -> Step:
    step_ = step("sql", "conductor", statement=statement, parameters=parameters, **more)
    correlation_statements.describe(step_)
    return step_


def changes(statement: str, parameters: Any, **more: Any) -> tuple[object, object] | None:
    state = correlation_statements.state_of(executed(statement, parameters, **more))
    return None if state is None else (state.attributes["instance"], state.attributes["changes"])


def test_a_step_is_named_by_verb_and_first_table() -> None:
    step_ = executed("SELECT a FROM b, c", [])
    assert (step_.name, step_.attributes["verb"], step_.attributes["tables"]) == ("SELECT b", "SELECT", ["b", "c"])
    assert executed("", []).name == "SQL"


@pytest.mark.parametrize(
    ("first", "second", "parameters"),
    [
        ("?", "?", ["building", None, UUID]),
        ("%s", "%s", ["building", None, UUID]),
        ("$1", "$2", ["building", None, UUID]),
        ("%(vm_state)s", "%(task_state)s", {"vm_state": "building", "task_state": None, "instances_uuid": UUID}),
        (":v", ":t", {"v": "building", "t": None, "u": UUID}),
    ],
)
def test_states_are_read_from_parameters_of_any_style(first: str, second: str, parameters: Any) -> None:
    """The styles of SQLite, PyMySQL, psycopg and asyncpg."""
    statement = f"UPDATE instances SET vm_state={first}, task_state={second} WHERE instances.uuid = {first}"
    assert changes(statement, parameters) == (UUID, {"vm_state": "building", "task_state": None})


def test_parameters_within_expressions_are_skipped() -> None:
    """The value of an expression is unknown, but its parameters take up positions."""
    statement = "UPDATE instances SET a=(b + ?), `host`=?, c=lower(?), vm_state=?, d=? + 1, node=? WHERE uuid=?"
    parameters = [1, "cmp1", "X", "active", 2, "n1", UUID]
    assert changes(statement, parameters) == (UUID, {"host": "cmp1", "vm_state": "active", "node": "n1"})


def test_states_are_read_from_the_first_inserted_row() -> None:
    """By the order of columns, with other expressions between the values."""
    statement = (
        "INSERT INTO instances (created_at, uuid, x, vm_state) VALUES (CURRENT_TIMESTAMP, ?, lower(?), ?), (?, ?)"
    )
    assert changes(statement, [UUID, "X", "building"]) == (UUID, {"vm_state": "building"})


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        ("UPDATE instances SET updated_at=? WHERE uuid=?", ["now", UUID]),
        ("UPDATE instance_extra SET host=? WHERE instance_uuid=?", ["h", UUID]),
        ("SELECT host FROM instances WHERE vm_state=?", ["active"]),
        ("UPDATE instances SET deleted=0 WHERE vm_state=?", ["active"]),
        ("UPDATE instances SET vm_state=?", []),
        ("UPDATE instances SET vm_state=?", "active"),
        ("INSERT INTO instances SELECT * FROM x", []),
    ],
)
def test_other_statements_set_no_state(statement: str, parameters: Any) -> None:
    """Other columns, other tables, conditions, missing parameters."""
    assert changes(statement, parameters) is None


def test_a_failed_statement_sets_no_state() -> None:
    assert changes("UPDATE instances SET vm_state=? WHERE uuid=?", ["error", UUID], error="DBError") is None


PIECES = [
    "(",
    ")",
    ",",
    "'",
    '"',
    "`",
    "--",
    "/*",
    "SELECT ",
    " FROM ",
    "UPDATE ",
    "SET ",
    "=",
    "?",
    "%(",
    ":a",
    "\\",
    "\ud800",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=60).map("".join))
def test_any_text_is_summarised(statement: str) -> None:
    """Without exceptions, and repeatably."""
    assert correlation_statements.summary(statement) == correlation_statements.summary(statement)


@pytest.mark.slow
def test_no_statement_hangs() -> None:
    """A megabyte of nesting, quotes or names: the beginning is summarised."""
    pieces = [*PIECES, "a.", "SELECT (", "CASE ", "UNION ", "1", "a,", " ", "?,", "(?),"]
    number = finished(
        """
        import json
        from tracer.correlation import statements
        pieces = json.loads(sys.argv[1])
        for piece in pieces:
            statements.summary("SELECT a FROM b WHERE " + piece * (1_000_000 // len(piece)))
        answer = len(pieces)
        """,
        json.dumps(pieces),
    )
    assert number == len(pieces)


def test_statements_that_sqlparse_refuses_to_group_are_summarised() -> None:
    """Since 0.5.4 its grouping raises on over 10,000 tokens, as of a long list of uuids, and on deep nesting."""
    many = "SELECT a FROM b WHERE c IN (" + ", ".join(["?"] * 6000) + ")"
    deep = "SELECT a FROM b WHERE " + "(" * 3000 + "1" + ")" * 3000
    for statement in (many, deep):
        assert (correlation_statements.summary(statement).verb, correlation_statements.summary(statement).tables) == (
            "SELECT",
            ("b",),
        )
