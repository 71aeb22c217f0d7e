"""One request's chapters while they are found: the head, what its casts open, and loose trees that ids tie to it."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator

from tracer.correlation.forest import Forest
from tracer.model import Step

#: (process, thread), or (process, None) for all of its threads
_Place = tuple[str, int | None]
#: Where the chapters stand.
_CHAPTERS: _Place = ("", None)


class Gathering:
    """The chapters of one request; ``taken`` holds the chapters' ids of all gatherings, none of which stands twice."""

    def __init__(self, seed: Step, head: Step, trees: Forest, taken: set[str]) -> None:
        self.seed = seed
        self.chapters: list[Step] = []
        #: Ids of the requests and messages that were served, not those of contexts that services keep since start.
        self.ids: set[str] = set()
        self._head = head
        self._trees = trees
        self._taken = taken
        # The numbered steps at each place, by start: what was under way there when a loose tree began.
        self._begun: dict[_Place, list[Step]] = defaultdict(list)
        taken.add(head.id)

    def follow_casts(self) -> None:
        """Add the head, and the chapters that its casts open, theirs, and so on."""
        self._add(self._head)

    def in_order(self) -> list[Step]:
        """The first chapter, then the others by arrival."""
        first, *others = self.chapters
        return [first, *sorted(others, key=lambda chapter: chapter.start)]

    def _add(self, head: Step) -> None:
        fresh = [head]
        while fresh:
            chapter = fresh.pop()
            self.chapters.append(chapter)
            if chapter.attributes.get("side") == "server":
                self._add_ids(chapter.request_id, chapter.global_request_id)
            fresh += self._look_at(chapter)

    def _look_at(self, tree: Step) -> list[Step]:
        """Remember the ids of the requests in a new tree; the chapters that its casts open."""
        opened = []
        for step in tree.walk():
            if step.kind == "http" and step.attributes.get("side") == "server":
                self._add_ids(step.request_id, step.global_request_id)
            elif step.kind == "http":
                self._add_ids(step.text("callee_request_id"))
            for receiver in self._trees.casts.get(step.id, ()):
                if receiver.id not in self._taken:
                    self._taken.add(receiver.id)
                    opened.append(receiver)
        return opened

    def _add_ids(self, *ids: str | None) -> None:
        self.ids.update(each for each in ids if each)

    def add_loose(self, root: Step) -> None:
        """A tree that a request id ties to this one: below the step that was under way, or as a chapter of its own.

        A note is no chapter: where nothing of its own process is known, it goes to the chapter that had begun last.
        """
        if not self._begun:
            self._index(self.chapters)
        self._taken.add(root.id)
        serves = root.attributes.get("side") == "server"
        parent = None if serves else self._under_way(root)
        before = len(self.chapters)
        if parent is not None and self._trees.adopt(parent, root, "request_id"):
            self._index([root])
            for opened in self._look_at(root):
                self._add(opened)
        else:
            root.tied_by = "request_id"
            self._add(root)
        self._index(self.chapters[before:])

    def add_chapter(self, root: Step, tied_by: str) -> None:
        """A loose tree that something else than request ids ties to this one: a chapter, with those that it opens."""
        self._taken.add(root.id)
        root.tied_by = tied_by
        self._add(root)

    def walk(self) -> Iterator[Step]:
        """Every step of every chapter that was found so far."""
        for chapter in self.chapters:
            yield from chapter.walk()

    def sort(self) -> None:
        """Put what loose trees brought into the order of starts."""
        for chapter in self.chapters:
            for step in chapter.walk():
                if any(child.tied_by == "request_id" for child in step.children):
                    step.children.sort(key=lambda child: child.start)

    def _under_way(self, root: Step) -> Step | None:
        """The step of the same thread, else process, that had begun last and had not ended, when ``root`` began."""
        process = root.process
        near = self._begun.get((process, root.thread)) or self._begun.get((process, None))
        if not near:
            return None if root.numbered else _last_before(self._begun[_CHAPTERS], root)
        step = _last_before(near, root)
        # A note that came before all steps of its process belongs to the first of them.
        if step.start > root.start and root.numbered:
            return None
        for outer in (step, *self._trees.ancestors(step)):
            if outer.process == process and (outer.end is None or outer.end >= root.start):
                return outer
        return step

    def _index(self, trees: list[Step]) -> None:
        """Remember what begins when in new trees, by process, and by thread there."""
        fresh: dict[_Place, list[Step]] = defaultdict(list)
        for tree in trees:
            if tree.id not in self._trees.parents:
                fresh[_CHAPTERS].append(tree)
            for step in tree.walk():
                if step.numbered:
                    fresh[step.process, step.thread].append(step)
                    fresh[step.process, None].append(step)
        for place, steps in fresh.items():
            known = self._begun[place]
            if known:
                for step in steps:
                    insort(known, step, key=_start)
            else:
                known += sorted(steps, key=_start)


def _start(step: Step) -> int:
    return step.start


def _last_before(steps: list[Step], root: Step) -> Step:
    """The last that had begun when ``root`` began; the first where none had."""
    return steps[max(bisect_right(steps, root.start, key=_start) - 1, 0)]
