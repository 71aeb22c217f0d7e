"""Boots merged into one sequence: its fragments, and reading every boot back from it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.builders import boot, call, cast, failed_boot, served, small_boot, sql, step
from tests.support.examples import examples
from tests.support.merged_boots import Part, check, taken
from tracer.diff.baseline.normalise import normal
from tracer.diff.merge.merge import merge
from tracer.model import Fragment, Merged, MergedStep, NormalStep, Request, Step
from tracer.notation.parse import split_error


def merged(*boots: Request) -> Merged:
    """Merge the boots under the names vm1, vm2 …, and check the result against them."""
    result = merge(boots, [f"vm{number}" for number in range(1, len(boots) + 1)])
    check(result, list(boots))
    return result


def api(*names: str | Step) -> Request:
    """Return a boot that calls these functions of one module in turn."""
    return boot(call("API", "nova.api:main", *(_call(name) if isinstance(name, str) else name for name in names)))


def _call(name: str, *inside: str) -> Step:
    return call("API", f"nova.api:{name}", *map(_call, inside))


def notation(sequence: Merged) -> str:
    """Return the steps below the only chapter's head: ``a opt12(b) alt(1: c | 2: d) loop1–3(e) par(f | g)``."""
    (head,) = sequence.chapters
    assert isinstance(head, MergedStep)
    return _parts(head.children)


def _parts(parts: list[Part]) -> str:
    return " ".join(map(_part, parts))


def _part(part: Part) -> str:
    if isinstance(part, MergedStep):
        name = part.text.rpartition(" ")[2].removesuffix("()")
        return f"{name}[{_parts(part.children)}]" if part.children else name
    inside = [_parts(operand.inside) for operand in part.operands]
    if part.operator == "loop":
        return f"loop{min(part.counts.values())}–{max(part.counts.values())}({inside[0]})"
    who = ["".join(str(boot + 1) for boot in sorted(operand.boots)) for operand in part.operands]
    return f"{part.operator}({' | '.join(f'{who}: {what}' for who, what in zip(who, inside, strict=True))})"


@pytest.mark.parametrize(
    ("boots", "sequence"),
    [
        (["a b c", "a b c"], "a b c"),
        (["a b c", "a c"], "a opt(1: b) c"),
        (["a c", "a b c", "a b c"], "a opt(23: b) c"),
        (["a b c", "a x y c"], "a alt(1: b | 2: x y) c"),
        (["a b c", "a x c", "a x c"], "a alt(23: x | 1: b) c"),
        (["a b c", "a x c", "a y c"], "a alt(1: b | 2: x | 3: y) c"),
        (["a b c", "a x c", "a c"], "a opt(2: x) opt(1: b) c"),
        (["a b c", "a b x c", "a c"], "a opt(12: b opt(2: x)) c"),
        (["a b b b c", "a b c"], "a loop1–3(b) c"),
        (["a b b c", "a c", "a b c"], "a opt(13: loop1–2(b)) c"),
        (["a b c d", "a c b d"], "a par(12: b | 12: c) d"),
        (["a b c d e", "a e b c d"], "a par(12: b c d | 12: e)"),
        (["a b c", "c", "a c b"], "opt(13: a) par(13: b | 123: c)"),
        (["a b a b c", "a b c"], "loop1–2(a b) c"),
        (["a b c a b c a b c", "a b c a b c", "x"], "alt(12: loop2–3(a b c) | 3: x)"),
        (["a b a b c a b a b c", "a b c"], "loop1–2(loop1–2(a b) c)"),
        (["a b b a b b a", "a b b a"], "loop1–2(a loop2–2(b)) a"),
        (["a b", "a b"], "a b"),
    ],
)
def test_differences_become_fragments(boots: list[str], sequence: str) -> None:
    """Missing steps, alternatives, repetitions and orders."""
    assert notation(merged(*(api(*names.split()) for names in boots))) == sequence


def test_a_single_boot_has_only_loops() -> None:
    assert notation(merged(api("a", "b", "b"))) == "a loop2–2(b)"


