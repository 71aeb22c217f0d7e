"""Changes between two boots: a case for every class, differences that do not count, properties of all trees."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import builders
from tests.support.builders import call, cast, http, rpc, served, sql, state
from tests.support.examples import examples
from tracer.diff.baseline.learn import learn
from tracer.diff.baseline.normalise import normal
from tracer.diff.compare.compare import compare
from tracer.model import Baseline, Change, NormalStep, Request, Step

API = "nova.compute.api:API."


def changes(old: Request, new: Request) -> list[Change]:
    return compare(normal(old), normal(new)).changes


def classes(old: list[Step], new: list[Step]) -> list[tuple[str, str, str]]:
    """Return (class, old address, new address) of the changes between two boots with these steps."""
    sides = [builders.boot(served("API", "boot", *steps)) for steps in (old, new)]
    return [(change.class_, change.old, change.new) for change in changes(*sides)]


def only_change(old: Step, new: Step) -> Change:
    """Return the only change between two boots with these steps."""
    sides = [builders.boot(served("API", "boot", step)) for step in (old, new)]
    (change,) = changes(*sides)
    return change


def a(name: str = "a", *inside: Step, **fields: Any) -> Step:
    return call("API", API + name, *inside, **fields)


def test_the_same_boot_under_other_ids_at_other_times_has_not_changed() -> None:
    first, second = builders.small_boot(), builders.small_boot()
    second.uuid = "0" * 36
    for step in second.walk():
        step.id += "x"
        step.pid += 1
        step.start += 10**12
        step.end = None if step.end is None else step.end + 10**12
    assert changes(first, second) == []


def test_a_boot_of_many_chapters_that_nothing_sent_is_the_same_as_itself() -> None:
    """Chapter 10 comes after chapter 9."""
    first, second = (builders.boot(*(served("compute", f"m{number}") for number in range(12))) for _ in range(2))
    assert changes(first, second) == []


def test_an_added_and_a_removed_step_are_reported_with_their_surroundings() -> None:
    (change,) = changes(
        builders.boot(served("API", "boot", a("a"))), builders.boot(served("API", "boot", a("a"), a("b", a("c"))))
    )
    assert (change.class_, change.old, change.new, change.below) == ("added", "", "1-2", 1)
    assert change.text == "compute/api.py.API -> b() in boot, with compute/api.py.API -> c()"
    assert change.path == ("boot",)
    assert classes([a("a"), a("b", a("c"))], [a("a")]) == [("removed", "1-2", "")]


def test_another_count_of_a_step_is_a_repetition() -> None:
    more = only_change(a("a", sql("API", "SELECT", "t")), a("a", *[sql("API", "SELECT", "t") for _ in range(3)]))
    assert (more.class_, more.ratio) == ("repeated", 3.0)
    assert more.text.endswith("SELECT t: 1 → 3 times in compute/api.py.API -> a()")
    assert more.tables == ("t", "t")
    assert classes([a("a"), a("a")], [a("a")]) == [("repeated", "1-1", "1-1")]


def test_a_failed_attempt_before_a_successful_one_is_a_retry() -> None:
    failing = rpc("API", "conductor", "ping", error="MessagingTimeout: no answer")
    failing.children = []
    assert classes([rpc("API", "conductor", "ping")], [failing, rpc("API", "conductor", "ping")]) == [
        ("retried", "", "1-1")
    ]


def test_another_order_is_reported() -> None:
    assert classes([a("a"), a("b"), a("c")], [a("c"), a("a"), a("b")]) == [("reordered", "1-3", "1-1")]


def test_steps_that_overlap_in_time_have_no_order() -> None:
    first, second = [builders.boot(served("API", "boot", *map(a, names))) for names in ("ab", "ba")]
    for boot in (first, second):
        for step in boot.chapters[0].children:
            step.start, step.end = boot.started + 1000, boot.started + 9000
    assert changes(first, second) == []


def test_eager_loads_of_one_query_have_no_order() -> None:
    """SQLAlchemy iterates over a set, so the order differs between processes of one release."""

    def loads(*tables: str) -> list[Step]:
        statement = "SELECT {0}.id FROM (SELECT instances.id) AS anon_1 JOIN {0}"
        return [sql("API", "SELECT", table, statement=statement.format(table)) for table in tables]

    assert classes(loads("a", "b"), loads("b", "a")) == []
    assert [entry[0] for entry in classes(loads("a", "b"), loads("b"))] == ["removed"]


def test_a_block_that_moves_is_one_change() -> None:
    block = a("block", a("x"), sql("API", "SELECT", "t"))
    assert classes([a("a", block), a("b")], [a("a"), a("b", copy.deepcopy(block))]) == [("moved", "1-1-1", "1-2-1")]


def test_a_block_that_moves_to_another_service_changes_its_service() -> None:
    there = call("conductor", API + "block", call("conductor", API + "x"), call("conductor", API + "y"))
    result = classes([a("a", a("block", a("x"), a("y"))), a("b")], [a("a"), a("b", there)])
    assert result == [("moved", "1-1-1", "1-2-1"), ("service", "1-1-1", "1-2-1")]


def test_a_new_function_around_existing_steps_is_one_change() -> None:
    assert classes([a("a"), a("b")], [a("new", a("a"), a("b"))]) == [("added", "", "1-1")]
    assert classes([a("new", a("a"), a("b"))], [a("a"), a("b")]) == [("removed", "1-1", "")]


def test_a_step_with_the_same_steps_below_is_renamed() -> None:
    inside = (sql("API", "SELECT", "t"), a("x"))
    assert only_change(a("a", *inside), a("b", *copy.deepcopy(inside))).class_ == "renamed"
    assert only_change(a("a"), a("b")).text == "renamed: compute/api.py.API -> a() → compute/api.py.API -> b()"


def test_a_renamed_step_in_a_series_is_one_change() -> None:
    assert classes([a("a") for _ in range(5)], [a("a"), a("a"), a("b"), a("a"), a("a")]) == [("renamed", "1-1", "1-3")]


@pytest.mark.parametrize(
    ("old", "new", "class_"),
    [
        (cast("API", "conductor", "go", 0), cast("API", "conductor", "go", 0, mode="call"), "mode"),
        (sql("API", "SELECT", "t"), sql("API", "SELECT", "t", "u"), "tables"),
        (sql("API", "SELECT", "t"), sql("API", "SELECT", "u"), "tables"),
        (sql("API", "SELECT", "t", fingerprint="aa"), sql("API", "SELECT", "t", fingerprint="bb"), "statement"),
        (cast("API", "compute", "go", 0, version="1.0"), cast("API", "compute", "go", 0, version="1.1"), "version"),
        (
            cast("API", "compute", "go", 0, arguments={"a": "Instance 2.7 x"}),
            cast("API", "compute", "go", 0, arguments={"a": "Instance 2.8 y"}),
            "version",
        ),
        (http("API", "image", "GET", "/v2"), http("API", "image", "GET", "/v2", status=404), "status"),
        (http("API", "image", "GET", "/a?limit=1"), http("API", "image", "GET", "/a?limit=1&required=A"), "arguments"),
        (state("API", vm_state=(None, "building")), state("API", vm_state=(None, "error")), "state"),
        (a("a"), a("a", error="KeyError: 'x'"), "error"),
        (a("a"), call("conductor", API + "a"), "service"),
    ],
)  # fmt: skip
def test_every_kind_of_change_has_its_class(old: Step, new: Step, class_: str) -> None:
    assert only_change(old, new).class_ == class_


def test_an_error_is_reported_at_its_origin() -> None:
    def failing(error: str | None) -> Step:
        return a("outer", a("inner", error=error), error=error)

    assert classes([failing(None)], [failing("KeyError: x")]) == [("error", "1-1-1", "1-1-1")]


def test_log_lines_and_ask_points_are_no_changes() -> None:
    noise = [builders.log("API", "line"), builders.log("API", "line", kind="ask"), a("a")]
    assert [kind for kind, _, _ in classes([a("a")], noise)] == []


def test_log_lines_are_counted_by_service() -> None:
    quiet = builders.boot(served("API", "boot", builders.log("API", "x")))
    loud = builders.boot(served("API", "boot", *[builders.log("API", "x") for _ in range(5)]))
    (change,) = changes(quiet, loud)
    assert (change.class_, change.service, change.text) == ("logged", "API", "log lines: 1 → 5")


def test_another_outcome_is_a_change() -> None:
    old, new = builders.small_boot(), builders.failed_boot()
    assert changes(old, new)[0].text == "the boot ended active, and now error"


def test_a_chapter_without_a_receiver_is_removed_with_its_steps() -> None:
    old, new = builders.small_boot(), builders.small_boot()
    new.chapters = new.chapters[:2]
    result = changes(old, new)
    assert [(change.class_, change.old) for change in result if change.class_ != "logged"] == [("removed", "3")]


def test_the_receivers_of_casts_may_be_in_any_order() -> None:
    def boot(*order: int) -> Request:
        heads = [served("compute", "one"), served("network", "two")]
        sender = served("API", "boot", cast("API", "compute", "one", order[0]), cast("API", "network", "two", order[1]))
        return builders.boot(sender, *[heads[number - 2] for number in order])

    assert changes(boot(2, 3), boot(3, 2)) == []


def baseline(*boots: Request) -> Baseline:
    return learn([normal(boot) for boot in boots])


def steps(*names: str) -> Request:
    return builders.boot(served("API", "boot", *[a(name) for name in names]))


def test_a_baseline_accepts_its_variation() -> None:
    learned = baseline(steps("a", "b"), steps("a", "x", "b", "b"), steps("b", "a"))
    for fine in (steps("a", "b"), steps("b", "b", "a"), steps("a", "x", "b")):
        assert compare(copy.deepcopy(learned), normal(fine)).changes == [], fine
    (gone,) = compare(copy.deepcopy(learned), normal(steps("a"))).changes
    assert (gone.class_, gone.old_text) == ("removed", "compute/api.py.API -> b()")


def test_a_new_step_of_a_boot_in_another_order_is_accepted() -> None:
    boots = [steps("f", "t"), steps("t", "g", "f")]
    learned = baseline(*boots)
    for boot in boots:
        assert compare(copy.deepcopy(learned), normal(boot)).changes == []


def test_a_step_of_only_some_new_boots_varies() -> None:
    (change,) = compare(normal(steps("a")), baseline(steps("a"), steps("a", "b"))).changes
    assert (change.class_, change.text) == ("varies", "compute/api.py.API -> b(): 0 → 0–1 times in boot")


def test_slower_than_the_slowest_boot_is_a_change() -> None:
    def boot(took: int) -> Request:
        return builders.boot(served("API", "boot", a("a", a("b", took=took))))

    learned = baseline(boot(10), boot(20), boot(15))
    assert compare(copy.deepcopy(learned), normal(boot(25))).changes == []
    (change,) = compare(copy.deepcopy(learned), normal(boot(100))).changes
    assert (change.class_, change.new_text) == ("slower", "compute/api.py.API -> b()")
    assert change.ratio == pytest.approx(5, rel=0.05)


texts = st.sampled_from(["m.py -> f()", "m.py -> g()", "sql: SELECT t in d #aa", "sql: SELECT u in d #bb", "x()"])


def trees(**siblings: Any) -> st.SearchStrategy[Baseline]:
    leaves = st.builds(lambda text, count: NormalStep("call", "API", text, count, count), texts, st.integers(1, 3))
    nodes = st.recursive(
        leaves,
        lambda inner: st.builds(
            lambda text, inside: NormalStep("call", "API", text, children=inside),
            texts,
            st.lists(inner, max_size=5, **siblings),
        ),
        max_leaves=20,
    )
    return st.builds(Baseline, st.lists(nodes, max_size=4, **siblings))


any_trees = trees()
#: Trees without siblings of the same text, for which it would be ambiguous which of them varies.
plain_trees = trees(unique_by=lambda node: node.text)


@settings(max_examples=examples(60), deadline=None)
@given(any_trees)
def test_a_tree_does_not_differ_from_itself(tree: Baseline) -> None:
    assert compare(tree, copy.deepcopy(tree)).changes == []


@settings(max_examples=examples(60), deadline=None)
@given(any_trees, any_trees)
def test_two_trees_differ_exactly_if_they_are_unequal(old: Baseline, new: Baseline) -> None:
    def shape(nodes: list[NormalStep]) -> list[Any]:
        """Expand every step by its count."""
        return [(node.text, shape(node.children)) for node in nodes for _ in range(node.max_count)]

    same = shape(old.nodes) == shape(new.nodes)
    assert (compare(old, new).changes == []) == same


@settings(max_examples=examples(60), deadline=None)
@given(plain_trees, plain_trees, plain_trees)
def test_a_baseline_accepts_all_its_boots(first: Baseline, second: Baseline, third: Baseline) -> None:
    boots = [first, second, third]
    learned = learn(copy.deepcopy(boots))
    for boot in boots:
        assert compare(copy.deepcopy(learned), boot).changes == []


def test_trees_deeper_than_pythons_stack_are_compared() -> None:
    def deep(leaf: str) -> Baseline:
        node = NormalStep("call", "API", leaf)
        for _ in range(3000):
            node = NormalStep("call", "API", "m.py -> f()", children=[node])
        return Baseline([node])

    (change,) = compare(deep("m.py -> g()"), deep("n.py -> h()")).changes[:1]
    assert change.class_ in ("removed", "added")


def looked_up(*gets: Step) -> Step:
    """Return a lookup, one of many equal ones."""
    return call("API", API + "look_up", *gets)


def get() -> Step:
    return http("API", "placement", "GET", "/allocations")


def test_one_of_many_equal_steps_that_repeats_something_inside_has_changed() -> None:
    old = [looked_up(get()) for _ in range(5)]
    new = [looked_up(get(), get()) if index == 2 else looked_up(get()) for index in range(5)]
    assert [class_ for class_, _, _ in classes(old, new)] == ["repeated"]


@pytest.mark.parametrize("delayed", range(3))
def test_one_of_many_equal_steps_that_stalls_is_reported(delayed: int) -> None:
    def boot(seconds: int) -> Request:
        inner = [a("inner") for _ in range(3)]
        inner[delayed].end = 1 + 1000 * seconds
        return builders.boot(served("API", "boot", *map(looked_up, inner)))

    (change,) = changes(boot(0), boot(5))
    assert (change.class_, change.text.partition(":")[0]) == ("stalled", "compute/api.py.API -> inner()")
    assert changes(boot(5), boot(5)) == []
