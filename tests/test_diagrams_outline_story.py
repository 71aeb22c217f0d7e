"""The story of a boot: what an engineer would write down, in a bounded number of lines; the rest is counted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from diagrams.outline.story import outline
from diagrams.sequence.build import sequence
from tests.support import real_boots
from tests.support.builders import boot, call, cast, failed_boot, http, log, rpc, served, small_boot, state, step
from tracer.model import NUMBERED, Request, Step

_LINE = re.compile(r"(\d+(?:-\d+)*)(?:…(\d+(?:-\d+)*))?\. .*?(?: ×(\d+))?(?: \([\d.]+ \S+\))?(?: \+(\d+) calls?)?")


def rows(text: str) -> list[str]:
    """Return the lines of a story without its heading and footer."""
    return [line for line in text.splitlines() if not line.startswith("# ")]


def numbered(request: Request) -> list[Step]:
    """Return the steps of a boot that a story shows or counts."""
    return [step for step in request.walk() if step.kind in NUMBERED]


def crowd(count: int) -> Request:
    """A boot with many requests, all different."""
    calls = [http("API", "image", "POST", f"/v2/images/{number}", took=number + 1) for number in range(count)]
    return boot(call("API", "nova.a:f", *calls), outcome="active")


BOOTS = [small_boot, failed_boot, real_boots.nova34]


@pytest.mark.parametrize("request_of", BOOTS)
def test_shown_and_counted_steps_add_up(request_of: Callable[[], Request]) -> None:
    request = request_of()
    addresses = {step.address: step for step in numbered(request)}
    total = 0
    for line in rows(outline(request, 10_000)):
        if match := _LINE.fullmatch(line):
            shown = addresses[match[1]]
            assert match[3] is None  # these boots repeat nothing in a way that would hide a count here
            total += 1 + int(match[4] or 0)
            total += any(child.is_server and child.kind == shown.kind for child in shown.children if shown.is_client)
    assert total == len(addresses)


@pytest.mark.parametrize("lines", [10, 30, 80])
@pytest.mark.parametrize("request_of", [*BOOTS, lambda: crowd(3000)])
def test_a_story_has_at_most_so_many_lines(request_of: Callable[[], Request], lines: int) -> None:
    assert len(outline(request_of(), lines).splitlines()) <= lines


def test_a_story_fills_its_lines_with_the_longest() -> None:
    text = outline(crowd(200), 20)
    assert len(text.splitlines()) == 20
    assert "POST /v2/images/199 " in text
    assert "POST /v2/images/100 " not in text


def test_more_chapters_than_lines_are_cut_and_counted() -> None:
    request = boot(*(call("API", f"nova.a:f{number}") for number in range(500)), outcome="active")
    assert rows(outline(request, 12))[-1] == "- … 491 further lines"


def test_a_request_is_one_line_with_both_its_ends() -> None:
    text = outline(small_boot())
    assert "rpc.call() to scheduler: select_destinations" in text
    assert "SchedulerManager -> select_destinations()" not in text
    assert text.count("/allocation_candidates") == 1


def test_states_are_shown_in_their_order() -> None:
    states = re.findall(r"^- instances: (.*)$", outline(small_boot()), re.M)
    assert states[0].startswith("vm_state building")
    assert "vm_state building → active" in states[-1]


def chatter() -> Iterator[Step]:
    """Yield requests and messages that a story only counts."""
    yield http("API", "identity", "POST", "/v3/auth/tokens")
    yield http("API", "identity", "GET", "/v3/auth/tokens")
    yield http("API", "volume", "GET", "/v3")
    yield http("API", "image", "GET", "/v2/schemas/image")
    yield http("API", "placement", "GET", "/")
    yield cast("API", "broker", "instance.create.start", 0, mode="notify")


def test_tokens_versions_schemas_and_notifications_are_counted() -> None:
    noise = list(chatter())
    for top in noise:
        top.opens = []
    request = boot(call("API", "nova.a:f", *noise, http("API", "network", "POST", "/v2.0/ports")), outcome="active")
    lines = rows(outline(request))
    assert len(lines) == 2
    hidden = sum(1 for top in noise for _ in top.walk())
    assert lines[0].endswith(f"+{hidden} calls")
    assert "POST /v2.0/ports" in lines[1]


def test_repeated_groups_are_shown_once_with_their_range() -> None:
    round_ = [http("client", "API", "GET", "/servers/1"), http("client", "API", "GET", "/os-actions/1")]
    rounds = [http(look.service, "API", "GET", look.text("path")) for _ in range(3) for look in round_]
    text = outline(boot(call("client", "nova.a:f", *rounds), outcome="active"))
    assert "1-1…1-5. GET /servers/1 → API: 200 ×3" in text
    assert "1-2…1-6. GET /os-actions/1 → API: 200 ×3" in text


class TestErrors:
    """An error that something handled is marked so; one that ended the boot is shown at both ends of its way."""

    def test_handled_in_a_boot_that_ended_well(self) -> None:
        look = call("placement", "placement.a:get", error="ConsumerNotFound: no")
        request = boot(
            call("API", "nova.a:f", http("API", "placement", "PUT", "/allocations/1", look)), outcome="active"
        )
        assert "- handled: ConsumerNotFound: no" in outline(request)
        assert "- ! " not in outline(request)

    def test_one_that_ended_the_boot(self) -> None:
        wait = call("compute", "nova.c:wait", error="Timeout: port")
        spawn = call("compute", "nova.c:spawn", wait, error="VifFailed: port")
        build = call("compute", "nova.c:build", spawn, error="BuildAbort: gave up")
        clean = call("compute", "nova.c:clean", call("compute", "nova.c:find", error="NotFound: domain"))
        head = served("compute", "build", call("compute", "nova.c:locked", build, clean))
        text = outline(boot(head, outcome="error: BuildAbort: gave up"))
        assert "- ! BuildAbort: gave up" in text
        assert "- ! Timeout: port" in text
        assert "- handled: NotFound: domain" in text

    def test_unknown_in_a_boot_that_failed_of_something_else(self) -> None:
        """Nothing proves that the service recovered from it."""
        inner = call("compute", "nova.c:spawn", error="Failed: x")
        text = outline(boot(call("compute", "nova.c:build", inner), outcome="error: other"))
        assert "- ! Failed: x" in text
        assert "handled" not in text


def test_the_request_for_a_host_is_shown_before_longer_ones() -> None:
    """A message whose method is its name has no method of its own in what hooks record."""
    select = rpc("conductor", "scheduler", "select_destinations")
    select.name = str(select.attributes.pop("method"))
    looks = [http("conductor", "image", "GET", f"/v2/images/{number}", took=900) for number in range(50)]
    text = outline(boot(call("conductor", "nova.a:f", *looks, select), outcome="active"), 10)
    assert "select_destinations" in text


def test_the_scheduler_s_choice_is_shown() -> None:
    chosen = log("scheduler", "Selected host: cmp1", "DEBUG")
    request = boot(call("conductor", "nova.a:f", rpc("conductor", "scheduler", "select_destinations", chosen)))
    assert "Selected host: cmp1" in outline(request)


def test_a_cast_shows_the_time_of_the_work_that_it_started() -> None:
    request = boot(
        call("API", "nova.a:f", cast("API", "conductor", "go", 2), took=1),
        served("conductor", "go", call("conductor", "nova.b:work", took=400)),
        outcome="active",
    )
    took = re.search(r"1-1\. rpc\.cast\(\) to conductor: go → 2 \((\d+) ms\)", outline(request))
    assert took is not None
    assert int(took[1]) >= 400


def test_a_thread_that_goes_on_is_no_unfinished_boot() -> None:
    thread = step("handoff", "API", function="run", via="threading.Thread")
    thread.end = None
    text = outline(boot(call("API", "nova.a:f", thread), outcome="active"))
    assert "unfinished" not in text


def test_a_picture_of_a_long_boot_has_few_messages() -> None:
    diagram = sequence(crowd(3000), "story")
    assert sum(item.what in ("call", "cast") for item in diagram.items) <= 80


def test_the_states_of_a_save_are_part_of_its_message() -> None:
    saved = rpc(
        "compute", "conductor", "Instance.save", endpoint="nova.conductor.manager:ConductorManager.object_action"
    )
    saved.children.insert(0, state("compute", task_state=(None, "spawning")))
    items = sequence(boot(served("compute", "build", saved), outcome="active"), "story").items
    assert [item.what for item in items if item.what in ("call", "self", "state")] == ["call", "state"]
