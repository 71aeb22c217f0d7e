"""The check of a hand-written outline against a boot: what happened, what did not, what the outline lacks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tracer.diff.compare.order import longest_rise
from tracer.diff.outline import evidence
from tracer.diff.outline.match import OutlineMatch, match_outline
from tracer.diff.outline.observed import ObservedStep, Visibility, observe
from tracer.diff.outline.outline import Outline, OutlineStep
from tracer.diff.outline.score import OutlineLine, is_statement
from tracer.diff.outline.state_timeline import StateTimeline
from tracer.diff.outline.unmatched import UnmatchedLine, UnmatchedSearch
from tracer.model import PARTICIPANTS, Baseline, Change, Comparison, NormalStep, Pair
from tracer.notation import phrases

#: The order of the report: index of the step, or of the step before; 1 for what did not happen; number of the line.
_Position = tuple[int, int, int]
_PositionedChange = tuple[_Position, Change, OutlineLine | None, ObservedStep | None]


def check(outline: Outline, boot: Baseline) -> Comparison:
    """Compare the outline, as the old side, with the boot, as the new one.

    What does not happen has no position in the source: its ``where`` is the line of the outline.
    """
    statements = any(is_statement(note) for step in outline.walk() for note in step.notes)
    visibility = Visibility(boot)
    match = match_outline(outline, observe(boot, visibility, statements), visibility)
    evidence.gather(match)
    positioned = [*_line_changes(match, boot), *_reordered(match), *_moved(match), *_unwritten(match)]
    positioned.sort(key=lambda item: item[0])
    changes = [change for _, change, _, _ in positioned]
    for _, change, line, step in positioned:
        if step is None and line is not None:
            change.where = f"{outline.name}:{line.written.line}"
    old = Baseline(
        _nodes(outline.steps, {line.written: match.services[line] for line in match.lines}),
        name=outline.name,
        boots=0,
    )
    verdict = "differs" if any(change.severity == "fail" for change in changes) else "same"
    return Comparison(old, boot, _pair_up(match, positioned), changes, verdict)


def _line_changes(match: OutlineMatch, boot: Baseline) -> Iterator[_PositionedChange]:
    """Yield the changes of single lines: not matched, wrong count, mode, service or status, missing states."""
    last = -1
    states = StateTimeline(match.root)
    unmatched = {report.line: report for report in UnmatchedSearch(match, boot).lines()}
    for line in match.lines:
        if not match.happened(line):
            if line in unmatched:
                yield (last, 1, line.written.line), _missing(match, unmatched[line]), line, None
            continue
        step = match.steps[line][0]
        last = step.index if step.real else last
        lacking = (
            f"is written to set {state}, and does not" for state in states.missing(line.written, match.steps[line])
        )
        for change in (*_deviations(match, line, step), *(_change("state", text, line, step) for text in lacking)):
            yield (step.index, 0, line.written.line), change, line, step


def _missing(match: OutlineMatch, unmatched: UnmatchedLine) -> Change:
    line, around = unmatched.line, match.around(unmatched.line)
    change = _change(unmatched.class_, unmatched.text, line, None, unmatched.below)
    change.severity = "fail" if unmatched.class_ == "missing" else "note"
    change.service = match.services[line]
    change.path = (*around.path, around.node.text) if around.node.text else ()
    change.new = unmatched.log.address if unmatched.log else ""
    return change


def _deviations(match: OutlineMatch, line: OutlineLine, step: ObservedStep) -> Iterator[Change]:
    times, written = match.times[line], line.written
    if times < (1 if written.min_count is None else written.min_count):
        yield _change("repeated", f"is written ×{written.min_count}, and happens ×{times}", line, step)
    expected, observed = line.phrase, step.phrase
    if expected.mode != observed.mode and expected.mode:
        yield _change("mode", f"is written as {expected.mode}, and is a {observed.mode}", line, step)
    if written.service in PARTICIPANTS and written.service != step.node.service:
        yield _change("service", f"is written in {written.service}, and happens in {step.node.service}", line, step)
    if expected.status != observed.status and expected.status:
        yield _change("status", f"is written to be answered {expected.status}, and is {observed.status}", line, step)


def _reordered(match: OutlineMatch) -> Iterator[_PositionedChange]:
    """Yield a change for each of the fewest lines whose move corrects the order."""
    for order in match.orders:
        ordered = [(line, step) for line, step in order if not step.node.unordered and step.node.kind != "sql"]
        in_order = longest_rise([step.index for _, step in ordered])
        for index in sorted(set(range(len(ordered))) - in_order):
            line, step = ordered[index]
            change = _change("reordered", _order_text(ordered, in_order, index), line, step)
            yield (step.index, 0, line.written.line), change, line, step


def _order_text(ordered: list[tuple[OutlineLine, ObservedStep]], in_order: set[int], position: int) -> str:
    index = ordered[position][1].index
    for other in sorted(in_order):
        line, step = ordered[other]
        if other < position and step.index > index:
            return f"is written after {_name(line)}, and happens before it"
        if other > position and step.index < index:
            before = max((rank for rank in in_order if ordered[rank][1].index < index), default=other)
            return f"is written before {_name(ordered[before][0])}, and happens after it"
    return "is written at another place than it happens"


def _moved(match: OutlineMatch) -> Iterator[_PositionedChange]:
    for line, step in match.moved:
        around = match.written.get(step.parent.index) if step.parent else None
        below = _name(around) if around else step.parent.node.text if step.parent else ""
        text = (
            f"is written under {_name(line.parent)}, and happens in {below}" if line.parent else f"happens in {below}"
        )
        if not line.written.chapter:
            yield (step.index, 0, line.written.line), _change("moved", text, line, step), line, step


def _name(line: OutlineLine) -> str:
    return f"{line.written.address} {line.written.text}".strip() or "the outline"


def _unwritten(match: OutlineMatch) -> Iterator[_PositionedChange]:
    """Yield the topmost steps that no line describes, and those that happen more often than written."""
    first_parents: dict[tuple[OutlineLine, str], int] = {}
    stack: list[tuple[ObservedStep, ObservedStep, Change | None]] = [
        (step, match.root, None) for step in reversed(match.root.children)
    ]
    while stack:
        step, around, part_of = stack.pop()
        line = match.written.get(step.index)
        if line is not None:
            if step.written < step.node.min_count:
                yield (step.index, 0, 0), _too_often(line, step), line, step
            around, part_of = step, None
        elif part_of is not None:
            part_of.below += 1
        elif not _hidden(match, around, step):
            part_of = _change("unwritten", "happens, and is not written", None, step)
            # A line that describes several steps lacks the same in each.
            writer = match.written.get(around.index)
            if writer is None or first_parents.setdefault((writer, step.node.text), around.index) == around.index:
                yield (step.index, 0, 0), part_of, None, step
        stack.extend((child, around, part_of) for child in reversed(step.children))


def _hidden(match: OutlineMatch, around: ObservedStep, step: ObservedStep) -> bool:
    line = match.written.get(around.index)
    return line is not None and line.written.hides and step.node.kind in ("call", "handoff")


def _too_often(line: OutlineLine, step: ObservedStep) -> Change:
    class_ = "unwritten" if line.written.min_count is None else "repeated"
    return _change(class_, f"happens ×{step.node.min_count}, and is written ×{step.written}", line, step)


def _change(class_: str, text: str, line: OutlineLine | None, step: ObservedStep | None, below: int = 0) -> Change:
    written = line.written.text if line else ""
    node = step.node if step else NormalStep(_kind(line.phrase) if line else "", "", "")
    return Change(
        class_, node.kind, node.service, f"{written or node.text} {text}",
        old=line.written.address if line else "", new=node.address,
        where=node.where, old_text=written, new_text=node.text, path=step.path if step else (), below=below,
    )  # fmt: skip


def _kind(phrase: phrases.Phrase) -> str:
    """Return a kind of the model; words that name nothing count as a call of that name."""
    return "call" if phrase.kind == "words" else phrase.kind


def _nodes(steps: list[OutlineStep], services: dict[OutlineStep, str]) -> list[NormalStep]:
    """Return written steps as the nodes of a baseline."""
    top = NormalStep("", "", "")
    stack = [(top, steps)]
    while stack:
        node, inside = stack.pop()
        node.children = [_node(step, services.get(step, "")) for step in inside]
        stack.extend(zip(node.children, [step.children for step in inside], strict=True))
    return top.children


def _beside(match: OutlineMatch, step: ObservedStep) -> list[ObservedStep]:
    """Return the children of a step with the statements and log lines that show a written function."""
    shown = [hint for hint in step.evidence if hint.index in match.written]
    return sorted([*step.children, *shown], key=lambda inner: inner.index) if shown else step.children


def _node(step: OutlineStep, service: str = "") -> NormalStep:
    """Return a written step as a node; ``service`` is the default for steps that name none."""
    kind = _kind(phrases.phrase(step.text, phrases.named_by(step.notes)))
    low, high = (1 if count is None else count for count in (step.min_count, step.max_count))
    return NormalStep(kind, step.service or service, step.text, low, high, address=step.address)


def _pair_up(match: OutlineMatch, placed: list[_PositionedChange]) -> list[Pair]:
    """Return pairs of every step and its line; unmatched lines follow the line before them."""
    pairs: dict[int, Pair] = {-1: Pair(None, None)}
    children: dict[int, list[tuple[_Position, Pair]]] = defaultdict(list)
    stack = list(reversed(match.root.children))
    while stack:
        step = stack.pop()
        line = match.written.get(step.index)
        pair = pairs[step.index] = Pair(_node(line.written, step.node.service) if line else None, step.node)
        children[step.parent.index if step.parent else -1].append(((step.index, 0, 0), pair))
        stack.extend(reversed(_beside(match, step)))
    before = _before(match)
    for _, change, line, there in placed:
        if there is not None:
            pairs[there.index].changes.append(change)
        elif line is not None:
            pair = Pair(_node(line.written, change.service), None, [change])
            children[match.around(line).index].append(((before[line], 1, line.written.line), pair))
    for index, inside in children.items():
        pairs[index].children = [pair for _, pair in sorted(inside, key=lambda item: item[0])]
    return pairs[-1].children


def _before(match: OutlineMatch) -> dict[OutlineLine, int]:
    """Return for each unmatched line the index of the matched line before it in the same step, or of that step."""
    last: dict[int, int] = {}
    before: dict[OutlineLine, int] = {}
    for line in match.lines:
        around = match.around(line).index
        if match.happened(line):
            last[around] = match.steps[line][0].index
        else:
            before[line] = last.get(around, around)
    return before
