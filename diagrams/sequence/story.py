"""The story of a boot: what an engineer would write down of it, in a bounded number of lines.

A request is one row with both its ends; what is repeated is one row with its range; all else is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from diagrams.sequence import errors, weight
from diagrams.sequence.errors import Errors
from diagrams.sequence.places import Place, places
from diagrams.words import steps
from tracer.model import Request, Step
from tracer.model.steps import walk

#: The number of lines that a story takes at most, where nobody asks for another.
LINES = 80
#: The longest group of rows that is recognised where it is repeated.
_BLOCK = 4


@dataclass(slots=True)
class Scene:
    """A row of a story: a step, a request with both its ends, or several that read the same."""

    step: Step
    text: str
    #: Service of the enclosing step, "" at a chapter's head.
    caller: str
    #: Every note of the step and of those it hides.
    notes: list[Step]
    children: list[Scene] = field(default_factory=list)
    #: The receiving side of the step, where that was recorded; what it did is below this row.
    far: Step | None = None
    #: The number of hidden numbered steps below it, and those of them that failed with an error that was handled.
    hidden: int = 0
    handled: list[Step] = field(default_factory=list)
    #: True if its own error was handled.
    recovered: bool = False
    #: The number of rows that it represents, and the address of the last of them.
    count: int = 1
    last: str = ""

    def shown_notes(self) -> list[Step]:
        """Return the notes that the story shows."""
        return [note for note in self.notes if weight.is_shown(note)]


def story(boot: Request, count: Callable[[list[Scene]], int], lines: int = LINES) -> list[Scene]:
    """Return the chapters' rows with as many of the heaviest steps as ``count`` puts into ``lines`` lines."""
    all_places = places(boot)
    failures = errors.errors(boot, all_places)

    def scenes(shown: list[bool]) -> list[Scene]:
        return _merged(_scenes(all_places, shown, failures.handled))

    shown = _heaviest(boot, all_places, failures, lambda shown: count(scenes(shown)) <= lines)
    return scenes(shown)


def choose(boot: Request, all_places: list[Place], failures: Errors, most: int = LINES) -> list[bool]:
    """Return whether each place is shown in a story of ``most`` rows: both ends of a request count as one."""
    shown = _heaviest(boot, all_places, failures, lambda shown: sum(shown) <= most)
    for index, entry in enumerate(all_places):
        if entry.parent >= 0 and shown[entry.parent] and _is_answer(entry.step, all_places[entry.parent].step):
            shown[index] = True
    return shown


def _heaviest(
    boot: Request, all_places: list[Place], failures: Errors, fits: Callable[[list[bool]], bool]
) -> list[bool]:
    """Return which places are shown: the chapters, and as many of the heaviest steps as fit, the longest first."""
    weights = weight.weights(boot, all_places, failures.ends)
    order = sorted(
        (index for index, own in enumerate(weights) if own < weight.CHATTER and all_places[index].parent >= 0),
        key=lambda index: (weights[index], -(all_places[index].step.duration or 0), index),
    )

    def shown(number: int) -> list[bool]:
        result = [entry.parent < 0 for entry in all_places]
        for index in order[:number]:
            result[index] = True
        return result

    few, many = 0, len(order)
    while few < many:
        middle = (few + many + 1) // 2
        if fits(shown(middle)):
            few = middle
        else:
            many = middle - 1
    return shown(few)


def _scenes(all_places: list[Place], shown: list[bool], handled: frozenset[int]) -> list[Scene]:
    """Return the chapters' rows: hidden steps are counted, and their notes kept, at the row that hides them."""
    chapters: list[Scene] = []
    holders: list[Scene] = []
    for index, (entry, keep) in enumerate(zip(all_places, shown, strict=True)):
        step, parent = entry.step, entry.parent
        holder = holders[parent] if parent >= 0 else None
        if holder is not None and _is_far_side(step, holder, all_places[parent].step):
            holder.far = step
            holder.notes.extend(entry.notes)
        elif holder is not None and not keep:
            holder.hidden += 1
            holder.notes.extend(entry.notes)
            if index in handled and not errors.is_signal(step):
                holder.handled.append(step)
        else:
            around = steps.home(all_places[parent].step, None) if parent >= 0 and shown[parent] else None
            caller = all_places[parent].step.service if parent >= 0 else ""
            row = Scene(step, steps.title(step, around), caller, list(entry.notes), recovered=index in handled)
            (holder.children if holder is not None else chapters).append(row)
            holder = row
        holders.append(holder)
    return chapters


def _is_far_side(step: Step, holder: Scene, sender: Step) -> bool:
    """Return whether ``step`` received what the row's own step sent."""
    return _is_answer(step, sender) and holder.step is sender and holder.far is None


def _is_answer(step: Step, sender: Step) -> bool:
    return sender.is_client and step.is_server and step.kind == sender.kind


def _merged(chapters: list[Scene]) -> list[Scene]:
    """Merge neighbours that read the same, alone or in groups, at every depth."""
    words: dict[object, int] = {}  # a number for what reads the same

    def word(row: Scene) -> int:
        return words.setdefault(_reads(row, [below[id(child)] for child in row.children]), len(words))

    below: dict[int, int] = {}
    for row in [row for chapter in chapters for row in walk(chapter)][::-1]:
        row.children = _merged_siblings(row.children, [below[id(child)] for child in row.children])
        below[id(row)] = word(row)
    return _merged_siblings(chapters, [below[id(chapter)] for chapter in chapters])


def _reads(row: Scene, below: list[int]) -> object:
    step = row.step
    shown = tuple(steps.note_in(note, step.service) for note in row.shown_notes())
    counts = tuple(child.count for child in row.children)
    return (
        row.text,
        step.service,
        step.error,
        step.end is None,
        step.address if step.opens else "",
        shown,
        (*below,),
        counts,
    )


def _merged_siblings(rows: list[Scene], words: list[int]) -> list[Scene]:
    for size in range(1, _BLOCK + 1):
        first = 0
        while first + 2 * size <= len(rows):
            second, end = first + size, first + 2 * size
            if words[first:second] != words[second:end]:
                first += 1
                continue
            for row, other in zip(rows[first:second], rows[second:end], strict=True):
                _add(row, other)
            del rows[second:end], words[second:end]
    return rows


def _add(row: Scene, other: Scene) -> None:
    """Count ``other`` and what it hides, also below it, as repeats of ``row``."""
    row.last = other.last or other.step.address
    row.count += other.count
    pairs = [(row, other)]
    while pairs:
        row, other = pairs.pop()
        row.hidden += other.hidden
        row.handled += other.handled
        pairs.extend(zip(row.children, other.children, strict=True))
