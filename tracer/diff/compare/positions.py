"""A position in two aligned trees, and the changes at it."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.model import Change, NormalStep, Pair
from tracer.notation.parse import parse

#: Steps around a change that are named; real trees have fewer than a hundred levels.
_DEEPEST = 200


@dataclass(frozen=True, slots=True)
class TreePosition:
    """The children of ``pair`` as a position; ``above`` is that of the pair itself."""

    pair: Pair
    above: TreePosition | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """The texts of the steps around, outermost first; only the innermost of very deep trees."""
        texts: list[str] = []
        position: TreePosition | None = self
        while position is not None and len(texts) < _DEEPEST:
            node = position.pair.new or position.pair.old
            if node is not None:
                texts.append(node.text)
            position = position.above
        return tuple(reversed(texts))

    @property
    def around(self) -> str:
        """A phrase for the position: ``in compute/api.py.API -> create()``."""
        node = self.pair.new or self.pair.old
        return f"in {node.text}" if node is not None else "as a chapter of its own"

    def change(self, class_: str, pair: Pair, text: str, ratio: float | None = None, below: int = 0) -> Change:
        """Return a change of the pair, which is at this position."""
        old, new = pair.old, pair.new
        node = new or old
        assert node is not None, "a pair has a side"
        return Change(
            class_, node.kind, node.service, text, old.address if old else "", new.address if new else "",
            where=(new.where if new else "") or (old.where if old else ""),
            old_text=old.text if old else "", new_text=new.text if new else "",
            path=self.path, tables=_tables(old) + _tables(new), below=below, ratio=ratio,
        )  # fmt: skip


def _tables(node: NormalStep | None) -> tuple[str, ...]:
    tables = parse(node.text).traits.get("tables", "") if node is not None and node.kind == "sql" else ""
    return tuple(tables.split(", ")) if tables else ()
