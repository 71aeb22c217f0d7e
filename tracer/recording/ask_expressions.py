"""What may be asked of a running service: checks expressions, and writes them so that evaluating disturbs nobody.

Attributes, items, calls, operators and f-strings become calls of guards (``_ask_get(x, 'name')`` …) that stand in
``patches.ask_guards``: they run no property and no special method of the service's, load nothing, use nothing up.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from tracer.errors import TracerError

#: Functions that may be called, each under a guard of its name.
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
#: Nothing that is to be read is wider, and a width can fill the memory.
_MAX_WIDTH = 3


@dataclass(frozen=True)
class Expression:
    """One expression: as it was written, as it is evaluated, and every name in it (by which secrets are known)."""

    text: str
    code: str
    names: tuple[str, ...]


def parse(texts: Iterable[str], unsafe: bool = False) -> list[Expression]:
    """The expressions in the texts, several in one separated by commas; a TracerError says what is wrong with which."""
    found = [expression for text in texts for expression in _parse(text, unsafe)]
    if not found:
        raise TracerError("nothing to ask: name what is to be shown, as in 'spec_obj.flavor.name, request_spec'")
    if len(found) > MAX_EXPRESSIONS:
        raise TracerError(f"{len(found)} expressions; {MAX_EXPRESSIONS} at a place are enough")
    return found


def _parse(text: str, unsafe: bool) -> list[Expression]:
    shown = " ".join(text.split())
    if len(text) > MAX_LENGTH:
        raise TracerError(f"{shown[:60]}…: longer than {MAX_LENGTH} characters")
    whole = f"_({text}\n)"
    try:
        call = ast.parse(whole, mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.end_col_offset != 1:
            raise TracerError(f"{shown}: not an expression: a bracket is closed that was not opened")
        if call.keywords:
            raise TracerError(
                f"{shown}: not an expression: {call.keywords[0].arg or '**'}= is for calls; compare by =="
            )
        return [_expression(whole, node, unsafe) for node in call.args]
    except SyntaxError as error:
        raise TracerError(f"{shown}: not an expression: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError):
        raise TracerError(f"{shown[:60]}: not an expression") from None


def _expression(whole: str, node: ast.expr, unsafe: bool) -> Expression:
    text = " ".join((ast.get_source_segment(whole, node) or "").split())
    names = tuple(sorted(set(_names(node))))
    for each in ast.walk(node):
        if type(each) in _NEVER:
            raise TracerError(f"{text}: {_NEVER[type(each)]} cannot be asked")
    if unsafe:
        return Expression(text, ast.unparse(node), names)
    guarded = ast.fix_missing_locations(_Guarding(whole, text).visit(node))
    return Expression(text, ast.unparse(guarded), names)


def _names(node: ast.expr) -> Iterable[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


class _Guarding(ast.NodeTransformer):
    """Puts guards in the place of all that could run, load or use up something; fails on what has none."""

    def __init__(self, whole: str, text: str) -> None:
        self._whole = whole
        self._text = text

    def visit(self, node: ast.AST) -> ast.AST:
        """The node, guarded."""
        if isinstance(node, _PLAIN):
            return self.generic_visit(node)
        method = getattr(self, f"visit_{type(node).__name__}", None)
        if method is None:
            self._fail(node, f"{_CALLED.get(type(node), type(node).__name__)} is not asked of a running service")
        guarded: ast.AST = method(node)
        return guarded

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """As it is; the interpreter's own names stay out."""
        if node.id.startswith((_GUARD, "__")):
            self._fail(node, "names with two underscores are the interpreter's own")
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """``_ask_get(x, 'name')``."""
        if node.attr.startswith("__") and node.attr.endswith("__"):
            self._fail(node, f"{node.attr} is the interpreter's own")
        return _guard("get", self.visit(node.value), ast.Constant(node.attr))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """``_ask_item(x, key)``."""
        return _guard("item", self.visit(node.value), self.visit(node.slice))

    def visit_Slice(self, node: ast.Slice) -> ast.AST:
        """``_ask_slice(from, to, step)``."""
        parts = (node.lower, node.upper, node.step)
        return _guard("slice", *(ast.Constant(None) if part is None else self.visit(part) for part in parts))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """``_ask_len(x)``, so that no local name of the service takes its place."""
        if not isinstance(node.func, ast.Name) or node.func.id not in CALLS or node.keywords:
            self._fail(node, f"only these are called: {', '.join(CALLS)}")
        return _guard(node.func.id, *map(self.visit, node.args))

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """``_ask_plus(x, y)``."""
        if type(node.op) not in _OPERATORS:
            self.visit(node.op)
        return _guard(_OPERATORS[type(node.op)], self.visit(node.left), self.visit(node.right))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """``_ask_negative(x)``, or ``not`` of a condition."""
        if isinstance(node.op, ast.Not):
            return ast.UnaryOp(node.op, self._condition(node.operand))
        return _guard(_OPERATORS[type(node.op)], self.visit(node.operand))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """``_ask_raw(_ask_condition(x) and _ask_condition(y))``: one of the operands, and no more is evaluated."""
        return _guard("raw", ast.BoolOp(node.op, list(map(self._condition, node.values))))

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """``x if _ask_condition(y) else z``."""
        return ast.IfExp(self._condition(node.test), self._visited(node.body), self._visited(node.orelse))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """``_ask_compare(x, '<', y, 'in', z)``."""
        parts = [self.visit(node.left)]
        for operation, value in zip(node.ops, node.comparators, strict=True):
            parts += [ast.Constant(_OPERATORS[type(operation)]), self.visit(value)]
        return _guard("compare", *parts)

    def visit_Set(self, node: ast.Set) -> ast.AST:
        """``_ask_set([x, y])``: what is hashed is of builtin types."""
        return _guard("set", ast.List([self._visited(each) for each in node.elts], ast.Load()))

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        """``_ask_dict([(x, y)])``, without stars."""
        pairs: list[ast.expr] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                self._fail(node, "** is not asked of a running service")
            pairs.append(ast.Tuple([self._visited(key), self._visited(value)], ast.Load()))
        return _guard("dict", ast.List(pairs, ast.Load()))

    def _condition(self, node: ast.expr) -> ast.expr:
        return _guard("condition", self.visit(node))

    def _visited(self, node: ast.expr) -> ast.expr:
        guarded = self.visit(node)
        assert isinstance(guarded, ast.expr)
        return guarded

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """``_ask_text(part, …)``, which every Python reads the same way."""
        return _guard("text", *map(self.visit, node.values))

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        """``_ask_format(x, conversion, format)``; a number in the format is a width."""
        parts = node.format_spec.values if isinstance(node.format_spec, ast.JoinedStr) else []
        if not all(isinstance(part, ast.Constant) for part in parts):
            self._fail(node, "a format within a format is not asked of a running service")
        spec = "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
        if any(len(digits) > _MAX_WIDTH for digits in _numbers(spec)):
            self._fail(node, f"a width of {spec}")
        return _guard("format", self.visit(node.value), ast.Constant(node.conversion), ast.Constant(spec))

    def _fail(self, node: ast.AST, why: str) -> NoReturn:
        part = " ".join((ast.get_source_segment(self._whole, node) or "").split())
        where = f" in {self._text}" if part and part != self._text else ""
        raise TracerError(f"{part or self._text}{where}: {why}; --unsafe lets it through")


def _numbers(spec: str) -> list[str]:
    return "".join(sign if sign.isdigit() else " " for sign in spec).split()


def _guard(name: str, *arguments: ast.AST) -> ast.Call:
    return ast.Call(ast.Name(_GUARD + name, ast.Load()), list(arguments), [])  # type: ignore[arg-type]
