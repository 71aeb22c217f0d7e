"""Seeded changes to a boot against its own spec: those of counts, names, outcomes and order fail, with the steps."""

from __future__ import annotations

import copy
from random import Random

import pytest

from examples.ci.mutations import MUTATIONS
from tests.support.builders import small_boot
from tracer.spec import check, parser, writer

#: Changes that keep every name, number and order of steps: a spec makes no statement about them.
UNCOUNTED = frozenset(
    {
        "argument's name", "asked service", "command's argument", "database", "endpoint", "error", "exit code",
        "hand-off", "LIMIT", "log level", "log text", "microversion", "no WHERE", "object version",
        "one more table", "ORDER", "other chapter", "other column", "other statement", "query", "reorder",
        "request's body", "slow", "stalled", "status", "topic", "unfinished", "unfinished chapter", "version",
    }
)  # fmt: skip
#: Mutations for which the small boot has no step, or whose effect on counts depends on the step.
OTHERS = frozenset({"other verb", "move"})
SEEDS = 10


@pytest.mark.parametrize("name", sorted(MUTATIONS.keys() - UNCOUNTED - OTHERS))
def test_a_counted_change_fails_the_spec(name: str) -> None:
    original = small_boot()
    spec = parser.read(writer.written(writer.of_boots([original], "boot"), "a test"), "boot.spec.yaml")
    assert check.check(spec, original).failures == []
    applied = 0
    for seed in range(SEEDS):
        mutated = copy.deepcopy(original)
        if MUTATIONS[name][0](mutated, Random(f"{name} {seed}")) is not None:
            applied += 1
            assert check.check(spec, mutated).failures
    assert applied == SEEDS


@pytest.mark.parametrize("name", sorted(UNCOUNTED & MUTATIONS.keys()))
def test_other_changes_pass(name: str) -> None:
    """So that a spec fails only for what it states."""
    original = small_boot()
    spec = parser.read(writer.written(writer.of_boots([original], "boot"), "a test"), "boot.spec.yaml")
    for seed in range(SEEDS):
        mutated = copy.deepcopy(original)
        MUTATIONS[name][0](mutated, Random(f"{name} {seed}"))
        assert [str(failure.assertion) for failure in check.check(spec, mutated).failures] == []


def test_all_mutations_are_of_one_sort() -> None:
    assert MUTATIONS.keys() >= UNCOUNTED | OTHERS
