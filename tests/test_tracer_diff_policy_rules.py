"""Policies: what they make of changes, and every mistake in one with its line."""

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
from tracer.model.change_classes import CLASSES

TODAY = date(2026, 7, 1)
DEFAULTS = Path(tracer.diff.policy.__file__).with_name("policy.yaml").read_text()
BEGIN, PING = "sql: BEGIN in nova #4821edeb87e7", "sql: SELECT in nova_api #d41673f80456"
NEW_ERROR = "compute/manager.py.ComputeManager -> _build() ! NoValidHost"


def change(class_: str = "added", kind: str = "call", service: str = "conductor", **fields: Any) -> Change:
    """One change; ``new_text`` stands on the new side alone, unless ``old_text`` is given too."""
    return Change(class_, kind, service, fields.pop("text", "what changed"), **fields)


def comparison(
    *changes: Change, old: str = "active", new: str = "active", pairs: list[Pair] | None = None
) -> Comparison:
    """Two boots that differ so."""
    return Comparison(Baseline([], outcomes=(old,)), Baseline([], outcomes=(new,)), pairs or [], list(changes))


def own(text: str) -> rules.Policy:
    """A policy as people write it, on top of the defaults."""
    made, on_top = parser.read("version: 1\n" + text, "p.yaml")
    return made.upon(defaults()) if on_top else made


def defaults() -> rules.Policy:
    """The policy that comes with bootseq."""
    return parser.read(DEFAULTS, rules.DEFAULT)[0]


def severity(one: Change, by: rules.Policy, today: date = TODAY) -> str:
    """What the policy makes of one change; "" where it is none by a threshold."""
    made = comparison(one)
    rules.judge(made, by, today)
    return one.severity if made.changes else ""


def test_the_defaults_say_something_of_every_class() -> None:
    assert set(defaults().classes) == set(CLASSES)


@pytest.mark.parametrize(
    ("class_", "said"),
    [
        *((each, "fail") for each in ("outcome", "removed", "added", "repeated", "retried", "mode", "service")),
        *((each, "fail") for each in ("tables", "version", "arguments", "status", "error", "state")),
        *((each, "fail") for each in ("moved", "reordered", "renamed", "statement", "stalled", "unfinished", "said")),
        ("slower", "warn"),
        ("varies", "note"),
        ("logged", "note"),
    ],
)
def test_structure_fails_by_default(class_: str, said: str) -> None:
    one = change(class_)
    assert severity(one, defaults()) == said
    assert one.rule == ""