def test_only_equal_repetitions_are_a_loop() -> None:
    """A step below one of them tells them apart; times do not."""
    turns = [_call("a", "x"), _call("b"), _call("a", "y"), _call("b")]
    assert notation(merged(api(*turns))) == "a[x] b a[y] b"
    failed = call("API", "nova.api:b", error="E: x")
    assert notation(merged(api("a", failed, "a", "b"))) == "a b a b"


def test_a_loop_of_a_block_has_the_times_of_all_its_turns() -> None:
    sequence = api("a", "b", "a", "b")
    for number, inner in enumerate(sequence.chapters[0].children, 1):
        inner.end = inner.start + number * 1000
    times = [step.durations for step in merged(sequence).walk()]
    assert times[1:] == [(1000, 1000, 3000), (2000, 2000, 4000)]


def test_a_block_that_happens_once_here_is_one_there_only_below_the_same_step() -> None:
    """Below another step the same steps are no loop."""
    repeated = call("API", "nova.api:m", *map(_call, "abab"))
    assert notation(merged(api(repeated, _call("n", "a", "b")))) == "m[loop2–2(a b)] n[a b]"


def test_overlapping_steps_are_parallel() -> None:
    """Even if their order does not vary: the second began before the end of the first."""
    sequence = api("a", "b", "c")
    _, second, third = sequence.chapters[0].children
    third.start = second.start
    assert notation(merged(sequence)) == "a par(1: b | 1: c)"


def test_a_difference_below_a_step_leaves_the_step_shared() -> None:
    """A step with more steps below it in one boot is the same step."""
    sequence = merged(api(_call("a", "x", "y")), api(_call("a", "x")), api(_call("a", "z", "x")))
    assert notation(sequence) == "a[opt(3: z) x opt(1: y)]"


def test_an_error_of_some_boots_is_at_the_shared_step() -> None:
    """Steps that the failing boot lacks are optional."""
    broken = api(call("API", "nova.api:a", _call("x"), error="Fault: it broke"))
    sequence = merged(api(_call("a", "x", "y")), broken)
    assert notation(sequence) == "a[x opt(1: y)]"
    assert [step.errors for step in sequence.walk()] == [{}, {1: "Fault"}, {}, {}]


def test_chapters_follow_their_senders() -> None:
    """A chapter that one boot lacks is in a fragment, like the step that sends it; they refer to each other."""
    whole, cut = small_boot(), small_boot()
    cut.chapters = cut.chapters[:2]
    cut.chapters[1].children = cut.chapters[1].children[:2]  # without the cast to compute
    sequence = merged(whole, cut)
    first, second, third = sequence.chapters
    assert isinstance(first, MergedStep)
    assert isinstance(second, MergedStep)
    assert isinstance(third, Fragment)
    assert third.operator == "opt"
    assert third.operands[0].boots == {0}
    heads = [head for head in third.operands[0].inside if isinstance(head, MergedStep)]
    assert [head.address for head in heads] == ["3", "4"]
    by_address = {step.address: step for step in sequence.walk()}
    for head in (second, *heads):
        assert by_address[head.opened_by].opens == [head.address]


def test_a_merged_sequence_has_its_own_addresses() -> None:
    """Unique; steps are numbered in order, notes after a slash."""
    first = api("a", sql("API", "SELECT", "flavors"), "b")
    second = api("x", "b")
    assert [step.address for step in merged(first, second).walk()] == ["1", "1-1", "1/1", "1-2", "1-3"]
    addresses = [step.address for step in merged(first, second, small_boot(), failed_boot()).walk()]
    assert len(set(addresses)) == len(addresses)
    chapters = [address for address in addresses if address.isdigit()]
    assert chapters == [str(number) for number in range(1, len(chapters) + 1)]


def test_hand_offs_are_the_same_in_any_kind_of_pool() -> None:
    jobs = [step("handoff", "API", call("API", "nova.api:a"), function="f", via=via) for via in ("eventlet", "threads")]
    assert [step.text for step in merged(api(jobs[0]), api(jobs[1])).walk()][1:] == ["hand-off to f", "api.py -> a()"]


