"""Addresses: unique, below the parent's address; casts and the chapters they open refer to each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import step
from tracer.correlation import addresses as correlation_addresses
from tracer.model import NOTES, NUMBERED, Step

KINDS = st.sampled_from(sorted(NUMBERED | NOTES))
TREES: st.SearchStrategy[Step] = st.recursive(
    st.builds(step, KINDS, st.just("API")),
    lambda inner: st.builds(
        lambda kind, children: step(kind, "API", *children), KINDS, st.lists(inner, min_size=1, max_size=5)
    ),
    max_leaves=30,
)


@given(st.lists(TREES, min_size=1, max_size=4))
def test_addresses_are_unique_and_below_their_parents(chapters: list[Step]) -> None:
    """Chapters count from 1; steps and notes count separately from 1 below their parent's address."""
    correlation_addresses.assign(chapters, {})
    addresses = [step_.address for chapter in chapters for step_ in chapter.walk()]
    assert len(set(addresses)) == len(addresses)
    assert [chapter.address for chapter in chapters] == [str(number) for number in range(1, len(chapters) + 1)]
    for chapter in chapters:
        for parent in chapter.walk():
            numbered = [child for child in parent.children if child.numbered]
            notes = [child for child in parent.children if not child.numbered]
            assert [child.address for child in numbered] == [
                f"{parent.address}-{number}" for number in range(1, len(numbered) + 1)
            ]
            assert [child.address for child in notes] == [
                f"{parent.address}/{number}" for number in range(1, len(notes) + 1)
            ]


def test_notes_and_steps_are_counted_separately() -> None:
    """A note between two calls does not use up a number of theirs."""
    head = step("rpc", "API", step("call", "API"), step("sql", "API"), step("call", "API"), step("log", "API"))
    correlation_addresses.assign([head], {})
    assert [child.address for child in head.children] == ["1-1", "1/1", "1-2", "1/2"]


def test_a_cast_and_its_chapters_refer_to_each_other() -> None:
    """But not to chapters of other boots."""
    sender, first, second, foreign = (step("rpc", "API") for _ in range(4))
    foreign.address = "1"
    head = step("http", "API", sender)
    correlation_addresses.assign([head, first, second], {sender.id: [first, second, foreign]})
    assert sender.opens == ["2", "3"]
    assert (first.opened_by, second.opened_by, foreign.opened_by) == ("1-1", "1-1", "")
