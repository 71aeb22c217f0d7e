"""Expressions to evaluate in a running service: checked, and rewritten so that they have no side effects.

Attributes, items, calls, operators and f-strings become calls of the guards in ``patches.ask_guards`` (``_ask_get(x,
'name')`` …), which run no property and no special method of the service, import nothing and consume no iterator.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from tracer.errors import TracerError

#: Functions that may be called, each through a guard of its name.
CALLS = (
    "abs", "bool", "dict", "float", "hasattr", "int", "isinstance", "len", "list", "max", "min", "repr", "set",
    "sorted", "str", "sum", "tuple", "type",
)  # fmt: skip
MAX_LENGTH = 1000
MAX_EXPRESSIONS = 32

_GUARD = "_ask_"
_PLAIN = (ast.Constant, ast.Load, ast.Tuple, ast.List)
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "plus", ast.Sub: "minus", ast.Mult: "times", ast.Mod: "modulo", ast.Div: "over", ast.FloorDiv: "floor",
    ast.BitAnd: "both", ast.BitOr: "either", ast.BitXor: "unlike", ast.RShift: "shifted", ast.USub: "negative",
    ast.UAdd: "positive", ast.Invert: "inverted", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=",
    ast.Gt: ">", ast.GtE: ">=", ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
_CALLED = {
    ast.Lambda: "lambda", ast.ListComp: "a comprehension", ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension", ast.GeneratorExp: "a generator expression", ast.NamedExpr: "an assignment",
    ast.Starred: "a star", ast.Pow: "**", ast.LShift: "<<", ast.MatMult: "@",
}  # fmt: skip
_NEVER = {ast.Await: "await", ast.Yield: "yield", ast.YieldFrom: "yield"}
#: Digits of a width in a format: a larger one could fill the memory.
_MAX_WIDTH = 3


@dataclass(frozen=True)
class Expression:
    """An expression: its text, the code to evaluate, and every name in it (to recognise secrets by)."""

    text: str
    code: str
    names: tuple[str, ...]


def parse(texts: Iterable[str], unsafe: bool = False) -> list[Expression]:
    """Return the expressions in the texts, each a comma-separated list; TracerError names the invalid one and why."""
    expressions = [expression for text in texts for expression in _parse(text, unsafe)]
    if not expressions:
        raise TracerError("no expression; pass what to show, as in 'spec_obj.flavor.name, request_spec'")
    if len(expressions) > MAX_EXPRESSIONS:
        raise TracerError(f"{len(expressions)} expressions; an ask point has at most {MAX_EXPRESSIONS}")
    return expressions


def _parse(text: str, unsafe: bool) -> list[Expression]:
    shown = " ".join(text.split())
    if len(text) > MAX_LENGTH:
        raise TracerError(f"{shown[:60]}…: longer than {MAX_LENGTH} characters")
    whole = f"_({text}\n)"
    try:
        call = ast.parse(whole, mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.end_col_offset != 1:
            raise TracerError(f"{shown}: not an expression: unmatched closing bracket")
        if call.keywords:
            raise TracerError(
                f"{shown}: not an expression: {call.keywords[0].arg or '**'}= is a keyword argument; compare with =="
            )
        return [_expression(whole, node, unsafe) for node in call.args]
    except SyntaxError as error:
        raise TracerError(f"{shown}: not an expression: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError):
        raise TracerError(f"{shown[:60]}: not an expression") from None


def _expression(whole: str, node: ast.expr, unsafe: bool) -> Expression:
    text = " ".join((ast.get_source_segment(whole, node) or "").split())
    names = tuple(sorted(set(_names(node))))
    for part in ast.walk(node):
        if type(part) in _NEVER:
            raise TracerError(f"{text}: {_NEVER[type(part)]} cannot be evaluated in a service")
    if unsafe:
        return Expression(text, ast.unparse(node), names)
    guarded = ast.fix_missing_locations(_Guarding(whole, text).visit(node))
    return Expression(text, ast.unparse(guarded), names)


def _names(node: ast.expr) -> Iterable[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


class _Guarding(ast.NodeTransformer):
    """A transformer that replaces all that could run, import or consume something by guards; fails without a guard."""

    def __init__(self, whole: str, text: str) -> None:
        self._whole = whole
        self._text = text

    def visit(self, node: ast.AST) -> ast.AST:
        """Return the node with guards."""
        if isinstance(node, _PLAIN):
            return self.generic_visit(node)
        method = getattr(self, f"visit_{type(node).__name__}", None)
        if method is None:
            self._fail(node, f"{_CALLED.get(type(node), type(node).__name__)} is not evaluated in a running service")
        guarded: ast.AST = method(node)
        return guarded

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Return the name; those of the interpreter are refused."""
        if node.id.startswith((_GUARD, "__")):
            self._fail(node, "names with two underscores belong to the interpreter")
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Return ``_ask_get(x, 'name')``."""
        if node.attr.startswith("__") and node.attr.endswith("__"):
            self._fail(node, f"{node.attr} belongs to the interpreter")
        return _guard("get", self.visit(node.value), ast.Constant(node.attr))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Return ``_ask_item(x, key)``."""
        return _guard("item", self.visit(node.value), self.visit(node.slice))

    def visit_Slice(self, node: ast.Slice) -> ast.AST:
        """Return ``_ask_slice(from, to, step)``."""
        parts = (node.lower, node.upper, node.step)
        return _guard("slice", *(ast.Constant(None) if part is None else self.visit(part) for part in parts))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Return ``_ask_len(x)``, so that no local name of the service shadows it."""
        if not isinstance(node.func, ast.Name) or node.func.id not in CALLS or node.keywords:
            self._fail(node, f"only these functions may be called: {', '.join(CALLS)}")
        return _guard(node.func.id, *map(self.visit, node.args))

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Return ``_ask_plus(x, y)``."""
        if type(node.op) not in _OPERATORS:
            self.visit(node.op)
        return _guard(_OPERATORS[type(node.op)], self.visit(node.left), self.visit(node.right))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """Return ``_ask_negative(x)``, or ``not`` of a condition."""
        if isinstance(node.op, ast.Not):
            return ast.UnaryOp(node.op, self._condition(node.operand))
        return _guard(_OPERATORS[type(node.op)], self.visit(node.operand))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """Return ``_ask_raw(_ask_condition(x) and _ask_condition(y))``: short-circuited, its value an operand."""
        return _guard("raw", ast.BoolOp(node.op, list(map(self._condition, node.values))))

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """Return ``x if _ask_condition(y) else z``."""
        return ast.IfExp(self._condition(node.test), self._visited(node.body), self._visited(node.orelse))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Return ``_ask_compare(x, '<', y, 'in', z)``."""
        parts = [self.visit(node.left)]
        for operation, value in zip(node.ops, node.comparators, strict=True):
            parts += [ast.Constant(_OPERATORS[type(operation)]), self.visit(value)]
        return _guard("compare", *parts)

    def visit_Set(self, node: ast.Set) -> ast.AST:
        """Return ``_ask_set([x, y])``, which hashes values of builtin types only."""
        return _guard("set", ast.List([self._visited(element) for element in node.elts], ast.Load()))

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        """Return ``_ask_dict([(x, y)])``; ``**`` is refused."""
        pairs: list[ast.expr] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                self._fail(node, "** is not evaluated in a running service")
            pairs.append(ast.Tuple([self._visited(key), self._visited(value)], ast.Load()))
        return _guard("dict", ast.List(pairs, ast.Load()))

    def _condition(self, node: ast.expr) -> ast.expr:
        return _guard("condition", self.visit(node))

    def _visited(self, node: ast.expr) -> ast.expr:
        guarded = self.visit(node)
        assert isinstance(guarded, ast.expr)
        return guarded

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Return ``_ask_text(part, …)``, which every Python parses alike."""
        return _guard("text", *map(self.visit, node.values))

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        """Return ``_ask_format(x, conversion, format)``; a number in the format is a width."""
        parts = node.format_spec.values if isinstance(node.format_spec, ast.JoinedStr) else []
        if not all(isinstance(part, ast.Constant) for part in parts):
            self._fail(node, "a format within a format is not evaluated in a running service")
        spec = "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
        if any(len(digits) > _MAX_WIDTH for digits in _numbers(spec)):
            self._fail(node, f"a width of {spec} is too large")
        return _guard("format", self.visit(node.value), ast.Constant(node.conversion), ast.Constant(spec))

    def _fail(self, node: ast.AST, why: str) -> NoReturn:
        part = " ".join((ast.get_source_segment(self._whole, node) or "").split())
        where = f" in {self._text}" if part and part != self._text else ""
        raise TracerError(f"{part or self._text}{where}: {why}; pass --unsafe to allow it")


def _numbers(spec: str) -> list[str]:
    return "".join(sign if sign.isdigit() else " " for sign in spec).split()


def _guard(name: str, *arguments: ast.AST) -> ast.Call:
    return ast.Call(ast.Name(_GUARD + name, ast.Load()), list(arguments), [])  # type: ignore[arg-type]