def test_messages_are_the_same_with_any_arguments() -> None:
    """An additional port in the arguments must not separate the steps that the message causes."""

    def request(arguments: list[str]) -> Request:
        inside = served("compute", "build", call("compute", "nova.compute.manager:build"))
        return boot(cast("conductor", "compute", "build", 2, arguments=list(arguments)), inside)

    sequence = merged(request(["Instance 2.8"]), request(["Instance 2.8", "NetworkRequest 1.3"]))
    assert [len(step.boots) for step in sequence.walk()] == [2, 2, 2]


@pytest.mark.slow
def test_deep_and_long_trees_are_merged() -> None:
    """Deeper than Python's stack, and too long for a quadratic comparison."""
    deep = call("API", "nova.api:a")
    for _ in range(3000):
        deep = call("API", "nova.api:a", deep, call("API", "nova.api:b"))
    long = [step("call", "API", name=f"f{number}") for number in range(3000)]
    backwards = [step("call", "API", name=f"f{number}") for number in reversed(range(3000))]
    assert sum(1 for _ in merge([boot(deep), boot(call("API", "nova.api:a"))], ["1", "2"]).walk()) == 6001
    mixed = merge([boot(call("API", "nova.api:a", *long)), boot(call("API", "nova.api:a", *backwards))], ["1", "2"])
    assert sum(1 for _ in mixed.walk()) == 3001


def test_the_nesting_of_fragments_is_limited() -> None:
    """Every boot has one step more: beyond a readable depth, further opts follow one another."""
    boots = [api(*(f"f{step}" for step in range(number))) for number in range(1, 61)]
    sequence = merge(boots, [str(number) for number in range(60)])
    depths = [0]
    (head,) = sequence.chapters
    assert isinstance(head, MergedStep)
    stack = [(part, 0) for part in head.children]
    while stack:
        part, depth = stack.pop()
        if isinstance(part, Fragment):
            depths.append(depth + 1)
            stack.extend((inner, depth + 1) for operand in part.operands for inner in operand.inside)
    assert max(depths) == 9
    assert sum(1 for _ in sequence.walk()) == 61


def test_boots_with_different_outcomes_are_merged() -> None:
    sequence = merged(small_boot(), failed_boot(), small_boot())
    assert sequence.outcomes == ["active", "error: NoValidHost", "active"]


def test_conditions_are_read_from_the_requests() -> None:
    """First keys that only some boots have, then values that some share, then keys that only some lack."""

    def request(**body: Any) -> Request:
        image = {"id": "i", "properties": {"mappings": [1]} if body["name"] == "mapped" else {}}
        return boot(
            step("http", "API", side="server", method="POST", path="/servers", body={"server": body}, image=image)
        )

    sequence = merged(
        request(name="a", flavorRef="1", imageRef="i"), request(name="b", flavorRef="2", imageRef="i", key_name="k"),
        request(name="c", flavorRef="1", volumes=[{"uuid": "v"}]),
        request(name="mapped", flavorRef="1", imageRef="i", key_name="k"),
    )  # fmt: skip
    assert sequence.conditions == {
        frozenset({1, 3}): "request has key_name",
        frozenset({2}): "request has volumes",
        frozenset({0, 1, 3}): "request has imageRef",
        frozenset({1}): "request has flavorRef 2",
        frozenset({0, 2, 3}): "request has flavorRef 1",
        frozenset({3}): "image has mappings",
        frozenset({0, 2}): "request has no key_name",
        frozenset({0, 1, 2}): "image has no mappings",
    }
    assert merged(request(name="a"), request(name="b"), request(name="a")).conditions == {}


# Boots generated from a generated sequence.

Plan = tuple[Any, ...]
NAMES = "abcde"


def plans() -> st.SearchStrategy[list[Plan]]:
    """Return a strategy for the content of a step: steps, opt, alt, loop, and steps in any order."""
    leaf: st.SearchStrategy[Plan] = st.sampled_from(NAMES).map(lambda name: ("step", name, []))
    return st.recursive(
        st.lists(leaf, max_size=4),
        lambda more: st.lists(
            st.one_of(
                st.tuples(st.just("step"), st.sampled_from(NAMES), more),
                st.tuples(st.just("opt"), more),
                st.tuples(st.just("alt"), more, more),
                st.tuples(st.just("loop"), st.sampled_from(NAMES), more),
                st.tuples(st.just("block"), more),
                st.tuples(st.just("par"), more, more),
            ),
            max_size=4,
        ),
        max_leaves=12,
    )


