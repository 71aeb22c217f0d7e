"""Expressions of ask points: their compiled form, and refusals with their messages."""

from __future__ import annotations

import pytest

from tracer.errors import TracerError
from tracer.recording import ask_expressions


def codes(*texts: str, unsafe: bool = False) -> list[str]:
    """Return the code that is evaluated."""
    return [expression.code for expression in ask_expressions.parse(texts, unsafe)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("request_spec", "request_spec"),
        ("spec.flavor.name", "_ask_get(_ask_get(spec, 'flavor'), 'name')"),
        ("hosts[0]['a']", "_ask_item(_ask_item(hosts, 0), 'a')"),
        ("hosts[1:n]", "_ask_item(hosts, _ask_slice(1, n, None))"),
        ("len(hosts) > 2", "_ask_compare(_ask_len(hosts), '>', 2)"),
        ("x and not y", "_ask_raw(_ask_condition(x) and _ask_condition(not _ask_condition(y)))"),
        ("a in b.c", "_ask_compare(a, 'in', _ask_get(b, 'c'))"),
        ("a * 2 + b % 3", "_ask_plus(_ask_times(a, 2), _ask_modulo(b, 3))"),
        ("a - -1", "_ask_minus(a, _ask_negative(1))"),
        ("a < b is not c", "_ask_compare(a, '<', b, 'is not', c)"),
        ("(a, [b], {'c': d}, {e})", "(a, [b], _ask_dict([('c', d)]), _ask_set([e]))"),
        ("x.y if z else None", "_ask_get(x, 'y') if _ask_condition(z) else None"),
        ("isinstance(x, Instance)", "_ask_isinstance(x, Instance)"),
        (
            "f'{x.y!r:>10} of {z}'",
            "_ask_text(_ask_format(_ask_get(x, 'y'), 114, '>10'), ' of ', _ask_format(z, -1, ''))",
        ),
    ],
)
def test_operations_that_could_run_code_are_guarded(text: str, code: str) -> None:
    assert codes(text) == [code]


def test_commas_separate_expressions_except_in_brackets() -> None:
    """They have the user's text, and the names by which secrets are recognised."""
    parsed = ask_expressions.parse(["spec.name, (a, b)", " c['password'] ,"])
    assert [expression.text for expression in parsed] == ["spec.name", "(a, b)", "c['password']"]
    assert [expression.names for expression in parsed] == [("name", "spec"), ("a", "b"), ("c", "password")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spec.to_dict()", "spec.to_dict(): only these functions may be called: abs, bool"),
        ("a, len(spec.hosts())", "spec.hosts() in len(spec.hosts()): only these functions may be called"),
        ("[h for h in hosts]", "a comprehension is not evaluated in a running service; pass --unsafe to allow it"),
        ("lambda: 1", "lambda: 1: lambda is not evaluated"),
        ("(a := 1)", "an assignment is not evaluated"),
        ("x.__class__", "x.__class__: __class__ belongs to the interpreter"),
        ("__builtins__", "names with two underscores"),
        ("_ask_get", "names with two underscores"),
        ("9 ** 9 ** 9", "** is not evaluated"),
        ("1 << 99", "<< is not evaluated"),
        ("[*a]", "*a in [*a]: a star is not evaluated"),
        ("{**a}", "** is not evaluated"),
        ("sorted(a, key=b)", "only these functions may be called"),
        ("f'{x:99999}'", "a width of 99999 is too large"),
        ("f'{x:{y}}'", "a format within a format"),
    ],
)
def test_expressions_that_run_code_or_fill_the_memory_are_refused(text: str, message: str) -> None:
    """With the part and the reason; --unsafe accepts them."""
    with pytest.raises(TracerError) as caught:
        ask_expressions.parse([text])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert codes(text, unsafe=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " , ",
        "a b",
        "a) + (b",
        "a)(b",
        "a), _(b",
        "a = 1",
        "a=1",
        "import os",
        "await x",
        "(yield)",
        "a\0",
        "(" * 500,
    ],
)
@pytest.mark.parametrize("unsafe", [False, True])
def test_text_that_is_no_expression_is_refused_in_one_line(text: str, unsafe: bool) -> None:
    with pytest.raises(TracerError) as caught:
        ask_expressions.parse([text], unsafe)
    assert "\n" not in str(caught.value)


def test_length_and_number_of_expressions_are_limited() -> None:
    with pytest.raises(TracerError, match="longer than 1000 characters"):
        ask_expressions.parse(["a" * 1001])
    with pytest.raises(TracerError, match="33 expressions"):
        ask_expressions.parse(["a"] * 33)
