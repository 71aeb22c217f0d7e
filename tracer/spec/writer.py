"""The writer of specs: what recorded boots, or a baseline, have in common, as text to edit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tracer.model import Baseline, Request, lanes
from tracer.model.assertions import SUBJECTS, Count, Sum
from tracer.spec import keys
from tracer.spec.counts import quantities
from tracer.spec.parser import VERSION

_HEAD = """\
# A spec of {source}. Edit it: remove what does not matter, widen counts (at most 12, at least 1,
# 2 to 5, none, 4 + 2 per port), use globs (sql.*.instances). Check it with: bootseq check SPEC TRACE
version: {version}
"""


#: A service, or "" for the whole boot, and a key.
_Name = tuple[str, str]
_BOOT = ""
#: Words that YAML reads as other values than text.
_RESERVED = frozenset({"y", "yes", "n", "no", "true", "false", "on", "off", "null"})


@dataclass(frozen=True)
class Common:
    """The common traits of boots: outcomes, the counts of keys, messages in their order."""

    outcomes: tuple[str, ...]
    counts: Mapping[_Name, Count]
    order: tuple[str, ...] = ()
    #: Of the requests: ``boot``, or another's method and path; "" where it is unknown.
    operation: str = ""


def of_boots(boots: Sequence[Request], operation: str) -> Common:
    """Return what recorded boots have in common; counts may depend on their ports, volumes or hosts."""
    numbers = [
        Counter(name for step in boot.walk() for name in _names(lanes.family(step.service), step.kind, keys.of(step)))
        for boot in boots
    ]
    amounts = [quantities(boot) for boot in boots]
    counts = {name: _count([number[name] for number in numbers], amounts) for name in set().union(*numbers)}
    orders = {tuple(_messages(boot)) for boot in boots}
    outcomes = tuple(sorted({boot.outcome.partition(":")[0] for boot in boots}))
    return Common(outcomes, counts, orders.pop() if len(orders) == 1 else (), operation)


def of_baseline(baseline: Baseline) -> Common:
    """Return what a baseline's boots have in common, with ranges of counts as wide as its own allow."""
    least: Counter[_Name] = Counter()
    most: Counter[_Name] = Counter()
    stack = [(node, 1, 1) for node in baseline.nodes]
    while stack:
        node, fewest, largest = stack.pop()
        fewest, largest = fewest * node.min_count, largest * node.max_count
        for name in _names(node.service, node.kind, keys.of_text(node.kind, node.text)):
            least[name] += fewest
            most[name] += largest
        stack += [(child, fewest, largest) for child in node.children]
    counts = {name: Count(Sum(least[name]), Sum(number)) for name, number in most.items()}
    return Common(tuple(sorted(baseline.outcomes)), counts)


def written(common: Common, source: str) -> str:
    """Return the spec as text; ``source`` names where the boots are from."""
    lines = [f"operation: {_quoted(common.operation)}"] if common.operation else []
    if common.outcomes:
        lines.append(f"outcome: [{', '.join(common.outcomes)}]")
    if len(common.order) > 1:
        lines += ["", "# Steps that begin one before the other.", "order:", "  - ["]
        lines += [f"      {_quoted(key)}," for key in common.order]
        lines.append("    ]")
    lines += ["", "# Steps of a kind in the whole boot: also those that no line below names.", "counts:"]
    lines += [
        f"  {_quoted(key)}: {count}" for (service, key), count in sorted(common.counts.items()) if service == _BOOT
    ]
    lines += [
        "",
        "# Steps by service: first all of a kind, also those that no line names.",
        "within:",
        *_within(common.counts),
    ]
    return _HEAD.format(source=source, version=VERSION) + "\n".join(lines) + "\n"


def _names(service: str, kind: str, own_keys: Sequence[str]) -> Iterator[_Name]:
    """Yield the names under which a step counts: its keys and its kind in its service, and its kind in the boot."""
    yield from ((service, key) for key in own_keys)
    if own_keys:
        # A step that no line names yet is noticed by these.
        yield service, f"{kind}.*"
        yield _BOOT, f"{kind}.*"


def _within(counts: Mapping[_Name, Count]) -> Iterator[str]:
    by_service: dict[str, dict[str, Count]] = defaultdict(dict)
    for (service, key), count in sorted(counts.items(), key=lambda item: item[0]):
        if service != _BOOT:
            by_service[service][key] = count
    for service, own in by_service.items():
        yield f"  {_quoted(service)}:"
        yield from (f"    {_quoted(key)}: {count}" for key, count in own.items())


def _count(numbers: list[int], amounts: list[dict[str, int]]) -> Count:
    """Return the count that fits all boots: one number, one that grows with a subject, or a range."""
    least, most = min(numbers), max(numbers)
    if least != most:
        for subject in SUBJECTS:
            total = _line(numbers, [amount[subject] for amount in amounts], subject)
            if total is not None:
                return Count(total, total)
    return Count(Sum(least), Sum(most))


def _line(numbers: list[int], amounts: list[int], subject: str) -> Sum | None:
    """Return the sum that gives every boot's number; None unless there is one over at least three amounts."""
    by_amount = dict(zip(amounts, numbers, strict=True))
    if len(by_amount) < 3:  # two amounts fit any line
        return None
    first, second = sorted(by_amount)[:2]
    growth, rest = divmod(by_amount[second] - by_amount[first], second - first)
    fixed = by_amount[first] - growth * first
    fits = all(fixed + growth * amount == number for amount, number in zip(amounts, numbers, strict=True))
    return Sum(fixed, ((subject, growth),)) if not rest and growth > 0 and fixed >= 0 and fits else None


def _messages(boot: Request) -> list[str]:
    """Return the casts, and the call to the scheduler, that a boot sends once, in their order."""
    sent = [step for step in boot.walk() if step.kind == "rpc" and step.is_client]
    names = [key for step in sorted(sent, key=lambda step: step.start) for key in keys.of(step)]
    numbers = Counter(names)
    leading = ("rpc.cast.", "rpc.call.select_destinations")
    return [key for key in names if numbers[key] == 1 and key.startswith(leading)]


def _quoted(text: str) -> str:
    """Return a text as YAML, in quotes where it needs them."""
    is_plain = all(character.isalnum() or character in "._-/" for character in text) and text[:1].isalpha()
    if is_plain and text.isascii() and text.lower() not in _RESERVED:
        return text
    return "'" + text.replace("'", "''") + "'"