def drawn(plan: list[Plan], draw: st.DrawFn) -> list[Step]:
    """Return the steps of one boot that follows a plan."""
    return list(chain.from_iterable(_drawn(item, draw) for item in plan))


def _drawn(item: Plan, draw: st.DrawFn) -> Iterator[Step]:
    match item:
        case ("step", name, inside):
            yield call(
                "API", f"nova.api:{name}", *drawn(inside, draw), error=draw(st.sampled_from([None, None, "E: x"]))
            )
        case ("opt", inside):
            yield from drawn(inside, draw) if draw(st.booleans()) else []
        case ("alt", *branches):
            yield from drawn(draw(st.sampled_from(branches)), draw)
        case ("loop", name, inside):
            for _ in range(draw(st.integers(0, 3))):
                yield call("API", f"nova.api:{name}", *drawn(inside, draw))
        case ("block", inside):
            for _ in range(draw(st.integers(0, 3))):
                yield from drawn(inside, draw)
        case ("par", *threads):
            for inside in draw(st.permutations(threads)):
                yield from drawn(inside, draw)


@st.composite
def alike(draw: st.DrawFn) -> list[Request]:
    """Draw boots of one plan."""
    plan = draw(plans())
    return [boot(call("API", "nova.api:main", *drawn(plan, draw))) for _ in range(draw(st.integers(1, 4)))]


@settings(max_examples=examples(150), deadline=None)
@given(alike())
def test_every_boot_can_be_read_back(boots: list[Request]) -> None:
    """By its branches, its loops, and some order of the threads of a par."""
    sequence = merged(*boots)
    for number, request in enumerate(boots):
        assert _is(sequence.chapters, normal(request).nodes, number)


def _is(parts: list[Part], nodes: list[NormalStep], boot: int) -> bool:
    """Return whether a boot's siblings are one of the sequences that the parts allow."""
    return len(nodes) in _ends(parts, nodes, {0}, boot)


def _ends(parts: list[Part], nodes: list[NormalStep], starts: set[int], boot: int) -> set[int]:
    """Return the positions at which the parts may end if they begin at one of ``starts``."""
    for part in parts:
        starts = {end for start in starts for end in _after(part, nodes, start, boot)}
    return starts


def _after(part: Part, nodes: list[NormalStep], start: int, boot: int) -> set[int]:
    if isinstance(part, Fragment) and part.operator in ("opt", "alt"):
        branch = [inner for operand in part.operands if boot in operand.boots for inner in operand.inside]
        return _ends(branch, nodes, {start}, boot)
    if isinstance(part, Fragment) and part.operator == "par":
        threads = [list(taken(operand.inside, boot)) for operand in part.operands if boot in operand.boots]
        return _mixed(threads, nodes, start, boot)
    if isinstance(part, Fragment) and [type(inner) for inner in part.operands[0].inside] != [MergedStep]:
        starts = {start}
        for _ in range(part.counts[boot]):
            starts = _ends(part.operands[0].inside, nodes, starts, boot)
        return starts
    return {start + 1} if start < len(nodes) and _same(*next(taken([part], boot)), nodes[start], boot) else set()


def _mixed(threads: list[list[tuple[MergedStep, int]]], nodes: list[NormalStep], start: int, boot: int) -> set[int]:
    """Return the end of an interleaving of the threads, if the nodes are one."""
    states = {tuple(0 for _ in threads)}
    end = start + sum(map(len, threads))
    for node in nodes[start:end]:
        states = {
            (*state[:number], state[number] + 1, *state[number + 1 :])
            for state in states
            for number, thread in enumerate(threads)
            if state[number] < len(thread) and _same(*thread[state[number]], node, boot)
        }
    return {end} if tuple(map(len, threads)) in states else set()


def _same(step: MergedStep, count: int, node: NormalStep, boot: int) -> bool:
    alike = (step.service, step.text, step.errors.get(boot, ""), count) == (
        node.service,
        *split_error(node.text),
        node.max_count,
    )
    return alike and _is(step.children, node.children, boot)
