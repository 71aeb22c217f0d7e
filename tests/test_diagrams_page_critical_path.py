"""The critical path: the steps whose own time adds up to the duration of a boot."""

from __future__ import annotations

from itertools import pairwise

from diagrams.page.critical_path import critical_path
from tests.support.builders import boot, call, cast, failed_boot, served, small_boot, state
from tracer.model import Request, Step


def shares(request: Request) -> list[tuple[str, int]]:
    """Return addresses and microseconds, in the order of time."""
    return [(stretch.step.address, (stretch.end - stretch.start) // 1000) for stretch in critical_path(request)]


def timed(step: Step, start: int, end: int | None) -> Step:
    step.start, step.end = start * 1000, None if end is None else end * 1000
    return step


def test_a_step_counts_while_no_child_runs() -> None:
    request = boot(call("API", "nova.a:f", call("API", "nova.a:g")))
    head = timed(request.chapters[0], 0, 100)
    timed(head.children[0], 20, 70)
    assert shares(request) == [("1", 20), ("1-1", 50), ("1", 30)]


def test_of_overlapping_steps_the_last_to_end_counts() -> None:
    request = boot(call("API", "nova.a:f", call("API", "nova.a:g"), call("API", "nova.a:h")))
    head = timed(request.chapters[0], 0, 100)
    timed(head.children[0], 10, 60)
    timed(head.children[1], 20, 90)
    assert shares(request) == [("1", 10), ("1-1", 10), ("1-2", 70), ("1", 10)]


def test_the_sender_counts_before_its_chapter_and_nothing_after_the_server_is_active() -> None:
    active = state("compute", vm_state=("building", "active"))
    request = boot(
        call("API", "nova.a:f", cast("API", "compute", "go", 2), call("API", "nova.a:late")),
        served("compute", "go", active, call("compute", "nova.a:after")),
    )
    first, second = request.chapters
    timed(timed(first, 0, 500).children[0], 40, 50)
    timed(first.children[1], 60, 490)
    timed(second, 80, 400)
    timed(active, 200, 200)
    timed(second.children[1], 210, 390)
    assert shares(request) == [("1", 40), ("1-1", 10), ("2", 120)]


def test_stretches_are_in_order_and_never_overlap() -> None:
    for request in (small_boot(), failed_boot()):
        stretches = critical_path(request)
        assert stretches
        assert all(stretch.start < stretch.end for stretch in stretches)
        assert all(stretch.end <= later.start for stretch, later in pairwise(stretches))
        assert sum(stretch.end - stretch.start for stretch in stretches) <= request.duration


def test_chapters_that_open_each_other_and_boots_without_any() -> None:
    request = boot(
        call("API", "nova.a:f", cast("API", "API", "go", 2)), served("API", "go", cast("API", "API", "go", 1))
    )
    request.chapters[0].opened_by = request.chapters[1].children[0].address
    assert critical_path(request)
    assert critical_path(boot()) == []
