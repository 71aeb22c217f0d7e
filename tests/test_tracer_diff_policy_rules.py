"""Policies: severities of changes, and mistakes reported with their line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

import tracer.diff.policy
from tests.support.hanging import finished
from tracer.diff.compare import compare
from tracer.diff.policy import parser, rules
from tracer.errors import TracerError
from tracer.model import Baseline, Change, Comparison, NormalStep, Pair
from tracer.model.comparison import CLASSES

TODAY = date(2026, 7, 1)
DEFAULTS = Path(tracer.diff.policy.__file__).with_name("policy.yaml").read_text()
BEGIN, PING = "sql: BEGIN in nova #4821edeb87e7", "sql: SELECT in nova_api #d41673f80456"
NEW_ERROR = "compute/manager.py.ComputeManager -> _build() ! NoValidHost"


def change(class_: str = "added", kind: str = "call", service: str = "conductor", **fields: Any) -> Change:
    """Return a change; ``new_text`` is on the new side alone, unless ``old_text`` is passed too."""
    return Change(class_, kind, service, fields.pop("text", "what changed"), **fields)


def comparison(
    *changes: Change, old: str = "active", new: str = "active", pairs: list[Pair] | None = None
) -> Comparison:
    """Return a comparison of two boots with these changes."""
    return Comparison(Baseline([], outcomes=(old,)), Baseline([], outcomes=(new,)), pairs or [], list(changes))


def own(text: str) -> rules.Policy:
    """Return a user's policy on top of the defaults."""
    policy, on_top = parser.read("version: 1\n" + text, "p.yaml")
    return policy.upon(defaults()) if on_top else policy


def defaults() -> rules.Policy:
    """Return bootseq's own policy."""
    return parser.read(DEFAULTS, rules.DEFAULT)[0]


def severity(judged: Change, by: rules.Policy, today: date = TODAY) -> str:
    """Return the severity of a change under the policy; "" if it is below a threshold."""
    compared = comparison(judged)
    rules.judge(compared, by, today)
    return judged.severity if compared.changes else ""


def test_the_defaults_cover_every_class() -> None:
    assert set(defaults().classes) == set(CLASSES)


@pytest.mark.parametrize(
    ("class_", "expected"),
    [
        *((name, "fail") for name in ("outcome", "removed", "added", "repeated", "retried", "mode", "service")),
        *((name, "fail") for name in ("tables", "version", "arguments", "status", "error", "state")),
        *((name, "fail") for name in ("moved", "reordered", "renamed", "statement", "stalled", "unfinished", "said")),
        ("slower", "warn"),
        ("varies", "note"),
        ("logged", "note"),
    ],
)
def test_structure_fails_by_default(class_: str, expected: str) -> None:
    judged = change(class_)
    assert severity(judged, defaults()) == expected
    assert judged.rule == ""


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("sql", BEGIN, "ignore"),
        ("sql", "sql: SAVEPOINT in nova #d687a8ccb3fc", "ignore"),
        ("sql", "sql: RELEASE in nova #958fe0952f2b", "ignore"),
        ("sql", "sql: ROLLBACK", "ignore"),
        ("sql", PING, "ignore"),
        ("sql", "sql: SELECT #d41673f80456", "ignore"),
        ("sql", "sql: SELECT services in nova #d41673f80456", "fail"),
        ("sql", "sql: SELECT in nova #000000000000", "fail"),
        ("call", "sql: BEGIN", "fail"),
        ("log", "log: WARNING nova.compute.manager _build", "warn"),
        ("log", "log: ERROR nova.compute.manager _build", "fail"),
    ],
)
def test_a_librarys_own_statements_are_ignored(kind: str, text: str, expected: str) -> None:
    assert severity(change(kind=kind, new_text=text), defaults()) == expected


