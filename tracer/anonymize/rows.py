"""Names in rows: statements with their parameters, rows of a result, tables of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tracer.anonymize.keys import kind_of
from tracer.model import Value

_INSERT = re.compile(r"INSERT INTO [`\"\[]?(\w+)[`\"\]]? \(([^()]{1,4000})\) VALUES")
_parameters = re.compile(
    r"\[(?:generated|cached|no key|raw sql|dialect)[^\]\n]{0,80}\] \(|\bRow \(|^\s*\[?\(|\[-\] \(|\] \("
).search
_COLUMNS = re.compile(r"\bCol \(([^()]{1,8000})\)")
_part = re.compile(
    r"\s*(?:[bu]?'((?:[^'\\]|\\.)*)'|[bu]?\"((?:[^\"\\]|\\.)*)\"|((?:[^,()'\"]|\([^()]*\))+))\s*(?:,|\)|\Z)"
).match
#: Parts of a row that are read; longer rows are of no table of names.
_MAX_PARTS = 400
#: The heads of a table's columns, beyond the keys.
_HEADS = {
    "name": "name", "image name": "image", "flavor name": "flavor", "display name": "server",
    "hypervisor hostname": "host", "host": "host", "zone": "zone", "project": "project", "user": "user",
}  # fmt: skip


def inserted(statement: str, values: Sequence[Value]) -> Iterator[tuple[str, str]]:
    """Yield (kind, name) for the values of an ``INSERT`` whose columns hold names."""
    match = _INSERT.search(statement)
    if match is not None:
        texts = [value if isinstance(value, str) else "" for value in values]
        yield from _kinds(_pairs(_columns(match[2]), texts))


class Tables:
    """The columns of the statement, result or table that the next lines of a text may be rows of."""

    def __init__(self) -> None:
        self._inserted: list[str] = []
        self._selected: list[str] = []
        self._heads: list[str] = []

    def line(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield (kind, name) for what the line holds as a row."""
        yield from _kinds(self.pairs(text))
        if "|" in text:
            yield from self._cells(text)

    def pairs(self, text: str) -> list[tuple[str, str]]:
        """Return (column, value) for the texts in the line, if it is a row of the statement or result before."""
        if "INSERT INTO" in text and (insert := _INSERT.search(text)):
            self._inserted = _columns(insert[2])
        elif "Col (" in text and (columns := _COLUMNS.search(text)):
            self._selected = [value.strip(" '\"") for value in columns[1].split(",")]
        elif (self._inserted or self._selected) and "(" in text and (begin := _parameters(text)):
            return _pairs(self._selected if "Row (" in begin[0] else self._inserted, _parts(text, begin.end()))
        return []

    def _cells(self, text: str) -> Iterator[tuple[str, str]]:
        begin, end = text.find("|"), text.rfind("|")
        cells = [cell.strip() for cell in text[begin + 1 : end].split("|")]
        if len(cells) < 2 or len(cells) > _MAX_PARTS:
            self._heads = []
            return
        heads = [cell.lower() for cell in cells]
        is_pair = len(cells) == 2 and self._heads[:1] in (["field"], ["property"])
        if heads[0] in ("field", "property", "id") or (
            not is_pair and not {"name", "binary", "host"}.isdisjoint(heads)
        ):
            self._heads = heads
        elif is_pair:
            kind = kind_of(cells[0])
            if kind and kind != "topic":
                yield "name" if kind == "object" else kind, re.sub(r" \([0-9a-f-]{36}\)\Z", "", cells[1])
        elif len(cells) == len(self._heads):
            for head, cell in zip(self._heads, cells, strict=True):
                kind = _HEADS.get(head, "")
                if kind and cell:
                    yield kind, cell


def _columns(text: str) -> list[str]:
    return [column.strip(' `"[]') for column in text.split(",")]


def _pairs(columns: Sequence[str], values: Sequence[str]) -> list[tuple[str, str]]:
    if len(columns) != len(values):
        return []
    return [(column, value) for column, value in zip(columns, values, strict=True) if value]


def _kinds(pairs: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for column, value in pairs:
        kind = "name" if column.endswith("_name") and not kind_of(column) else kind_of(column)
        if kind and kind != "topic":
            yield "name" if kind == "object" else kind, value


def _parts(text: str, start: int) -> list[str]:
    """Return the values of a row that begins at ``start``: texts without quotes, "" for others."""
    parts: list[str] = []
    while len(parts) < _MAX_PARTS and (match := _part(text, start)):
        parts.append(match[1] or match[2] or "")
        start = match.end()
        if not match[0].rstrip().endswith(","):
            break
    return parts
