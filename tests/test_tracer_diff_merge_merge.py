"""Boots merged into one sequence: what comes out as which fragment, and that every boot can be read back from it."""

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
    """The boots under the names vm1, vm2 …; what they are merged into is true."""
    made = merge(boots, [f"vm{number}" for number in range(1, len(boots) + 1)])
    check(made, list(boots))
    return made


def api(*names: str | Step) -> Request:
    """A boot that calls these functions of one module, one after the other."""
    return boot(call("API", "nova.api:main", *(_called(name) if isinstance(name, str) else name for name in names)))


def _called(name: str, *inside: str) -> Step:
    return call("API", f"nova.api:{name}", *map(_called, inside))


def said(made: Merged) -> str:
    """What stands inside the one step of the only chapter: ``a opt12(b) alt(1: c | 2: d) loop1–3(e) par(f | g)``."""
    (head,) = made.chapters
    assert isinstance(head, MergedStep)
    return _said(head.children)


def _said(parts: list[Part]) -> str:
    return " ".join(map(_one, parts))


def _one(part: Part) -> str:
    if isinstance(part, MergedStep):
        name = part.text.rpartition(" ")[2].removesuffix("()")
        return f"{name}[{_said(part.children)}]" if part.children else name
    inside = [_said(operand.inside) for operand in part.operands]
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
    ],
)
def test_fragments(boots: list[str], sequence: str) -> None:
    """What some lack, where they differ, how often, in which order."""
    assert said(merged(*(api(*names.split()) for names in boots))) == sequence


def test_one_boot_has_loops_only() -> None:
    """And what ran side by side."""
    assert said(merged(api("a", "b", "b"))) == "a loop2–2(b)"


def test_what_ran_side_by_side() -> None:
    """Even where no order varies: the second began before the first was over."""
    made = api("a", "b", "c")
    _, second, third = made.chapters[0].children
    third.start = second.start
    assert said(merged(made)) == "a par(1: b | 1: c)"


def test_what_differs_inside_leaves_what_is_around_shared() -> None:
    """A step that does more in one boot is the same step."""
    made = merged(api(_called("a", "x", "y")), api(_called("a", "x")), api(_called("a", "z", "x")))
    assert said(made) == "a[opt(3: z) x opt(1: y)]"


def test_failure_of_some_is_told_at_the_step() -> None:
    """It is the same step in all of them; what the failing one lacks is optional."""
    broken = api(call("API", "nova.api:a", _called("x"), error="Fault: it broke"))
    made = merged(api(_called("a", "x", "y")), broken)
    assert said(made) == "a[x opt(1: y)]"
    assert [step.errors for step in made.walk()] == [{}, {1: "Fault"}, {}, {}]


def test_chapters_follow_their_senders() -> None:
    """A chapter that one boot has not stands in a fragment, as the step that sends it; both know each other."""
    whole, cut = small_boot(), small_boot()
    cut.chapters = cut.chapters[:2]
    cut.chapters[1].children = cut.chapters[1].children[:2]  # without the cast to compute
    made = merged(whole, cut)
    first, second, third = made.chapters
    assert isinstance(first, MergedStep)
    assert isinstance(second, MergedStep)
    assert isinstance(third, Fragment)
    assert third.operator == "opt"
    assert third.operands[0].boots == {0}
    heads = [head for head in third.operands[0].inside if isinstance(head, MergedStep)]
    assert [head.address for head in heads] == ["3", "4"]
    by_address = {step.address: step for step in made.walk()}
    for head in (second, *heads):
        assert by_address[head.opened_by].opens == [head.address]


def test_addresses_are_the_merged_sequences_own() -> None:
    """Each once, steps numbered where they stand, notes after a slash."""
    one = api("a", sql("API", "SELECT", "flavors"), "b")
    other = api("x", "b")
    assert [step.address for step in merged(one, other).walk()] == ["1", "1-1", "1/1", "1-2", "1-3"]
    addresses = [step.address for step in merged(one, other, small_boot(), failed_boot()).walk()]
    assert len(set(addresses)) == len(addresses)
    chapters = [address for address in addresses if address.isdigit()]
    assert chapters == [str(number) for number in range(1, len(chapters) + 1)]


def test_jobs_are_the_same_whatever_carries_them() -> None:
    """Threads of one kind or another."""
    jobs = [step("handoff", "API", call("API", "nova.api:a"), function="f", via=via) for via in ("eventlet", "threads")]
    assert [step.text for step in merged(api(jobs[0]), api(jobs[1])).walk()][1:] == ["hand-off to f", "api.py -> a()"]


def test_messages_are_the_same_whatever_objects_they_carry() -> None:
    """A port more in the arguments must not part all that the message starts."""

    def asked(arguments: list[str]) -> Request:
        inside = served("compute", "build", call("compute", "nova.compute.manager:build"))
        return boot(cast("conductor", "compute", "build", 2, arguments=list(arguments)), inside)

    made = merged(asked(["Instance 2.8"]), asked(["Instance 2.8", "NetworkRequest 1.3"]))
    assert [len(step.boots) for step in made.walk()] == [2, 2, 2]


