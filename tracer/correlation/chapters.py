"""The chapters of one request: the head, those that its casts open, and unclaimed trees that ids link to it."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator

from tracer.correlation import parts
from tracer.correlation.forest import Forest
from tracer.model import Step

#: (process, thread), or (process, None) for all of its threads
_Thread = tuple[str, int | None]


class RequestChapters:
    """The chapters of one request while they are collected, in order after ``sort``.

    ``claimed`` holds the ids of the chapters of all requests: none belongs to two.
    """

    def __init__(self, seed: Step, head: Step, forest: Forest, claimed: set[str]) -> None:
        self.seed = seed
        self.chapters: list[Step] = []
        #: Ids of the requests and messages that were served, not those of contexts that services keep since start.
        self.ids: set[str] = set()
        self._head = head
        self._forest = forest
        self._claimed = claimed
        # The numbered steps of each thread, by start: what was under way there when an unclaimed tree began.
        self._begun: dict[_Thread, list[Step]] = defaultdict(list)
        claimed.add(head.id)

    def follow_casts(self) -> None:
        """Add the head, and the chapters that its casts open, theirs, and so on."""
        self._add(self._head)

    def add_unclaimed(self, root: Step, tied_by: str) -> None:
        """Add a tree that an id links to this request: below the step under way, else as a chapter of its own.

        A note is no chapter: where nothing of its own process is known, it is below a step for the process's part.
        """
        if not self._begun:
            self._index(self.chapters)
        self._claimed.add(root.id)
        # Of a tracer's spans, what was under way is known by their parents alone.
        parent = None if root.is_server or root.from_tracers else self._under_way(root, by_id=tied_by == "request_id")
        before = len(self.chapters)
        if parent is not None and self._forest.adopt(parent, root, tied_by):
            parts.extend(parent, root)
            self._index([root])
            for opened in self._scan(root):
                self._add(opened)
        else:
            chapter = root if root.numbered else parts.part([root], self._forest, tied_by)
            chapter.tied_by = tied_by
            self._add(chapter)
        self._index(self.chapters[before:])

    def add_chapter(self, root: Step, tied_by: str) -> None:
        """Add an unclaimed tree as a chapter, with those that its casts open; ``tied_by`` says what links it.

        By a port it is work that a service does under the context of its own start, whose id is not the request's.
        """
        self._claimed.add(root.id)
        root.tied_by = tied_by
        before = len(self.chapters)
        self._add(root, own_ids=tied_by != "port")
        if self._begun:
            self._index(self.chapters[before:])

    def add_part(self, roots: list[Step], tied_by: str) -> None:
        """Add unclaimed trees of one process, in the order of their starts, as one chapter."""
        self._claimed.update(root.id for root in roots)
        self.add_chapter(parts.part(roots, self._forest, tied_by), tied_by)

    def walk(self) -> Iterator[Step]:
        """Yield every step of every chapter so far."""
        for chapter in self.chapters:
            yield from chapter.walk()

    def sort(self) -> None:
        """Order the steps that unclaimed trees added by start, and all chapters but the first by arrival."""
        for chapter in self.chapters:
            for step in chapter.walk():
                if any(child.tied_by in ("request_id", "instance") for child in step.children):
                    step.children.sort(key=_start)
        first, *others = self.chapters
        self.chapters = [first, *sorted(others, key=_start)]

    def _add(self, head: Step, *, own_ids: bool = True) -> None:
        fresh = [head]
        while fresh:
            chapter = fresh.pop()
            self.chapters.append(chapter)
            if own_ids and (chapter.is_server or chapter.id in self._forest.parts):
                self._add_ids(chapter.request_id, chapter.global_request_id)
            fresh += self._scan(chapter)

    def _scan(self, tree: Step) -> list[Step]:
        """Record the ids of the requests in a new tree; return the chapters that its casts open, now claimed."""
        opened = []
        for step in tree.walk():
            if step.kind == "http" and step.is_server:
                self._add_ids(step.request_id, step.global_request_id, step.text("closing_request_id"))
            elif step.kind == "http":
                self._add_ids(step.text("callee_request_id"))
            for receiver in self._forest.casts.get(step.id, ()):
                if receiver.id not in self._claimed:
                    self._claimed.add(receiver.id)
                    opened.append(receiver)
        return opened

    def _add_ids(self, *ids: str | None) -> None:
        self.ids.update(id_ for id_ in ids if id_ and id_ not in self._forest.loops)

    def _under_way(self, root: Step, *, by_id: bool) -> Step | None:
        """Return the last step of the same thread, else process, to begin before ``root`` that had not ended then.

        Without such a step it is the last to begin: if only the id of its request is known, or for a step for a part.
        """
        process = root.process
        near = self._begun.get((process, root.thread)) or self._begun.get((process, None))
        if not near:
            return None
        step = _last_before(near, root)
        # A note that precedes all steps of its process belongs to the first of them.
        if step.start > root.start and root.numbered:
            return None
        for outer in (step, *self._forest.ancestors(step)):
            if outer.process == process and (outer.end is None or outer.end >= root.start):
                step = outer
                break
        else:
            if not by_id and step.name != parts.NAME:
                return None
            step = self._part_under_way(root) or step
        return step if not by_id or _may_contain(step, root) else self._served(root)

    def _part_under_way(self, root: Step) -> Step | None:
        """Return the last part of the process to begin before ``root`` that had not ended then; None without one."""
        own = [step for step in self._begun.get((root.process, None), ()) if step.name == parts.NAME]
        fitting = [step for step in own if step.start <= root.start <= (step.end or step.start)]
        return fitting[-1] if fitting else None

    def _served(self, root: Step) -> Step | None:
        """Return the request that a process served under the id of a tree of its logs: it validates a token first."""
        steps = self._begun.get((root.process, None), ())
        own = [step for step in steps if step.kind == "http" and step.is_server and step.request_id == root.request_id]
        return own[0] if len(own) == 1 and root.request_id and not root.from_hooks else None

    def _index(self, trees: list[Step]) -> None:
        """Record the steps of new trees by process, and by thread there, in the order of their starts."""
        fresh: dict[_Thread, list[Step]] = defaultdict(list)
        for tree in trees:
            for step in tree.walk():
                if step.numbered:
                    fresh[step.process, step.thread].append(step)
                    fresh[step.process, None].append(step)
        for thread, steps in fresh.items():
            known = self._begun[thread]
            if known:
                for step in steps:
                    insort(known, step, key=_start)
            else:
                known += sorted(steps, key=_start)


def _may_contain(step: Step, root: Step) -> bool:
    """Return whether a step may contain an unclaimed tree of logs: not where the ids of their requests differ."""
    return root.from_hooks or not root.request_id or step.request_id in (None, root.request_id)


def _start(step: Step) -> int:
    return step.start


def _last_before(steps: list[Step], root: Step) -> Step:
    """Return the last step to begin before ``root``; the first where none did."""
    return steps[max(bisect_right(steps, root.start, key=_start) - 1, 0)]
