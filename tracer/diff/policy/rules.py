"""What a policy is, and what it makes of a comparison: a severity for each change, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from math import inf

from tracer.model import Change, Comparison, Pair
from tracer.notation.parse import parse
from tracer.text import plural

#: Where the defaults' own rules come from, in a report; nobody is told that one of them fits nothing.
DEFAULT = "default"

#: With the outcomes different, what says why; the rest of the two trees has nothing to do with each other.
_EXPLAINS = frozenset({"outcome", "error", "status"})


@dataclass(frozen=True, slots=True)
class Selector:
    """Which changes are meant: all that is given must fit; of several patterns for one thing, one."""

    classes: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    #: Globs, by what they are compared with: one of ``GLOBS``.
    globs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def fits(self, change: Change) -> bool:
        """Whether the change is one of them."""
        if self.classes and change.class_ not in self.classes:
            return False
        if self.kinds and change.kind not in self.kinds:
            return False
        return all(GLOBS[name](change, patterns) for name, patterns in self.globs.items())


def _text(change: Change, patterns: tuple[str, ...]) -> bool:
    # Both steps must fit: what became something else is not excused by what it was.
    said = [text for text in (change.old_text, change.new_text) if text]
    return all(_any(text, patterns) for text in said or [change.text])


def _tables(change: Change, patterns: tuple[str, ...]) -> bool:
    return any(_any(table, patterns) for table in change.tables)


def _path(change: Change, patterns: tuple[str, ...]) -> bool:
    return any(_any(text, patterns) for text in change.path)


def _service(change: Change, patterns: tuple[str, ...]) -> bool:
    return _any(change.service, patterns)


def _where(change: Change, patterns: tuple[str, ...]) -> bool:
    return _any(change.where, patterns)


def _any(text: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


GLOBS = {"service": _service, "text": _text, "tables": _tables, "path": _path, "where": _where}


@dataclass(frozen=True, slots=True)
class Rule:
    """What the changes that fit are worth. ``origin`` is ``policy.yaml:7``, or ``DEFAULT``."""

    selector: Selector
    severity: str
    origin: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Changes that are known and accepted, up to and including a day."""

    selector: Selector
    origin: str
    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class Threshold:
    """How much a change must be to be one: by a factor, either way, and for times by so many nanoseconds."""

    factor: float = 1.0
    at_least: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """Severities by class; then rules, of which the last that fits decides; then what is allowed."""

    classes: Mapping[str, str]
    rules: tuple[Rule, ...] = ()
    allowed: tuple[Allowed, ...] = ()
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)

    def upon(self, below: Policy) -> Policy:
        """This policy on top of another: its rules come last, and so decide."""
        return Policy(
            {**below.classes, **self.classes}, below.rules + self.rules, below.allowed + self.allowed,
            {**below.thresholds, **self.thresholds},
        )  # fmt: skip


def judge(comparison: Comparison, policy: Policy, today: date) -> list[str]:
    """Give each change its severity and the comparison its verdict; what people should know of the policy, in lines.

    ``today`` is what allowances end by. What is below a threshold is no change, and is taken out: a step that takes a
    little longer does so in every second run.
    """
    _drop_too_little(comparison, policy.thresholds)
    used: dict[int, int] = {}
    ended_otherwise = _ended_otherwise(comparison)
    for change in comparison.changes:
        change.severity, change.rule = _judged(change, policy, used, today)
        if ended_otherwise and not _explains(change):
            change.severity, change.rule = "ignore", "not judged: the boots ended otherwise"
    comparison.verdict = "differs" if any(change.severity == "fail" for change in comparison.changes) else "same"
    return [*_expired(policy.allowed, used, today), *_unused([*policy.rules, *policy.allowed], used, today)]


def _judged(change: Change, policy: Policy, used: dict[int, int], today: date) -> tuple[str, str]:
    """By class, by the last rule that fits, and milder where it is allowed; every entry that fits counts as used."""
    severity, said = policy.classes.get(change.class_, "fail"), ""
    for rule in policy.rules:
        if rule.selector.fits(change):
            used[id(rule)] = used.get(id(rule), 0) + 1
            severity, said = rule.severity, _said(rule.origin, rule.reason)
    for entry in policy.allowed:
        if entry.selector.fits(change):
            used[id(entry)] = used.get(id(entry), 0) + 1
            if entry.until >= today and severity in ("fail", "warn"):
                severity, said = "note", _said(entry.origin, f"allowed until {entry.until}: {entry.reason}")
    return severity, said


def _said(origin: str, reason: str) -> str:
    return f"{origin}: {reason}" if reason else origin


def _drop_too_little(comparison: Comparison, thresholds: Mapping[str, Threshold]) -> None:
    grown = _grown(comparison.pairs) if "slower" in thresholds else {}
    little = {id(each) for each in comparison.changes if _too_little(each, thresholds, grown.get(id(each)))}
    comparison.changes = [change for change in comparison.changes if id(change) not in little]
    for pair in (each for top in comparison.pairs for each in top.walk() if each.changes):
        pair.changes = [change for change in pair.changes if id(change) not in little]


def _too_little(change: Change, thresholds: Mapping[str, Threshold], grew: int | None) -> bool:
    threshold = thresholds.get(change.class_)
    if threshold is None or change.ratio is None:
        return False  # by how much cannot be said: it is a change
    factor = max(change.ratio, 1 / change.ratio) if change.ratio > 0 else inf
    return factor < threshold.factor or (grew is not None and grew < threshold.at_least)


def _grown(pairs: Sequence[Pair]) -> dict[int, int]:
    """By a change's id, how many nanoseconds longer its step takes than it ever took before."""
    grown: dict[int, int] = {}
    for pair in (each for top in pairs for each in top.walk() if each.changes):
        if pair.old and pair.new and pair.old.took and pair.new.took:
            longer = pair.new.took[len(pair.new.took) // 2] - pair.old.took[-1]
            grown.update((id(change), longer) for change in pair.changes if change.class_ == "slower")
    return grown


def _ended_otherwise(comparison: Comparison) -> bool:
    old, new = set(comparison.old.outcomes), set(comparison.new.outcomes)
    return bool(old and new) and not old & new


def _explains(change: Change) -> bool:
    """Whether a change tells why boots ended otherwise; that the steps after it are missing is no news."""
    failed = (text for text in (change.old_text, change.new_text) if text)
    return change.class_ in _EXPLAINS or any("error" in parse(text).traits for text in failed)


def _expired(allowed: Sequence[Allowed], used: Mapping[int, int], today: date) -> Iterator[str]:
    for entry in allowed:
        if entry.until < today:
            count = used.get(id(entry), 0)
            still = f"{plural(count, 'change')} it would have allowed" if count else "nothing left that it would allow"
            yield f"{entry.origin}: expired on {entry.until}, {still}: {entry.reason}"


def _unused(entries: Sequence[Rule | Allowed], used: Mapping[int, int], today: date) -> Iterator[str]:
    for entry in entries:
        is_over = isinstance(entry, Allowed) and entry.until < today
        if id(entry) not in used and entry.origin != DEFAULT and not is_over:
            yield f"{_said(entry.origin, entry.reason)}: fits no change"