@pytest.mark.slow
def test_deep_and_long_trees() -> None:
    """Deeper than Python's stack, and longer than anything compared pair by pair would stand."""
    deep = call("API", "nova.api:a")
    for _ in range(3000):
        deep = call("API", "nova.api:a", deep, call("API", "nova.api:b"))
    long = [step("call", "API", name=f"f{number}") for number in range(3000)]
    backwards = [step("call", "API", name=f"f{number}") for number in reversed(range(3000))]
    assert sum(1 for _ in merge([boot(deep), boot(call("API", "nova.api:a"))], ["1", "2"]).walk()) == 6001
    mixed = merge([boot(call("API", "nova.api:a", *long)), boot(call("API", "nova.api:a", *backwards))], ["1", "2"])
    assert sum(1 for _ in mixed.walk()) == 3001


def test_each_boot_with_a_step_more_is_no_tower() -> None:
    """Opts stand in one another up to where anybody reads on; the others one after the other."""
    boots = [api(*(f"f{step}" for step in range(number))) for number in range(1, 61)]
    made = merge(boots, [str(number) for number in range(60)])
    depths = [0]
    (head,) = made.chapters
    assert isinstance(head, MergedStep)
    stack = [(part, 0) for part in head.children]
    while stack:
        part, depth = stack.pop()
        if isinstance(part, Fragment):
            depths.append(depth + 1)
            stack.extend((inner, depth + 1) for operand in part.operands for inner in operand.inside)
    assert max(depths) == 9
    assert sum(1 for _ in made.walk()) == 61


def test_boots_that_end_differently() -> None:
    """Whatever two boots do, each can be read back."""
    made = merged(small_boot(), failed_boot(), small_boot())
    assert made.outcomes == ["active", "error: NoValidHost", "active"]


def test_what_some_were_asked_for() -> None:
    """Keys that they alone have first, then values that are no one boot's own, then what they alone lack."""

    def asked(**body: Any) -> Request:
        image = {"id": "i", "properties": {"mappings": [1]} if body["name"] == "mapped" else {}}
        return boot(
            step("http", "API", side="server", method="POST", path="/servers", body={"server": body}, image=image)
        )

    made = merged(
        asked(name="a", flavorRef="1", imageRef="i"), asked(name="b", flavorRef="2", imageRef="i", key_name="k"),
        asked(name="c", flavorRef="1", volumes=[{"uuid": "v"}]),
        asked(name="mapped", flavorRef="1", imageRef="i", key_name="k"),
    )  # fmt: skip
    assert made.conditions == {
        frozenset({1, 3}): "request has key_name",
        frozenset({2}): "request has volumes",
        frozenset({0, 1, 3}): "request has imageRef",
        frozenset({1}): "request has flavorRef 2",
        frozenset({0, 2, 3}): "request has flavorRef 1",
        frozenset({3}): "image has mappings",
        frozenset({0, 2}): "request has no key_name",
        frozenset({0, 1, 2}): "image has no mappings",
    }
    assert merged(asked(name="a"), asked(name="b"), asked(name="a")).conditions == {}


# Boots drawn from a sequence that is drawn first.

Plan = tuple[Any, ...]
NAMES = "abcde"


def plans() -> st.SearchStrategy[list[Plan]]:
    """What may happen inside a step: steps, opt, alt, loop, and what comes in any order."""
    leaf: st.SearchStrategy[Plan] = st.sampled_from(NAMES).map(lambda name: ("step", name, []))
    return st.recursive(
        st.lists(leaf, max_size=4),
        lambda more: st.lists(
            st.one_of(
                st.tuples(st.just("step"), st.sampled_from(NAMES), more),
                st.tuples(st.just("opt"), more),
                st.tuples(st.just("alt"), more, more),
                st.tuples(st.just("loop"), st.sampled_from(NAMES), more),
                st.tuples(st.just("par"), more, more),
            ),
            max_size=4,
        ),
        max_leaves=12,
    )


def drawn(plan: list[Plan], draw: st.DrawFn) -> list[Step]:
    """One boot's way through a plan."""
    return list(chain.from_iterable(_drawn(one, draw) for one in plan))


def _drawn(one: Plan, draw: st.DrawFn) -> Iterator[Step]:
    match one:
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
        case ("par", *threads):
            for inside in draw(st.permutations(threads)):
                yield from drawn(inside, draw)


@st.composite
def alike(draw: st.DrawFn) -> list[Request]:
    """Boots of one plan."""
    plan = draw(plans())
    return [boot(call("API", "nova.api:main", *drawn(plan, draw))) for _ in range(draw(st.integers(1, 4)))]


@settings(max_examples=examples(150), deadline=None)
@given(alike())
def test_every_boot_can_be_read_back(boots: list[Request]) -> None:
    """By the branches that it goes through, by its loops, and by some order of what is in a par: it and no other."""
    made = merged(*boots)
    for number, each in enumerate(boots):
        assert _is(made.chapters, normal(each).nodes, number)


def _is(parts: list[Part], nodes: list[NormalStep], boot: int) -> bool:
    """Whether a boot's siblings are one of the sequences that the parts allow it."""
    return len(nodes) in _ends(parts, nodes, {0}, boot)


def _ends(parts: list[Part], nodes: list[NormalStep], starts: set[int], boot: int) -> set[int]:
    """Where in the siblings the parts may end that begin at one of ``starts``."""
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
    return {start + 1} if start < len(nodes) and _same(*next(taken([part], boot)), nodes[start], boot) else set()


def _mixed(threads: list[list[tuple[MergedStep, int]]], nodes: list[NormalStep], start: int, boot: int) -> set[int]:
    """Where a mixture of the threads ends, in which each keeps its order."""
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
