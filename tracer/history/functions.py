"""Functions in the text of a module: their lines, by a line in them or by name."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Function:
    """A function's qualified name and its first and last line, decorators included, counted from 1."""

    name: str
    first: int
    last: int


def around(text: str, line: int) -> Function | None:
    """Return the innermost function that contains a line; None without one, or for a text that is not Python."""
    matching = [function for function in _functions(text) if function.first <= line <= function.last]
    return max(matching, key=lambda function: function.first, default=None)


def named(text: str, name: str) -> Function | None:
    """Return the last function of this qualified name, ``API.create``: the one that the module ends up with."""
    matching = [function for function in _functions(text) if function.name == name]
    return matching[-1] if matching else None


def _functions(text: str) -> list[Function]:
    try:
        with warnings.catch_warnings(action="ignore"):  # of invalid escapes in the text
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return list(_below(tree, ""))


def _below(node: ast.AST, prefix: str) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Definition):
            name = f"{prefix}{child.name}"
            if not isinstance(child, ast.ClassDef):
                first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
                yield Function(name, first, child.end_lineno or child.lineno)
            yield from _below(child, f"{name}.")
        else:
            yield from _below(child, prefix)
