"""What changed between two boots: a case for each class, what is no change, and what holds for all trees."""

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
    """Class, old and new address of each change between two boots of one chapter, from steps under one function."""
    sides = [builders.boot(served("API", "boot", *steps)) for steps in (old, new)]
    return [(change.class_, change.old, change.new) for change in changes(*sides)]


def one(old: Step, new: Step) -> Change:
    """The only change between two steps."""
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


def test_a_step_that_came_and_one_that_went_are_told_with_what_is_around_and_below() -> None:
    (change,) = changes(
        builders.boot(served("API", "boot", a("a"))), builders.boot(served("API", "boot", a("a"), a("b", a("c"))))
    )
    assert (change.class_, change.old, change.new, change.below) == ("added", "", "1-2", 1)
    assert change.text == "compute/api.py.API -> b() in boot, with compute/api.py.API -> c()"
    assert change.path == ("boot",)
    assert classes([a("a"), a("b", a("c"))], [a("a")]) == [("removed", "1-2", "")]


def test_more_and_less_of_a_step() -> None:
    more = one(a("a", sql("API", "SELECT", "t")), a("a", *[sql("API", "SELECT", "t") for _ in range(3)]))
    assert (more.class_, more.ratio) == ("repeated", 3.0)
    assert more.text.endswith("SELECT t: 1 → 3 times in compute/api.py.API -> a()")
    assert more.tables == ("t", "t")
    assert classes([a("a"), a("a")], [a("a")]) == [("repeated", "1-1", "1-1")]


def test_an_attempt_that_failed_before_one_that_did_not_is_a_retry() -> None:
    failing = rpc("API", "conductor", "ping", error="MessagingTimeout: no answer")
    failing.children = []
    assert classes([rpc("API", "conductor", "ping")], [failing, rpc("API", "conductor", "ping")]) == [
        ("retried", "", "1-1")
    ]


def test_order() -> None:
    assert classes([a("a"), a("b"), a("c")], [a("c"), a("a"), a("b")]) == [("reordered", "1-3", "1-1")]


def test_steps_that_run_beside_each_other_have_no_order() -> None:
    first, second = [builders.boot(served("API", "boot", *map(a, names))) for names in ("ab", "ba")]
    for boot in (first, second):
        for step in boot.chapters[0].children:
            step.start, step.end = boot.started + 1000, boot.started + 9000
    assert changes(first, second) == []


def test_eager_loads_of_one_query_have_no_order() -> None:
    """SQLAlchemy goes through a set: every process of one release has an order of its own."""

    def loads(*tables: str) -> list[Step]:
        statement = "SELECT {0}.id FROM (SELECT instances.id) AS anon_1 JOIN {0}"
        return [sql("API", "SELECT", table, statement=statement.format(table)) for table in tables]

    assert classes(loads("a", "b"), loads("b", "a")) == []
    assert [each[0] for each in classes(loads("a", "b"), loads("b"))] == ["removed"]


def test_a_block_that_moves_is_told_once() -> None:
    block = a("block", a("x"), sql("API", "SELECT", "t"))
    assert classes([a("a", block), a("b")], [a("a"), a("b", copy.deepcopy(block))]) == [("moved", "1-1-1", "1-2-1")]


def test_a_block_that_moves_to_another_service_changes_its_service() -> None:
    there = call("conductor", API + "block", call("conductor", API + "x"), call("conductor", API + "y"))
    found = classes([a("a", a("block", a("x"), a("y"))), a("b")], [a("a"), a("b", there)])
    assert found == [("moved", "1-1-1", "1-2-1"), ("service", "1-1-1", "1-2-1")]


def test_a_function_around_what_was_there_is_one_change() -> None:
    assert classes([a("a"), a("b")], [a("new", a("a"), a("b"))]) == [("added", "", "1-1")]
    assert classes([a("new", a("a"), a("b"))], [a("a"), a("b")]) == [("removed", "1-1", "")]


def test_renamed() -> None:
    inside = (sql("API", "SELECT", "t"), a("x"))
    assert one(a("a", *inside), a("b", *copy.deepcopy(inside))).class_ == "renamed"
    assert one(a("a"), a("b")).text == "renamed: compute/api.py.API -> a() → compute/api.py.API -> b()"


def test_one_of_a_run_renamed() -> None:
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
def test_what_changes_about_a_step_has_its_class(old: Step, new: Step, class_: str) -> None:
    assert one(old, new).class_ == class_