def test_a_librarys_statement_that_became_novas_fails() -> None:
    """Both sides of a change must match the rule."""
    assert severity(change("tables", "sql", old_text=PING, new_text="sql: SELECT instances #1"), defaults()) == "fail"
    assert severity(change("statement", "sql", old_text=PING, new_text=BEGIN), defaults()) == "fail"
    assert severity(change("statement", "sql", old_text=BEGIN, new_text=BEGIN[:-1]), defaults()) == "ignore"


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("class: added", True),
        ("class: [removed, added]", True),
        ("class: removed", False),
        ("kind: sql", True),
        ("kind: [call, rpc]", False),
        ("service: cond*", True),
        ("service: Cond*", False),
        ("tables: instance_*", True),
        ("tables: [services, ports]", False),
        ('path: "*claim*"', True),
        ('path: "*spawn*"', False),
        ('text: "sql: SELECT *"', True),
        ('text: "SELECT"', False),
        ("where: nova/db/*", True),
        ("where: [nova/api/*, nova/db/*]", True),
        ("{class: added, kind: sql, service: conductor, tables: instances}", True),
        ("{class: added, kind: sql, service: compute}", False),
    ],
)
def test_a_rule_matches_by_its_selectors(selector: str, matches: bool) -> None:
    judged = change(
        kind="sql", new_text="sql: SELECT instances, instance_extra in nova #1", tables=("instances", "instance_extra"),
        path=("a", "ResourceTracker -> instance_claim()"), where="nova/db/main/api.py:12",
    )  # fmt: skip
    rule = (
        f"{selector.rstrip('}')}, severity: note" + "}"
        if selector.startswith("{")
        else f"{{{selector}, severity: note}}"
    )
    assert severity(judged, own(f"rules: [{rule}]")) == ("note" if matches else "fail")


def test_the_last_matching_rule_decides() -> None:
    """So a user's policy can override the defaults, even for BEGIN."""
    by = own("rules:\n- {kind: sql, severity: warn}\n- {kind: sql, tables: x, severity: note}\nclasses: {added: note}")
    judged = change(kind="sql", new_text=BEGIN)
    assert severity(judged, by) == "warn"
    assert judged.rule == "p.yaml:3"
    assert severity(change(), by) == "note"
    assert severity(change("removed"), by) == "fail"


def test_without_the_defaults_every_unmentioned_change_fails() -> None:
    """Statements of libraries too."""
    by = own("defaults: false\nclasses: {added: note}")
    assert severity(change("logged"), by) == "fail"
    assert severity(change("removed", kind="sql", old_text=BEGIN), by) == "fail"
    assert severity(change(), by) == "note"


ALLOW = 'allow:\n- {class: added, text: "*minimum_version*", reason: checked at start, until: %s}'


def test_an_allowance_expires() -> None:
    """Up to and including its day a change is a note; afterwards it fails, and the policy's entry is reported."""
    known = "db/main/api.py -> service_get_minimum_version()"
    for until, expected in [("2026-07-01", "note"), ("'2027-01-01'", "note"), ("2026-06-30", "fail")]:
        assert severity(change(new_text=known), own(ALLOW % until)) == expected
    judged = change(new_text=known)
    assert rules.judge(comparison(judged), own(ALLOW % "2026-07-01"), TODAY) == []
    assert judged.rule == "p.yaml:3: allowed until 2026-07-01: checked at start"
    assert rules.judge(comparison(change(new_text=known)), own(ALLOW % "2026-06-30"), TODAY) == [
        "p.yaml:3: expired on 2026-06-30, 1 change it would have allowed: checked at start"
    ]
    assert rules.judge(comparison(), own(ALLOW % "2026-06-30"), TODAY) == [
        "p.yaml:3: expired on 2026-06-30, nothing left that it would allow: checked at start"
    ]


def test_an_allowance_does_not_raise_a_severity() -> None:
    by = own("classes: {added: ignore}\nallow:\n- {class: added, reason: r, until: 2027-01-01}")
    judged = change()
    assert rules.judge(comparison(judged), by, TODAY) == []
    assert (judged.severity, judged.rule) == ("ignore", "")


def test_entries_without_a_match_are_reported() -> None:
    """Only of the user's policy, not of the defaults."""
    by = own(f"{ALLOW % '2027-01-01'}\nrules:\n- {{kind: rpc, severity: warn}}\n- {{class: added, severity: warn}}")
    assert rules.judge(comparison(change()), by, TODAY) == [
        "p.yaml:5: fits no change",
        "p.yaml:3: checked at start: fits no change",
    ]


def test_only_failing_changes_make_a_difference() -> None:
    for class_, verdict in [("added", "differs"), ("slower", "same"), ("logged", "same")]:
        compared = comparison(change(class_))
        rules.judge(compared, defaults(), TODAY)
        assert compared.verdict == verdict
    compared = comparison()
    compared.verdict = "differs"
    rules.judge(compared, defaults(), TODAY)
    assert compared.verdict == "same"


