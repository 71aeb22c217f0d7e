"""A hand-written outline checked against a boot: what of it happened, what did not, what happened unwritten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tracer.diff.compare.order import longest_rise
from tracer.diff.outline import evidence
from tracer.diff.outline.claims import StateTimeline
from tracer.diff.outline.match import OutlineMatch, find
from tracer.diff.outline.missing import Search, UnmatchedLine
from tracer.diff.outline.observed import ObservedStep, seen
from tracer.diff.outline.outline import Outline, OutlineStep
from tracer.diff.outline.score import OutlineLine, is_statement
from tracer.diff.outline.visibility import Visibility
from tracer.model import PARTICIPANTS, Baseline, Change, Comparison, Node, Pair
from tracer.notation import phrases

#: A place in the order of the report: where it happened, or after which step it would have; then the line.
_Place = tuple[int, int, int]
_Placed = tuple[_Place, Change, OutlineLine | None, ObservedStep | None]


def check(outline: Outline, boot: Baseline) -> Comparison:
    """The outline as the old side, the boot as the new one, and all in which reality differs.

    What does not happen has no place in the source: its ``where`` is the line of the outline.
    """
    statements = any(is_statement(note) for step in outline.walk() for note in step.notes)
    sight = Visibility(boot)
    found = find(outline, seen(boot, sight, statements), sight)
    evidence.gather(found)
    placed = [*_lines(found, boot), *_orders(found), *_moved(found), *_unwritten(found)]
    placed.sort(key=lambda each: each[0])
    changes = [change for _, change, _, _ in placed]
    for _, change, line, one in placed:
        if one is None and line is not None:
            change.where = f"{outline.name}:{line.written.line}"
    old = Baseline(
        _nodes(outline.steps, {id(line.written): found.services[id(line)] for line in found.lines}),
        name=outline.name,
        boots=0,
    )
    verdict = "differs" if any(change.severity == "fail" for change in changes) else "same"
    return Comparison(old, boot, _pairs(found, placed), changes, verdict)


def _lines(found: OutlineMatch, boot: Baseline) -> Iterator[_Placed]:
    """What is wrong with each line by itself: it does not happen, not so often, not in that way, without that state."""
    last = -1
    states = StateTimeline(found.root)
    unfound = {id(one.line): one for one in Search(found, boot).lines()}
    for line in found.lines:
        if not found.happened(line):
            if id(line) in unfound:
                yield (last, 1, line.written.line), _missing(found, unfound[id(line)]), line, None
            continue
        one = found.steps[id(line)][0]
        last = one.index if one.real else last
        lacking = (
            f"is written to set {state}, and does not" for state in states.lacking(line.written, found.steps[id(line)])
        )
        for change in (*_otherwise(found, line, one), *(_change("state", text, line, one) for text in lacking)):
            yield (one.index, 0, line.written.line), change, line, one


def _missing(found: OutlineMatch, unfound: UnmatchedLine) -> Change:
    line, around = unfound.line, found.around(unfound.line)
    change = _change(unfound.class_, unfound.text, line, None, unfound.below)
    change.severity = "fail" if unfound.class_ == "missing" else "note"
    change.service = found.services[id(line)]
    change.path = (*around.path, around.node.text) if around.node.text else ()
    change.new = unfound.log.address if unfound.log else ""
    return change


def _otherwise(found: OutlineMatch, line: OutlineLine, one: ObservedStep) -> Iterator[Change]:
    times, written = found.times[id(line)], line.written
    if times < (1 if written.low is None else written.low):
        yield _change("repeated", f"is written ×{written.low}, and happens ×{times}", line, one)
    said, done = line.phrase, one.phrase
    if said.mode != done.mode and said.mode:
        yield _change("mode", f"is written as {said.mode}, and is a {done.mode}", line, one)
    if written.service in PARTICIPANTS and written.service != one.node.service:
        yield _change("service", f"is written in {written.service}, and happens in {one.node.service}", line, one)
    if said.status != done.status and said.status:
        yield _change("status", f"is written to be answered {said.status}, and is {done.status}", line, one)


def _orders(found: OutlineMatch) -> Iterator[_Placed]:
    """The lines that must be moved for the order to be right: as few as possible."""
    for order in found.orders:
        ordered = [(line, one) for line, one in order if not one.node.free and one.node.kind != "sql"]
        kept = longest_rise([one.index for _, one in ordered])
        for place in sorted(set(range(len(ordered))) - kept):
            line, one = ordered[place]
            change = _change("reordered", _order(ordered, kept, place), line, one)
            yield (one.index, 0, line.written.line), change, line, one


def _order(ordered: list[tuple[OutlineLine, ObservedStep]], kept: set[int], place: int) -> str:
    index = ordered[place][1].index
    for other in sorted(kept):
        line, one = ordered[other]
        if other < place and one.index > index:
            return f"is written after {_name(line)}, and happens before it"
        if other > place and one.index < index:
            before = max((each for each in kept if ordered[each][1].index < index), default=other)
            return f"is written before {_name(ordered[before][0])}, and happens after it"
    return "is written at another place than it happens"


def _moved(found: OutlineMatch) -> Iterator[_Placed]:
    for line, one in found.moved:
        around = found.written.get(one.parent.index) if one.parent else None
        below = _name(around) if around else one.parent.node.text if one.parent else ""
        text = (
            f"is written under {_name(line.parent)}, and happens in {below}" if line.parent else f"happens in {below}"
        )
        if not line.written.chapter:
            yield (one.index, 0, line.written.line), _change("moved", text, line, one), line, one


def _name(line: OutlineLine) -> str:
    return f"{line.written.address} {line.written.text}".strip() or "the outline"


def _unwritten(found: OutlineMatch) -> Iterator[_Placed]:
    """The topmost steps that no line writes, and those that happen more often than is written."""
    told: dict[tuple[int, str], int] = {}
    stack: list[tuple[ObservedStep, ObservedStep, Change | None]] = [
        (one, found.root, None) for one in reversed(found.root.children)
    ]
    while stack:
        one, around, part_of = stack.pop()
        line = found.written.get(one.index)
        if line is not None:
            if one.written < one.node.low:
                yield (one.index, 0, 0), _too_often(line, one), line, one
            around, part_of = one, None
        elif part_of is not None:
            part_of.below += 1
        elif not _hidden(found, around, one):
            part_of = _change("unwritten", "happens, and is not written", None, one)
            # A line that stands for several steps lacks the same in each.
            writer = found.written.get(around.index)
            if writer is None or told.setdefault((id(writer), one.node.text), around.index) == around.index:
                yield (one.index, 0, 0), part_of, None, one
        stack.extend((child, around, part_of) for child in reversed(one.children))


def _hidden(found: OutlineMatch, around: ObservedStep, one: ObservedStep) -> bool:
    line = found.written.get(around.index)
    return line is not None and line.written.hides and one.node.kind in ("call", "handoff")


def _too_often(line: OutlineLine, one: ObservedStep) -> Change:
    class_ = "unwritten" if line.written.low is None else "repeated"
    return _change(class_, f"happens ×{one.node.low}, and is written ×{one.written}", line, one)


def _change(class_: str, text: str, line: OutlineLine | None, one: ObservedStep | None, below: int = 0) -> Change:
    said = line.written.text if line else ""
    done = one.node if one else Node(_kind(line.phrase) if line else "", "", "")
    return Change(
        class_, done.kind, done.service, f"{said or done.text} {text}",
        old=line.written.address if line else "", new=done.address,
        where=done.where, old_text=said, new_text=done.text, path=one.path if one else (), below=below,
    )  # fmt: skip


def _kind(said: phrases.Phrase) -> str:
    """A kind of the model's; words that name nothing are taken for a call of that name."""
    return "call" if said.kind == "words" else said.kind


