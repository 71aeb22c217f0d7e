"""A place in two trees laid over each other, and the changes that stand there."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.diff.wording import identity
from tracer.model import Change, Node, Pair


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the trees the walk is: the pair around, the texts of what is around it, outermost first."""

    pair: Pair
    path: tuple[str, ...] = ()

    @property
    def around(self) -> str:
        """Where it happens, in words."""
        return f"in {self.path[-1]}" if self.path else "as a chapter of its own"

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
    said = identity(node.text).traits.get("tables", "") if node is not None and node.kind == "sql" else ""
    return tuple(said.split(", ")) if said else ()