@pytest.mark.parametrize(
    ("took", "now", "expected"),
    [((10, 10, 10), 40, []), ((100, 120, 200), 260, []), ((100, 100, 100), 210, ["warn"])],
)
def test_slower_needs_a_factor_and_a_minimum(took: tuple[int, ...], now: int, expected: list[str]) -> None:
    """In milliseconds; both must be exceeded, compared with the longest earlier time."""
    old = NormalStep("call", "compute", "f()", durations=tuple(milliseconds * 10**6 for milliseconds in took))
    judged = change("slower", ratio=now / took[-1])
    pair = Pair(old, NormalStep("call", "compute", "f()", durations=(now * 10**6,) * 3), [judged])
    by = own("classes: {slower: warn}")
    compared = comparison(judged, pairs=[Pair(None, None, children=[pair])])
    rules.judge(compared, by, TODAY)
    assert [change.severity for change in compared.changes] == [change.severity for change in pair.changes] == expected


def test_a_count_may_change_by_a_factor_in_either_direction() -> None:
    by = own("thresholds: {repeated: {factor: 1.5}}")
    for ratio, expected in [(1.2, ""), (0.8, ""), (2.0, "fail"), (0.5, "fail"), (0.0, "fail"), (None, "fail")]:
        assert severity(change("repeated", ratio=ratio), by) == expected


def test_another_outcome_is_reported_with_its_errors() -> None:
    """The steps that are missing after the failure do not fail as well."""
    changes = [
        change("outcome"), change("removed"), change("added", new_text=NEW_ERROR), change("error"), change("status")
    ]  # fmt: skip
    compared = comparison(*changes, new="error")
    rules.judge(compared, defaults(), TODAY)
    assert [judged.severity for judged in changes] == ["fail", "ignore", "fail", "fail", "fail"]
    assert changes[1].rule == "not judged: the boots ended otherwise"
    assert compared.verdict == "differs"
    rules.judge(mixed := Comparison(Baseline([], outcomes=("active",)), Baseline([], outcomes=("active", "error")), [],
                                     changes[1:2]), defaults(), TODAY)  # fmt: skip
    assert mixed.verdict == "differs"