def _nodes(steps: list[OutlineStep], services: dict[int, str]) -> list[Node]:
    """Written steps as the nodes of a baseline."""
    top = Node("", "", "")
    stack = [(top, steps)]
    while stack:
        node, inside_ = stack.pop()
        node.children = [_node(step, services.get(id(step), "")) for step in inside_]
        stack.extend(zip(node.children, [step.children for step in inside_], strict=True))
    return top.children


def _beside(found: OutlineMatch, one: ObservedStep) -> list[ObservedStep]:
    """What stands in a step, and those statements and log lines that show a written function."""
    shown = [hint for hint in one.evidence if hint.index in found.written]
    return sorted([*one.children, *shown], key=lambda each: each.index) if shown else one.children


def _node(step: OutlineStep, service: str = "") -> Node:
    """A written step as a node; ``service`` is where it happens, or would, if it does not say so."""
    kind = _kind(phrases.phrase(step.text, phrases.named_by(step.notes)))
    low, high = (1 if count is None else count for count in (step.low, step.high))
    return Node(kind, step.service or service, step.text, low, high, address=step.address)


def _pairs(found: OutlineMatch, placed: list[_Placed]) -> list[Pair]:
    """Every step that happened beside its line; lines that did not happen after the one before them."""
    pairs: dict[int, Pair] = {-1: Pair(None, None)}
    children: dict[int, list[tuple[_Place, Pair]]] = defaultdict(list)
    stack = list(reversed(found.root.children))
    while stack:
        one = stack.pop()
        line = found.written.get(one.index)
        pair = pairs[one.index] = Pair(_node(line.written, one.node.service) if line else None, one.node)
        children[one.parent.index if one.parent else -1].append(((one.index, 0, 0), pair))
        stack.extend(reversed(_beside(found, one)))
    before = _before(found)
    for _, change, line, there in placed:
        if there is not None:
            pairs[there.index].changes.append(change)
        elif line is not None:
            pair = Pair(_node(line.written, change.service), None, [change])
            children[found.around(line).index].append(((before[id(line)], 1, line.written.line), pair))
    for index, inside_ in children.items():
        pairs[index].children = [pair for _, pair in sorted(inside_, key=lambda each: each[0])]
    return pairs[-1].children


def _before(found: OutlineMatch) -> dict[int, int]:
    """For each line that did not happen the place of what was written before it in the same step, and did."""
    last: dict[int, int] = {}
    before = {}
    for line in found.lines:
        around = found.around(line).index
        if found.happened(line):
            last[around] = found.steps[id(line)][0].index
        else:
            before[id(line)] = last.get(around, around)
    return before
