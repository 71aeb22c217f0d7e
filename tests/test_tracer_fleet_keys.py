"""The keys of steps: pinned for real boots of three releases, and equal to diff's idea of a step."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.golden import compare
from tests.support.real_boots import DATA, nova34
from tracer import trace_file
from tracer.diff.baseline.normalise import normal
from tracer.fleet import keys
from tracer.model import NormalStep, Request
from tracer.notation.parse import parse

RELEASES = ("29", "32", "34")


def boot_of(release: str) -> Request:
    """Return a real boot of a release."""
    return trace_file.read(DATA / "fleet" / f"nova{release}.trace.jsonl.gz").boots[0] if release != "34" else nova34()


def lines(boot: Request) -> Iterator[str]:
    """Yield a line a key, in the tree's order."""
    for _, key in {key.number: (step, key) for step, key in keys.keyed(boot)}.values():
        yield f"{key.number:019} {'  ' * key.depth}{key.service} {key.kind} {key.name}"


@pytest.mark.parametrize("release", RELEASES)
def test_keys_stay(release: str) -> None:
    """A change here breaks every trend of every store: raise keys.VERSION with it."""
    assert keys.VERSION == 1
    compare(f"tracer/fleet-keys-{release}.txt", "\n".join(lines(boot_of(release))) + "\n")


@pytest.mark.parametrize("release", RELEASES)
def test_keys_are_those_of_the_steps_that_diff_compares(release: str) -> None:
    boot = boot_of(release)
    ours = {key.number for step, key in keys.keyed(boot)}

    def numbers(step: NormalStep, parent: int) -> Iterator[int]:
        number = keys.digest(str(parent), step.service, step.kind, parse(step.text).name)
        yield number
        for child in step.children:
            leaves = step.service == "client" and child.service != "client"
            yield from numbers(child, keys.ROOT if leaves else number)

    theirs = {number for root in normal(boot).nodes for number in numbers(root, keys.ROOT)}
    assert theirs <= ours


def test_most_keys_of_a_release_are_in_the_next() -> None:
    without_logs = {
        release: {key.number for step, key in keys.keyed(boot_of(release)) if step.kind != "log"}
        for release in RELEASES
    }
    for old, new in (("29", "32"), ("32", "34")):
        shared = without_logs[old] & without_logs[new]
        assert len(shared) >= 0.95 * len(without_logs[old])


def test_chapters_follow_their_senders_in_whatever_order_they_are_listed() -> None:
    boot = boot_of("34")
    before = {step.address: key.number for step, key in keys.keyed(boot)}
    boot.chapters.reverse()
    try:
        assert {step.address: key.number for step, key in keys.keyed(boot)} == before
    finally:
        boot.chapters.reverse()
