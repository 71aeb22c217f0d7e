"""Crafted events: every step is in the forest once, no walk loops, and the time stays linear."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.events import Cloud, Services, run
from tests.test_tracer_correlation_links import forest
from tracer.correlation import links
from tracer.correlation.forest import MAX_DEPTH, Forest
from tracer.events import Event, Process


def crafted(number: int, parent: int, **attributes: Any) -> Event:
    process = Process("p", 1, "h", "")
    return Event(process, number, parent, attributes.pop("kind", "call"), "f", 1, number, number + 1, None, attributes)


def test_crafted_parents_form_no_cycle() -> None:
    """Steps that are their own parents, or whose parents are later, mutual or missing, are roots."""
    trees = links.build([crafted(1, 1), crafted(2, 3), crafted(3, 2), crafted(4, 99)])
    assert sorted(len(list(head.walk())) for head in trees.heads) == [1, 1, 2]


def test_crafted_ids_form_no_cycle() -> None:
    """Calls that serve each other; casts that open each other; a receiver that already has a parent."""
    ids = {"kind": "rpc", "side": "server"}
    calls = [
        crafted(1, 0, **ids, msg_id="a"), crafted(2, 1, kind="rpc", side="client", mode="call", msg_id="b"),
        crafted(3, 0, **ids, msg_id="b"), crafted(4, 3, kind="rpc", side="client", mode="call", msg_id="a"),
    ]  # fmt: skip
    casts = [
        crafted(11, 0, **ids, msg_id="c"), crafted(12, 11, kind="rpc", side="client", mode="cast", msg_id="d"),
        crafted(13, 0, **ids, msg_id="d"), crafted(14, 13, kind="rpc", side="client", mode="cast", msg_id="c"),
    ]  # fmt: skip
    nested = [crafted(21, 0), crafted(22, 21, **ids, msg_id="e"), crafted(23, 0, kind="rpc", mode="cast", msg_id="e")]
    assert_sound(links.build([*calls, *casts, *nested]), 11)


def test_duplicate_events_are_one_step() -> None:
    """A capture and its copy."""
    cloud = Cloud()
    run(Services(cloud).boot())
    count = len(cloud.events)
    cloud.events += list(cloud.events)
    assert_sound(forest(cloud), count)


def test_the_nesting_is_limited() -> None:
    """The total length of addresses would be quadratic."""
    trees = links.build(crafted(number, number - 1) for number in range(1, 20 * MAX_DEPTH))
    assert_sound(trees, 20 * MAX_DEPTH - 1)
    depth: dict[str, int] = {}
    for step in trees.heads[0].walk():
        depth[step.id] = depth[trees.parents[step.id].id] + 1 if step.id in trees.parents else 0
    assert max(depth.values()) == MAX_DEPTH + 1


MARKS: st.SearchStrategy[Any] = st.sampled_from(["a", "b", "c", 5, None, ["x"], {}])
CRAFTED = st.builds(
    crafted,
    st.integers(1, 12),
    st.integers(0, 12),
    kind=st.sampled_from(["rpc", "http", "call", "sql", "handoff"]),
    side=st.sampled_from(["client", "server", None, 3]),
    mode=st.sampled_from(["call", "cast", "reply", "notify", None, []]),
    msg_id=MARKS,
    unique_id=MARKS,
    message=MARKS,
    callee_request_id=MARKS,
    request_id=MARKS,
    global_request_id=MARKS,
    path=MARKS,
    started=MARKS,
    topic=MARKS,
    host=MARKS,
    module=MARKS,
)


@given(st.lists(CRAFTED, max_size=24))
def test_any_events_form_sound_trees(events: list[Event]) -> None:
    """Every event is there once: below a parent, as a root or as the head of a chapter; no walk loops."""
    assert_sound(links.build(events), len({event.number for event in events}))


def assert_sound(trees: Forest, count: int) -> None:
    walked = [step.id for head in trees.heads for step in head.walk()]
    assert len(walked) == len(set(walked)) == count
    opened = [step.id for receivers in trees.casts.values() for step in receivers]
    assert len(opened) == len(set(opened))
    assert not set(opened) & set(trees.parents)
    for head in trees.heads:
        above, visited = head, {head.id}
        while above.id in trees.senders:
            above = [trees.senders[above.id], *trees.ancestors(trees.senders[above.id])][-1]
            assert above.id not in visited
            visited.add(above.id)


@pytest.mark.slow
def test_long_chains_and_many_equal_requests_take_linear_time() -> None:
    """50,000 crafted events: a chain of calls and casts, and many equal requests. Seconds, not hours."""
    events = []
    for number in range(1, 30_000, 3):
        events.append(crafted(number, 0, kind="rpc", side="server", msg_id=str(number)))
        mode = "call" if number % 2 else "cast"
        events.append(crafted(number + 1, number, kind="rpc", side="client", mode=mode, msg_id=str(number + 3)))
        events.append(crafted(number + 2, 0, kind="http", side="client" if number % 2 else "server", path="/"))
    events += [crafted(number, number - 1) for number in range(30_001, 50_000)]
    assert_sound_count(links.build(events), len(events))


def assert_sound_count(trees: Forest, count: int) -> None:
    assert sum(1 for head in trees.heads for _ in head.walk()) == count