def test_an_error_is_told_where_it_comes_from() -> None:
    def failing(error: str | None) -> Step:
        return a("outer", a("inner", error=error), error=error)

    assert classes([failing(None)], [failing("KeyError: x")]) == [("error", "1-1-1", "1-1-1")]


def test_what_no_release_changes_is_left_out() -> None:
    noise = [builders.log("API", "talk"), builders.log("API", "asked", kind="ask"), a("a")]
    assert [kind for kind, _, _ in classes([a("a")], noise)] == []


def test_log_lines_are_counted_by_service() -> None:
    quiet = builders.boot(served("API", "boot", builders.log("API", "x")))
    loud = builders.boot(served("API", "boot", *[builders.log("API", "x") for _ in range(5)]))
    (change,) = changes(quiet, loud)
    assert (change.class_, change.service, change.text) == ("logged", "API", "log lines: 1 → 5")


def test_a_boot_that_ended_otherwise() -> None:
    old, new = builders.small_boot(), builders.failed_boot()
    assert changes(old, new)[0].text == "the boot ended active, and now error"


def test_a_chapter_that_nobody_receives_any_more_is_gone_with_all_it_did() -> None:
    old, new = builders.small_boot(), builders.small_boot()
    new.chapters = new.chapters[:2]
    found = changes(old, new)
    assert [(change.class_, change.old) for change in found if change.class_ != "logged"] == [("removed", "3")]


def test_the_casts_receivers_may_come_in_any_order() -> None:
    def boot(*order: int) -> Request:
        heads = [served("compute", "one"), served("network", "two")]
        sender = served("API", "boot", cast("API", "compute", "one", order[0]), cast("API", "network", "two", order[1]))
        return builders.boot(sender, *[heads[place - 2] for place in order])

    assert changes(boot(2, 3), boot(3, 2)) == []


def baseline(*boots: Request) -> Baseline:
    return learn([normal(boot) for boot in boots])


def steps(*names: str) -> Request:
    return builders.boot(served("API", "boot", *[a(name) for name in names]))


def test_a_baseline_knows_what_varies() -> None:
    learned = baseline(steps("a", "b"), steps("a", "x", "b", "b"), steps("b", "a"))
    for fine in (steps("a", "b"), steps("b", "b", "a"), steps("a", "x", "b")):
        assert compare(copy.deepcopy(learned), normal(fine)).changes == [], fine
    (gone,) = compare(copy.deepcopy(learned), normal(steps("a"))).changes
    assert (gone.class_, gone.old_text) == ("removed", "compute/api.py.API -> b()")


def test_what_only_some_boots_do_on_the_new_side_only_varies() -> None:
    (change,) = compare(normal(steps("a")), baseline(steps("a"), steps("a", "b"))).changes
    assert (change.class_, change.text) == ("varies", "compute/api.py.API -> b(): 0 → 0–1 times in boot")


def test_slower_than_ever_and_not_merely_slow() -> None:
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
#: Where several siblings have the same text, which of them varies how is a guess; here there is nothing to guess.
plain_trees = trees(unique_by=lambda node: node.text)


@settings(max_examples=examples(60), deadline=None)
@given(any_trees)
def test_nothing_differs_from_itself(tree: Baseline) -> None:
    assert compare(tree, copy.deepcopy(tree)).changes == []


@settings(max_examples=examples(60), deadline=None)
@given(any_trees, any_trees)
def test_two_trees_differ_exactly_if_they_are_not_the_same(old: Baseline, new: Baseline) -> None:
    def shape(nodes: list[NormalStep]) -> list[Any]:
        """Each step as often as it happens, one by one."""
        return [(node.text, shape(node.children)) for node in nodes for _ in range(node.max_count)]

    same = shape(old.nodes) == shape(new.nodes)
    assert (compare(old, new).changes == []) == same


@settings(max_examples=examples(60), deadline=None)
@given(plain_trees, plain_trees, plain_trees)
def test_a_baseline_accepts_every_boot_it_was_learned_of(first: Baseline, second: Baseline, third: Baseline) -> None:
    boots = [first, second, third]
    learned = learn(copy.deepcopy(boots))
    for boot in boots:
        assert compare(copy.deepcopy(learned), boot).changes == []


def test_trees_deeper_than_pythons_stack() -> None:
    def deep(leaf: str) -> Baseline:
        node = NormalStep("call", "API", leaf)
        for _ in range(3000):
            node = NormalStep("call", "API", "m.py -> f()", children=[node])
        return Baseline([node])

    (change,) = compare(deep("m.py -> g()"), deep("n.py -> h()")).changes[:1]
    assert change.class_ in ("removed", "added")