@pytest.mark.parametrize(
    ("kind", "text", "said"),
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
def test_what_a_library_does_is_no_difference(kind: str, text: str, said: str) -> None:
    assert severity(change(kind=kind, new_text=text), defaults()) == said


def test_a_ping_that_became_nova_s_is_one() -> None:
    """Both sides of a change must fit: what something was does not excuse what it is."""
    assert severity(change("tables", "sql", old_text=PING, new_text="sql: SELECT instances #1"), defaults()) == "fail"
    assert severity(change("statement", "sql", old_text=PING, new_text=BEGIN), defaults()) == "fail"
    assert severity(change("statement", "sql", old_text=BEGIN, new_text=BEGIN[:-1]), defaults()) == "ignore"


@pytest.mark.parametrize(
    ("selector", "fits"),
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
def test_what_a_rule_fits(selector: str, fits: bool) -> None:
    one = change(
        kind="sql", new_text="sql: SELECT instances, instance_extra in nova #1", tables=("instances", "instance_extra"),
        path=("a", "ResourceTracker -> instance_claim()"), where="nova/db/main/api.py:12",
    )  # fmt: skip
    rule = (
        f"{selector.rstrip('}')}, severity: note" + "}"
        if selector.startswith("{")
        else f"{{{selector}, severity: note}}"
    )
    assert severity(one, own(f"rules: [{rule}]")) == ("note" if fits else "fail")


def test_the_last_rule_that_fits_decides() -> None:
    """So that a policy of one's own goes on top of the defaults, and says of BEGIN what it will."""
    by = own("rules:\n- {kind: sql, severity: warn}\n- {kind: sql, tables: x, severity: note}\nclasses: {added: note}")
    one = change(kind="sql", new_text=BEGIN)
    assert severity(one, by) == "warn"
    assert one.rule == "p.yaml:3"
    assert severity(change(), by) == "note"
    assert severity(change("removed"), by) == "fail"


def test_a_policy_without_the_defaults() -> None:
    """Then all fails that nothing is said of, and library noise is no different."""
    by = own("defaults: false\nclasses: {added: note}")
    assert severity(change("logged"), by) == "fail"
    assert severity(change("removed", kind="sql", old_text=BEGIN), by) == "fail"
    assert severity(change(), by) == "note"


ALLOW = 'allow:\n- {class: added, text: "*minimum_version*", reason: checked at start, until: %s}'


def test_what_is_allowed_until_a_day() -> None:
    """It is told, and does not fail, up to and including that day; from then on it fails, and the policy is told of."""
    known = "db/main/api.py -> service_get_minimum_version()"
    for until, said in [("2026-07-01", "note"), ("'2027-01-01'", "note"), ("2026-06-30", "fail")]:
        assert severity(change(new_text=known), own(ALLOW % until)) == said
    one = change(new_text=known)
    assert rules.judge(comparison(one), own(ALLOW % "2026-07-01"), TODAY) == []
    assert one.rule == "p.yaml:3: allowed until 2026-07-01: checked at start"
    assert rules.judge(comparison(change(new_text=known)), own(ALLOW % "2026-06-30"), TODAY) == [
        "p.yaml:3: expired on 2026-06-30, 1 change it would have allowed: checked at start"
    ]
    assert rules.judge(comparison(), own(ALLOW % "2026-06-30"), TODAY) == [
        "p.yaml:3: expired on 2026-06-30, nothing left that it would allow: checked at start"
    ]


def test_an_allowance_makes_nothing_worse() -> None:
    by = own("classes: {added: ignore}\nallow:\n- {class: added, reason: r, until: 2027-01-01}")
    one = change()
    assert rules.judge(comparison(one), by, TODAY) == []
    assert (one.severity, one.rule) == ("ignore", "")


def test_entries_that_fit_nothing_are_told() -> None:
    """Of one's own policy; the defaults fit what they may."""
    by = own(f"{ALLOW % '2027-01-01'}\nrules:\n- {{kind: rpc, severity: warn}}\n- {{class: added, severity: warn}}")
    assert rules.judge(comparison(change()), by, TODAY) == [
        "p.yaml:5: fits no change",
        "p.yaml:3: checked at start: fits no change",
    ]


def test_the_verdict() -> None:
    """Only what fails makes a difference."""
    for class_, verdict in [("added", "differs"), ("slower", "same"), ("logged", "same")]:
        made = comparison(change(class_))
        rules.judge(made, defaults(), TODAY)
        assert made.verdict == verdict
    made = comparison()
    made.verdict = "differs"
    rules.judge(made, defaults(), TODAY)
    assert made.verdict == "same"


@pytest.mark.parametrize(
    ("took", "now", "said"),
    [((10, 10, 10), 40, []), ((100, 120, 200), 260, []), ((100, 100, 100), 210, ["warn"])],
)
def test_slower_by_a_factor_and_by_so_much(took: tuple[int, ...], now: int, said: list[str]) -> None:
    """Milliseconds; both must be met, and the longest time before counts."""
    old = NormalStep("call", "compute", "f()", durations=tuple(each * 10**6 for each in took))
    one = change("slower", ratio=now / took[-1])
    pair = Pair(old, NormalStep("call", "compute", "f()", durations=(now * 10**6,) * 3), [one])
    by = own("classes: {slower: warn}")
    made = comparison(one, pairs=[Pair(None, None, children=[pair])])
    rules.judge(made, by, TODAY)
    assert [change.severity for change in made.changes] == [change.severity for change in pair.changes] == said


def test_counts_by_a_factor_either_way() -> None:
    by = own("thresholds: {repeated: {factor: 1.5}}")
    for ratio, said in [(1.2, ""), (0.8, ""), (2.0, "fail"), (0.5, "fail"), (0.0, "fail"), (None, "fail")]:
        assert severity(change("repeated", ratio=ratio), by) == said


def test_boots_that_ended_otherwise_are_told_by_why() -> None:
    """The outcome, and the steps that fail; that what comes after is missing is no flood of failures."""
    changes = [
        change("outcome"), change("removed"), change("added", new_text=NEW_ERROR), change("error"), change("status")
    ]  # fmt: skip
    made = comparison(*changes, new="error")
    rules.judge(made, defaults(), TODAY)
    assert [each.severity for each in changes] == ["fail", "ignore", "fail", "fail", "fail"]
    assert changes[1].rule == "not judged: the boots ended otherwise"
    assert made.verdict == "differs"
    rules.judge(mixed := Comparison(Baseline([], outcomes=("active",)), Baseline([], outcomes=("active", "error")), [],
                                     changes[1:2]), defaults(), TODAY)  # fmt: skip
    assert mixed.verdict == "differs"


def test_a_new_way_to_end_is_a_change() -> None:
    """One of ten boots that fails is a difference, though the others are as before; one that fails no more is none."""

    def outcomes(*names: str) -> Baseline:
        return Baseline([NormalStep("call", "API", "f()")], outcomes=names)

    worse = compare.compare(outcomes("active"), outcomes("active", "error"))
    assert [(each.class_, each.text) for each in worse.changes] == [
        ("outcome", "the boot ended active, and now active or error")
    ]
    assert compare.compare(outcomes("active", "error"), outcomes("active")).changes == []
    assert compare.compare(outcomes(), outcomes("active")).changes == []


@pytest.mark.parametrize(
    ("text", "said"),
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
def test_mistakes_are_told_with_their_line(text: str, said: str) -> None:
    with pytest.raises(TracerError) as raised:
        parser.read(text, "p.yaml")
    assert str(raised.value).startswith("p.yaml" + said)
    assert str(raised.value).isprintable()


def test_a_billion_laughs_is_refused_at_once() -> None:
    lines = ["version: 1", "a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    with pytest.raises(TracerError, match="aliases"):
        parser.read("\n".join(lines), "p.yaml")


def test_crafted_patterns_do_not_hang() -> None:
    """Stars that a naive matcher tries in every combination."""
    answer = finished("""
    from tests.test_tracer_diff_policy_rules import change, own, severity
    by = own("rules:\\n- {text: '" + "*a" * 50 + "b', severity: warn}")
    answer = severity(change(new_text="a" * 2000), by)
    """)
    assert answer == "fail"


def test_the_book_s_policy_is_valid() -> None:
    page = Path(__file__).parent.parent.joinpath("docs/diff.md").read_text()
    (example,) = (block for block in page.split("```yaml\n")[1:] if block.startswith("version: 1"))
    made, on_top = parser.read(example.partition("```")[0], "docs/diff.md")
    assert (len(made.rules), len(made.allowed), set(made.thresholds), on_top) == (2, 1, {"slower", "repeated"}, True)
