"""Policies, and their application to a comparison: a severity for each change, and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from math import inf

from tracer.model import Change, Comparison, Pair
from tracer.notation.parse import parse
from tracer.text import plural

#: The origin of the default rules in a report; unused default rules are not reported.
DEFAULT = "default"

#: The classes that explain a different outcome; the rest of the two trees is then not comparable.
_EXPLAINS = frozenset({"outcome", "error", "status"})


@dataclass(frozen=True, slots=True)
class Selector:
    """A selection of changes: all given conditions must fit, and of several patterns for one field at least one."""

    classes: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    #: Globs by the field that they are compared with: one of ``GLOBS``.
    globs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def fits(self, change: Change) -> bool:
        """Return whether the change is selected."""
        if self.classes and change.class_ not in self.classes:
            return False
        if self.kinds and change.kind not in self.kinds:
            return False
        return all(GLOBS[name](change, patterns) for name, patterns in self.globs.items())


def _text(change: Change, patterns: tuple[str, ...]) -> bool:
    # Both texts must fit: an allowance for the old step does not cover what it became.
    texts = [text for text in (change.old_text, change.new_text) if text]
    return all(_any(text, patterns) for text in texts or [change.text])


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


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A severity for the selected changes. ``origin`` is ``policy.yaml:7``, or ``DEFAULT``."""

    selector: Selector
    severity: str
    origin: str
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Allowed:
    """An allowance: changes that are accepted up to and including a day."""

    selector: Selector
    origin: str
    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class Threshold:
    """The least size of a change: a factor in either direction and, for times, nanoseconds."""

    factor: float = 1.0
    at_least: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """Severities by class; rules, of which the last that fits decides; and allowances."""

    classes: Mapping[str, str]
    rules: tuple[Rule, ...] = ()
    allowed: tuple[Allowed, ...] = ()
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)

    def upon(self, below: Policy) -> Policy:
        """Return this policy on top of another: its rules are last and so decide."""
        return Policy(
            {**below.classes, **self.classes}, below.rules + self.rules, below.allowed + self.allowed,
            {**below.thresholds, **self.thresholds},
        )  # fmt: skip


def judge(comparison: Comparison, policy: Policy, today: date) -> list[str]:
    """Set the severity of each change and the verdict, in place; return notices about the policy, a line each.

    ``today`` decides which allowances have ended. Changes below their threshold are removed from the comparison: a step
    that takes slightly longer does so in every second run.
    """
    _drop_too_little(comparison, policy.thresholds)
    used: Counter[Rule | Allowed] = Counter()
    ended_otherwise = _ended_otherwise(comparison)
    for change in comparison.changes:
        change.severity, change.rule = _judged(change, policy, used, today)
        if ended_otherwise and not _explains(change):
            change.severity, change.rule = "ignore", "not judged: the boots ended otherwise"
    comparison.verdict = "differs" if any(change.severity == "fail" for change in comparison.changes) else "same"
    return [*_expired(policy.allowed, used, today), *_unused([*policy.rules, *policy.allowed], used, today)]


def _judged(change: Change, policy: Policy, used: Counter[Rule | Allowed], today: date) -> tuple[str, str]:
    """Return severity and reason by class, last fitting rule and allowances; count every fitting entry as used."""
    severity, rule_text = policy.classes.get(change.class_, "fail"), ""
    for rule in policy.rules:
        if rule.selector.fits(change):
            used[rule] += 1
            severity, rule_text = rule.severity, _explanation(rule.origin, rule.reason)
    for entry in policy.allowed:
        if entry.selector.fits(change):
            used[entry] += 1
            if entry.until >= today and severity in ("fail", "warn"):
                severity, rule_text = "note", _explanation(entry.origin, f"allowed until {entry.until}: {entry.reason}")
    return severity, rule_text


def _explanation(origin: str, reason: str) -> str:
    return f"{origin}: {reason}" if reason else origin


def _drop_too_little(comparison: Comparison, thresholds: Mapping[str, Threshold]) -> None:
    grown = _grown(comparison.pairs) if "slower" in thresholds else {}
    little = {change for change in comparison.changes if _too_little(change, thresholds, grown.get(change))}
    comparison.changes = [change for change in comparison.changes if change not in little]
    for pair in (inner for top in comparison.pairs for inner in top.walk() if inner.changes):
        pair.changes = [change for change in pair.changes if change not in little]


def _too_little(change: Change, thresholds: Mapping[str, Threshold], grew: int | None) -> bool:
    threshold = thresholds.get(change.class_)
    if threshold is None or change.ratio is None:
        return False  # the size is unknown: it is a change
    factor = max(change.ratio, 1 / change.ratio) if change.ratio > 0 else inf
    return factor < threshold.factor or (grew is not None and grew < threshold.at_least)


def _grown(pairs: Sequence[Pair]) -> dict[Change, int]:
    """Return by change by how many nanoseconds its step exceeds its longest time before."""
    grown: dict[Change, int] = {}
    for pair in (inner for top in pairs for inner in top.walk() if inner.changes):
        if pair.old and pair.new and pair.old.durations and pair.new.durations:
            longer = pair.new.durations[len(pair.new.durations) // 2] - pair.old.durations[-1]
            grown.update((change, longer) for change in pair.changes if change.class_ == "slower")
    return grown


def _ended_otherwise(comparison: Comparison) -> bool:
    old, new = set(comparison.old.outcomes), set(comparison.new.outcomes)
    return bool(old and new) and not old & new


def _explains(change: Change) -> bool:
    """Return whether a change explains a different outcome; the missing steps after it do not."""
    failed = (text for text in (change.old_text, change.new_text) if text)
    return change.class_ in _EXPLAINS or any("error" in parse(text).traits for text in failed)


def _expired(allowed: Sequence[Allowed], used: Counter[Rule | Allowed], today: date) -> Iterator[str]:
    for entry in allowed:
        if entry.until < today:
            count = used[entry]
            still = f"{plural(count, 'change')} it would have allowed" if count else "nothing left that it would allow"
            yield f"{entry.origin}: expired on {entry.until}, {still}: {entry.reason}"


def _unused(entries: Sequence[Rule | Allowed], used: Counter[Rule | Allowed], today: date) -> Iterator[str]:
    for entry in entries:
        is_over = isinstance(entry, Allowed) and entry.until < today
        if entry not in used and entry.origin != DEFAULT and not is_over:
            yield f"{_explanation(entry.origin, entry.reason)}: fits no change"
