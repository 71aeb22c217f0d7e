"""SQL statements laid out for a reader: line breaks and indents are put in, nothing else of a text changes."""

from __future__ import annotations

from collections.abc import Iterable

#: Characters that are laid out in all, and of one statement: a hundred thousand take half a second.
_BUDGET, _LONGEST = 300_000, 20_000


def laid_out(statements: Iterable[str]) -> list[str]:
    """The ``statements`` in their order; the very long ones, and what is beyond the budget, as they are."""
    left = _BUDGET
    texts = []
    for statement in statements:
        fits = len(statement) <= min(left, _LONGEST)
        left -= len(statement) if fits else 0
        texts.append(_lay_out(statement) if fits else statement)
    return texts


def _lay_out(statement: str) -> str:
    # Late, so that who makes no page does not pay for it.
    import sqlparse
    from sqlparse.exceptions import SQLParseError

    try:
        text = sqlparse.format(statement, reindent=True)
    except SQLParseError:  # nested deeper than it goes
        return statement
    return text if _ink(text) == _ink(statement) else statement


def _ink(text: str) -> str:
    return "".join(text.split())
