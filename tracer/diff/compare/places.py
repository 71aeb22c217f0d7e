"""A place in two trees laid over each other, and the changes that stand there."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.model import Change, Node, Pair
from tracer.notation.parse import parse

#: Steps around a change that are named; real trees have fewer than a hundred levels.
_DEEPEST = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the trees the walk is: among the children of ``pair``, which stands itself at the place ``above``."""

    pair: Pair
    above: Place | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """The texts of the steps around, outermost first; of very deep trees the innermost."""
        found: list[str] = []
        place: Place | None = self
        while place is not None and len(found) < _DEEPEST:
            node = place.pair.new or place.pair.old
            if node is not None:
                found.append(node.text)
            place = place.above
        return tuple(reversed(found))

    @property
    def around(self) -> str:
        """Where it happens, in words."""
        node = self.pair.new or self.pair.old
        return f"in {node.text}" if node is not None else "as a chapter of its own"

    def change(self, class_: str, pair: Pair, text: str, ratio: float | None = None, below: int = 0) -> Change:
        """A change of the pair, which stands here."""
        old, new = pair.old, pair.new
        node = new or old
        assert node is not None, "a pair has a side"
        return Change(
            class_, node.kind, node.service, text, old.address if old else "", new.address if new else "",
            where=(new.where if new else "") or (old.where if old else ""),
            old_text=old.text if old else "", new_text=new.text if new else "",
            path=self.path, tables=_tables(old) + _tables(new), below=below, ratio=ratio,
        )  # fmt: skip


def _tables(node: Node | None) -> tuple[str, ...]:
    said = parse(node.text).traits.get("tables", "") if node is not None and node.kind == "sql" else ""
    return tuple(said.split(", ")) if said else ()
