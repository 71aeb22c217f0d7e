"""The critical path: whose own time made a boot as long as it was."""

from __future__ import annotations

from itertools import pairwise

from diagrams.page.critical_path import critical_path
from tests.support.builders import boot, call, cast, failed_boot, served, small_boot, state
from tracer.model import Request, Step


def shares(made: Request) -> list[tuple[str, int]]:
    """Addresses and microseconds, in the order of time."""
    return [(one.step.address, (one.end - one.start) // 1000) for one in critical_path(made)]


def timed(step: Step, start: int, end: int | None) -> Step:
    step.start, step.end = start * 1000, None if end is None else end * 1000
    return step


def test_a_step_counts_where_nothing_runs_inside_it() -> None:
    made = boot(call("API", "nova.a:f", call("API", "nova.a:g")))
    head = timed(made.chapters[0], 0, 100)
    timed(head.children[0], 20, 70)
    assert shares(made) == [("1", 20), ("1-1", 50), ("1", 30)]


def test_of_what_runs_side_by_side_the_last_is_waited_for() -> None:
    made = boot(call("API", "nova.a:f", call("API", "nova.a:g"), call("API", "nova.a:h")))
    head = timed(made.chapters[0], 0, 100)
    timed(head.children[0], 10, 60)
    timed(head.children[1], 20, 90)
    assert shares(made) == [("1", 10), ("1-1", 10), ("1-2", 70), ("1", 10)]


def test_before_a_chapter_its_sender_counts_and_what_runs_after_it_was_ready_does_not() -> None:
    active = state("compute", vm_state=("building", "active"))
    made = boot(
        call("API", "nova.a:f", cast("API", "compute", "go", 2), call("API", "nova.a:late")),
        served("compute", "go", active, call("compute", "nova.a:after")),
    )
    first, second = made.chapters
    timed(timed(first, 0, 500).children[0], 40, 50)
    timed(first.children[1], 60, 490)
    timed(second, 80, 400)
    timed(active, 200, 200)
    timed(second.children[1], 210, 390)
    assert shares(made) == [("1", 40), ("1-1", 10), ("2", 120)]


def test_stretches_follow_each_other_and_never_overlap() -> None:
    for made in (small_boot(), failed_boot()):
        found = critical_path(made)
        assert found
        assert all(one.start < one.end for one in found)
        assert all(one.end <= other.start for one, other in pairwise(found))
        assert sum(one.end - one.start for one in found) <= made.duration


def test_chapters_that_open_each_other_and_boots_without_any() -> None:
    made = boot(call("API", "nova.a:f", cast("API", "API", "go", 2)), served("API", "go", cast("API", "API", "go", 1)))
    made.chapters[0].opened_by = made.chapters[1].children[0].address
    assert critical_path(made)
    assert critical_path(boot()) == []
