"""The wording that all reports share: the order of changes, signs, counts, the verdict and the two sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from diagrams.text import clean, plural, short_address, shorten
from tracer.model import Baseline, Change, Comparison
from tracer.model.comparison import Commit

#: Classes of changes in the order of reports, each with a sign that distinguishes it without colour. All signs are in
#: Latin-1 or in the fonts of terminals and browsers.
SIGNS = {
    "outcome": "!", "removed": "−", "added": "+", "repeated": "×", "retried": "↻", "mode": "⇄", "service": "↔",
    "moved": "↷", "reordered": "↕", "renamed": "~", "tables": "~", "statement": "~", "version": "~", "arguments": "~",
    "status": "~", "error": "!", "unfinished": "!", "state": "~", "slower": "»", "stalled": "»", "varies": "?",
    "said": "¶", "logged": "¶",
    "missing": "−", "unmet": "?", "unseen": "?", "unwritten": "+",
}  # fmt: skip

#: The styles of classes; a class in no other group is a change in position.
_LOOKS = {
    "added": "added", "unwritten": "added", "removed": "removed", "missing": "removed", "unmet": "removed",
    "unseen": "removed",
    "moved": "moved", "reordered": "moved", "service": "moved",
}  # fmt: skip

#: Severities, the worst first, and how the verdict counts them.
SEVERITIES = {"fail": "fail", "warn": "warn", "note": "noted", "ignore": "ignored"}

#: Maximum length of a step's text, of a source location, and of a file name in a report.
TEXT, WHERE, NAME = 400, 200, 120
#: Maximum length of an address.
ADDRESS = 24
#: Maximum number of commits listed for a change.
COMMITS = 5


def sign(change: Change) -> str:
    """Return the change's sign."""
    return SIGNS.get(change.class_, "~")


def look(change: Change) -> str:
    """Return the change's look: ``added``, ``removed``, ``moved`` or ``changed``."""
    return _LOOKS.get(change.class_, "changed")


def counts(changes: Iterable[Change]) -> dict[str, int]:
    """Count the changes of each severity, the worst first; the four of a policy are always present."""
    severities = Counter(change.severity for change in changes)
    return {severity: severities.pop(severity, 0) for severity in SEVERITIES} | dict(sorted(severities.items()))


def tally(changes: Iterable[Change]) -> str:
    """Return ``3 fail, 2 warn``, without zero counts."""
    return ", ".join(f"{n} {SEVERITIES.get(severity, clean(severity))}" for severity, n in counts(changes).items() if n)


def verdict(comparison: Comparison) -> str:
    """Return ``differs: 3 fail, 2 warn, 5 noted, 40 ignored``."""
    change_text = tally(comparison.changes) or ("no differences" if comparison.verdict == "same" else "")
    return f"{clean(comparison.verdict)}: {change_text}" if change_text else clean(comparison.verdict)


def grouped(changes: Iterable[Change]) -> dict[str, dict[str, list[Change]]]:
    """Return changes by severity, the worst first, then by class, in the order of reports; a class keeps its order."""
    known = {name: number for number, name in enumerate([*SEVERITIES, *SIGNS])}
    groups: dict[str, dict[str, list[Change]]] = {}
    for change in sorted(
        changes, key=lambda member: [known.get(key, len(known)) for key in (member.severity, member.class_)]
    ):
        groups.setdefault(change.severity, {}).setdefault(change.class_, []).append(change)
    return groups


#: The packages whose versions a report names, with their display names.
_RELEASES = {"nova": "Nova", "openstack.placement": "Placement", "sqlalchemy": "SQLAlchemy"}


def release(side: Baseline) -> str:
    """Return ``Nova 34.0.0, Placement 14.0.0``, "" if unknown."""
    return clean(", ".join(f"{name} {side.versions[key]}" for key, name in _RELEASES.items() if key in side.versions))


def outcomes(side: Baseline) -> str:
    """Return the outcomes of its boots."""
    return shorten(", ".join(side.outcomes), TEXT)


def boots(side: Baseline) -> str:
    """Return ``1 boot``, "" for an outline written by hand."""
    return plural(side.boots, "boot") if side.boots else ""


def about(side: Baseline) -> str:
    """Return a side on one line: its name, release, boots and outcomes."""
    known = filter(None, (release(side), boots(side), outcomes(side)))
    unknown = "nothing known of it" if side.boots else "written by hand"
    return f"{shorten(side.name, NAME) or '(no name)'}: {', '.join(known) or unknown}"


def change_text(change: Change) -> str:
    """Return the change on one line, with the number of steps added or removed with it."""
    below = f" (and {plural(change.below, 'step')} below)" if change.below else ""
    return (shorten(change.text, TEXT) or clean(change.class_)) + below


def addresses(change: Change) -> tuple[str, str]:
    """Return its addresses on both sides, "" on a side that lacks it."""
    return short_address(change.old, ADDRESS), short_address(change.new, ADDRESS)


def around(change: Change) -> str:
    """Return the enclosing step, "" at a chapter's head and if the change's text names it."""
    return shorten(change.path[-1], TEXT) if change.path and change.path[-1] not in change.text else ""


def short(change: Change) -> str:
    """Return the change for readers who see its step: without the step's name, if it begins with that."""
    text = change.text.removesuffix(f" in {change.path[-1]}") if change.path else change.text
    return text.rpartition(": ")[2] or text


def where(change: Change) -> str:
    """Return its position in the code."""
    return shorten(change.where, WHERE)


def origin(change: Change) -> list[str]:
    """Return the commits that made the change, a line each after one that names the function; [] if not looked for."""
    if change.origin is None:
        return []
    function = shorten(change.origin.function, WHERE)
    if not change.origin.commits:
        return [f"no commit changed {function} or a function around it"]
    unchanged = f"no commit changed {shorten(change.origin.unchanged, WHERE)}; " if change.origin.unchanged else ""
    return [
        f"{unchanged}commits that changed {function}:",
        *map(_commit, change.origin.commits[:COMMITS]),
        *_more(change),
    ]


def _commit(commit: Commit) -> str:
    change_id = f" ({clean(commit.change_id)})" if commit.change_id else ""
    return f"{clean(commit.id)} {shorten(commit.subject, WHERE)}{change_id}"


def _more(change: Change) -> list[str]:
    missing = len(change.origin.commits) - COMMITS if change.origin else 0
    return [f"and {missing} more"] if missing > 0 else []


def rule(change: Change) -> str:
    """Return the policy's rule that decided."""
    return shorten(change.rule, WHERE)
