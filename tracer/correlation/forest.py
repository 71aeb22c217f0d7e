"""A forest: steps with their children, and the trees that casts opened. It contains no step twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tracer.model import Step

#: Deeper than any program recurses; what a crafted capture nests deeper becomes siblings at this depth.
MAX_DEPTH = 500


class Forest:
    """Trees of steps: ``parents`` by a child's id, ``casts`` the receivers' trees by the sending step's id.

    A step is a root, or the child of one step, or the head of a chapter that one cast opened; and no tree is above
    itself, over parents and casts. ``adopt`` and ``open_chapter`` refuse what would break that.
    """

    def __init__(self) -> None:
        self.parents: dict[str, Step] = {}
        self.casts: dict[str, list[Step]] = defaultdict(list)
        #: the step whose cast opened a chapter, by the id of the chapter's head
        self.senders: dict[str, Step] = {}
        #: the topmost step of every tree, by start: roots and heads of chapters
        self.heads: list[Step] = []
        #: ids of the heads that are what a process did under a request id which it never received (see parts)
        self.parts: set[str] = set()
        #: request ids of loops that last as long as their service, and thus of no request (see operations)
        self.loops: set[str] = set()
        #: the command, or the log's name, of each process
        self.programs: dict[str, str] = {}
        #: one line for each problem in building the trees
        self.warnings: list[str] = []
        # An ancestor of each step, over parents and casts; not always the nearest: walking shortens the paths.
        self._above: dict[str, str] = {}

    def adopt(self, parent: Step, child: Step, tied_by: str) -> bool:
        """Make ``child``, with all below it, a child of ``parent``; return False, unchanged, if it cannot be."""
        if not self._place_below(parent, child, tied_by):
            return False
        parent.children.append(child)
        self.parents[child.id] = parent
        return True

    def open_chapter(self, sender: Step, receiver: Step, tied_by: str) -> bool:
        """Make ``receiver``'s tree a chapter that ``sender`` opened; return False, unchanged, if it cannot be."""
        if not self._place_below(sender, receiver, tied_by):
            return False
        self.casts[sender.id].append(receiver)
        self.senders[receiver.id] = sender
        return True

    def lift(self, parent: Step, lifted: list[Step]) -> None:
        """Remove some of ``parent``'s children; their own children replace them."""
        children, ids = [], {step.id for step in lifted}
        for child in parent.children:
            if child.id not in ids:
                children.append(child)
                continue
            del self.parents[child.id]
            self.parents.update((grandchild.id, parent) for grandchild in child.children)
            children += child.children
            child.children = []
        parent.children = children

    def cut(self, head: Step) -> None:
        """Make ``head`` a root, with all below it."""
        parent = self.parents.pop(head.id)
        self._above.pop(head.id, None)
        parent.children = [child for child in parent.children if child is not head]
        self.heads.append(head)

    def dissolve(self, heads: list[Step]) -> None:
        """Replace heads by their children."""
        ids = {head.id for head in heads}
        self.heads = [head for head in self.heads if head.id not in ids]
        for head in heads:
            for child in head.children:
                del self.parents[child.id]
                self._above.pop(child.id, None)
                child.tied_by = ""
            self.heads += head.children

    def ancestors(self, step: Step) -> Iterator[Step]:
        """Yield the parents of a step, the nearest first."""
        while step.id in self.parents:
            step = self.parents[step.id]
            yield step

    def flatten(self) -> None:
        """Raise steps nested deeper than MAX_DEPTH: an address grows with depth, all of them with its square."""
        for head in self.heads:
            level = [head]
            for _ in range(MAX_DEPTH):
                level = [child for step in level for child in step.children]
                if not level:
                    break
            for step in level:
                self._raise_descendants(step)

    def _raise_descendants(self, step: Step) -> None:
        below = list(step.walk())[1:]
        for descendant in below:
            descendant.children = []
            self.parents[descendant.id] = step
        step.children = below

    def _place_below(self, above: Step, step: Step, tied_by: str) -> bool:
        if step.id in self._above or self._top(above.id) == step.id:
            return False
        self._above[step.id] = above.id
        step.tied_by = tied_by
        return True

    def _top(self, step: str) -> str:
        above = self._above
        while step in above:
            # Halving the path as we go makes many walks cheap (union-find).
            above[step] = above.get(above[step], above[step])
            step = above[step]
        return step