def test_an_additional_outcome_is_a_change() -> None:
    """One failing boot of ten is a difference; one that no longer fails is none."""

    def outcomes(*names: str) -> Baseline:
        return Baseline([NormalStep("call", "API", "f()")], outcomes=names)

    worse = compare.compare(outcomes("active"), outcomes("active", "error"))
    assert [(change_.class_, change_.text) for change_ in worse.changes] == [
        ("outcome", "the boot ended active, and now active or error")
    ]
    assert compare.compare(outcomes("active", "error"), outcomes("active")).changes == []
    assert compare.compare(outcomes(), outcomes("active")).changes == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: empty; a policy begins with version: 1"),
        ("rules: []", ":1: a policy needs version: 1"),
        ("version: 2", ":1: another version of policies; this bootseq reads version: 1"),
        ("version: [1]", ":1: another version"),
        ("- a", ":1: expected a policy: some of version, "),
        ("just words", ":1: expected a policy"),
        ("version: 1\nrule: []", ":2: in a policy: 'rule' is not known; did you mean rules?"),
        ("version: 1\nversion: 1", ":2: version appears twice in a policy"),
        ("version: 1\nxyz: 1", ":2: in a policy: 'xyz' is not known; one of: version, "),
        ("version: 1\ndefaults: maybe", ":2: defaults: 'maybe' is not known; one of: true, false"),
        ("version: 1\nclasses:\n  added: fail\n  remove: fail", ":4: in classes: 'remove' is not known; did you mean"),
        ("version: 1\nclasses: {added: no}", ":2: added: 'no' is not known; did you mean note?"),
        ("version: 1\nclasses: {added: [fail]}", ":2: added: 'something else' is not known"),
        ("version: 1\nclasses: fail", ":2: expected classes: some of outcome, "),
        ("version: 1\nrules: {class: added}", ":2: rules: expected a list, each entry with a dash before it"),
        ("version: 1\nrules:\n- added", ":3: expected a rule: some of class, kind, "),
        ("version: 1\nrules:\n- {class: added}", ":3: a rule needs severity: fail, warn, note or ignore"),
        ("version: 1\nrules:\n- {severity: warn}", ":3: a rule for every change: say which, by class, kind, "),
        ("version: 1\nrules:\n- class: added\n  severity: Warn", ":4: severity: 'Warn' is not known; did you"),
        ("version: 1\nrules:\n- {severity: warn, clas: added}", ":3: in a rule: 'clas' is not known; did"),
        ("version: 1\nrules:\n- {severity: warn, class: []}", ":3: class: an empty list"),
        ("version: 1\nrules:\n- {severity: warn, kind: sqll}", ":3: kind: 'sqll' is not known; did you mean sql?"),
        ("version: 1\nrules:\n- {severity: warn, text: 204}", ':3: text: expected text; put it in quotes: "204"'),
        ("version: 1\nrules:\n- {severity: warn, text: [a, [b]]}", ":3: text: expected text"),
        ("version: 1\nrules:\n- {severity: warn, text: }", ":3: text: expected text"),
        ("version: 1\nrules:\n- {severity: warn, until: 2027-01-01, kind: sql}", ":3: in a rule: 'until' is not"),
        ("version: 1\nallow:\n- {class: added, until: 2027-01-01}", ":3: an allowance needs a reason"),
        ("version: 1\nallow:\n- {class: added, reason: r}", ":3: an allowance needs until: the day"),
        ("version: 1\nallow:\n- {class: added, reason: '', until: 2027-01-01}", ":3: reason: expected text"),
        ("version: 1\nallow:\n- {reason: r, until: 2027-01-01}", ":3: an allowance for every change: say which"),
        ("version: 1\nallow:\n- {class: added, reason: r,\n   until: 2027-02-30}", ":4: until: expected a day such as"),
        ("version: 1\nallow:\n- {class: added, reason: r, until: [x]}", ":3: until: expected a day such as"),
        ("version: 1\nthresholds: {slow: 1}", ":2: in thresholds: 'slow' is not known; did you mean slower?"),
        ("version: 1\nthresholds: {added: 1}", ":2: in thresholds: 'added' is not known"),
        ("version: 1\nthresholds: {repeated: {at_least_ms: 1}}", ":2: in threshold of repeated: 'at_least_ms' is not"),
        ("version: 1\nthresholds: {slower: {factor: 0.5}}", ":2: factor: expected a number, 1 or more"),
        ("version: 1\nthresholds: {slower: {factor: .nan}}", ":2: factor: expected a number, 1 or more"),
        ("version: 1\nthresholds: {slower: {factor: two}}", ":2: factor: expected a number"),
        ("version: 1\nthresholds: {slower: {at_least_ms: .inf}}", ":2: at_least_ms: expected a number, 0 or more"),
        ("version: 1\nthresholds: {slower: {at_least_ms: 1:30}}", ":2: at_least_ms: expected a number"),
        ("version: 1\nrules: [", ":2: not YAML: "),
        ("version: 1\n\tx: 1", ":2: not YAML: "),
        ("version: 1\n---\nversion: 1", ":2: not YAML: but found another document"),
        ("version: 1\nx: &a [1]\ny: *a", ":3: not YAML: aliases (*name) are not supported; write the value out"),
        ("version: 1\n<<: {a: b}", ":2: in a policy: '<<' is not known"),
        ("version: 1\n? [a]\n: b", ":2: in a policy: 'something else' is not known"),
        ("version: 1\n'\\e[31m': 1", ":2: in a policy: '\\\\e[31m' is not known"),
        ('version: 1\n"\\e[31m": 1', ":2: in a policy: '\\x1b[31m' is not known"),
        ("version: !!python/object/apply:os.system [ls]", ":1: another version"),
        ("\x00", ": not YAML: "),
        ("[" * 20000, ": not YAML: nested too deep"),
        ("version: 1\n#" + " " * 300_000, ": 292 kB; a policy has at most 256"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_line(text: str, message: str) -> None:
    with pytest.raises(TracerError) as raised:
        parser.read(text, "p.yaml")
    assert str(raised.value).startswith("p.yaml" + message)
    assert str(raised.value).isprintable()


def test_a_billion_laughs_is_refused_at_once() -> None:
    lines = ["version: 1", "a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    with pytest.raises(TracerError, match="aliases"):
        parser.read("\n".join(lines), "p.yaml")


def test_crafted_patterns_do_not_hang() -> None:
    """A naive matcher tries every combination of the stars."""
    answer = finished("""
    from tests.test_tracer_diff_policy_rules import change, own, severity
    by = own("rules:\\n- {text: '" + "*a" * 50 + "b', severity: warn}")
    answer = severity(change(new_text="a" * 2000), by)
    """)
    assert answer == "fail"


def test_the_policy_in_the_book_is_valid() -> None:
    page = Path(__file__).parent.parent.joinpath("docs/diff.md").read_text()
    (example,) = (block for block in page.split("```yaml\n")[1:] if block.startswith("version: 1"))
    policy, on_top = parser.read(example.partition("```")[0], "docs/diff.md")
    assert (len(policy.rules), len(policy.allowed), set(policy.thresholds), on_top) == (
        2,
        1,
        {"slower", "repeated"},
        True,
    )
