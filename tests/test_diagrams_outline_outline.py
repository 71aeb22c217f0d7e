"""The outline uses the notation of hand-written ones, and folding hides steps without renumbering the others."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from diagrams import DETAILS
from diagrams.outline.outline import outline
from tests.support.builders import boot, call, cast, failed_boot, log, rpc, served, small_boot, sql, state, step

_STEP = re.compile(r"(\d+(?:-\d+)*)(?:…(\d+(?:-\d+)*))?\. (.+)")


def steps(text: str) -> dict[str, str]:
    """Return the texts of steps by their addresses."""
    matches = (_STEP.fullmatch(line) for line in text.splitlines())
    return {match[1]: match[3] for match in matches if match}


def test_every_line_is_a_step_or_a_note() -> None:
    lines = outline(small_boot(), "full").split("\n\nleft out")[0].splitlines()
    heading = [line for line in lines if line.startswith("# ")]
    assert heading == lines[: len(heading)]
    assert all(_STEP.fullmatch(line) or line.startswith("- ") for line in lines[len(heading) :])


@pytest.mark.parametrize("detail", DETAILS)
def test_addresses_hold_at_every_detail(detail: str) -> None:
    everything = {step.address for step in small_boot().walk()}
    shown = steps(outline(small_boot(), detail))
    assert shown.keys() <= everything
    full = steps(outline(small_boot(), "full"))
    for address, text in shown.items():
        # "self" may become the class where the enclosing step is hidden; the function stays.
        assert text.partition(" ×")[0].split("(")[0].rpartition(".")[2].split(" -> ")[-1] in full[address]


def test_details_show_more_and_more() -> None:
    shown = [set(steps(outline(small_boot(), detail))) for detail in DETAILS[1:]]  # a story chooses by weight
    assert all(less < more for less, more in pairwise(shown))


def test_addresses_are_in_the_order_of_the_tree() -> None:
    numbers = [[int(part) for part in address.split("-")] for address in steps(outline(small_boot(), "full"))]
    assert numbers == sorted(numbers)


def test_self_only_inside_a_line_of_the_same_class() -> None:
    inner = call("API", "nova.a:A.inner", state("API", vm_state=(None, "building")))
    request = boot(call("API", "nova.a:A.outer", call("API", "nova.a:A.middle", inner)))
    assert steps(outline(request))["1-1-1"] == "self.inner()"
    # At brief the enclosing step is hidden, so "self" would be ambiguous.
    assert steps(outline(request, "brief")) == {"1": "[API] a.py.A -> outer()", "1-1-1": "a.py.A -> inner()"}


def test_self_is_used_across_a_hand_off() -> None:
    handed = step("handoff", "API", call("API", "nova.a:A.inner"), function="inner", via="spawn")
    assert steps(outline(boot(call("API", "nova.a:A.outer", handed))))["1-1-1"] == "self.inner()"


def test_equal_neighbours_are_one_line_with_their_addresses() -> None:
    twins = [call("API", "nova.a:f", call("API", "nova.b:g")) for _ in range(7)]
    text = outline(boot(call("API", "nova.a:main", *twins, call("API", "nova.a:h"))))
    assert "\n1-1…1-7. f() ×7\n1-1-1. b.py -> g()\n1-8. h()\n" in text
    assert "1-7. f()" in outline(boot(call("API", "nova.a:main", *twins)), "full")


def test_neighbours_that_differ_below_are_not_folded() -> None:
    twin = call("API", "nova.a:f", call("API", "nova.b:g"))
    other = call("API", "nova.a:f", call("API", "nova.b:h"))
    assert " ×" not in outline(boot(call("API", "nova.a:main", twin, other)))


@pytest.mark.parametrize("note", [state("API", vm_state=(None, "x")), log("API", "said", kind="ask")])
def test_neighbours_with_different_notes_are_not_folded(note: object) -> None:
    plain, noted = call("API", "nova.a:f"), call("API", "nova.a:f")
    noted.children.append(note)  # type: ignore[arg-type]
    assert " ×" not in outline(boot(call("API", "nova.a:main", plain, noted)))


def test_casts_of_different_chapters_are_not_folded() -> None:
    head = call("API", "nova.a:f", cast("API", "conductor", "go", 2), cast("API", "conductor", "go", 3))
    text = outline(boot(head, served("conductor", "go"), served("conductor", "go")))
    assert "1-1. rpc.cast() to conductor: go → 2\n1-2. rpc.cast() to conductor: go → 3\n" in text
    assert "2. [conductor] go ← 1-1\n3. [conductor] go ← 1-2\n" in text


def test_hidden_steps_are_counted() -> None:
    inner = rpc("API", "conductor", "Instance.save")
    request = boot(call("API", "nova.a:f", call("API", "nova.a:g", call("API", "nova.a:h"), inner)))
    assert "1. [API] a.py -> f()\n- +2 calls\n1-1-2. rpc.call() to conductor: Instance.save\n" in outline(
        request, "brief"
    )


def test_notes_by_detail() -> None:
    inside = (sql("API", "SELECT", "x"), log("API", "logged"), log("API", "asked", kind="ask"), state("API", a=(1, 2)))
    request = boot(call("API", "nova.a:f", *inside))
    shown = {detail: re.findall("^- (sql|log|ask|instances)", outline(request, detail), re.M) for detail in DETAILS}
    assert shown == {
        "story": ["ask", "instances"],
        "brief": ["instances"],
        "calls": ["ask", "instances"],
        "full": ["sql", "log", "ask", "instances"],
    }


def test_steps_inside_a_note_are_shown() -> None:
    statement = step("sql", "API", log("API", "echo"), call("API", "nova.b:g"), name="SELECT 1")
    text = outline(boot(call("API", "nova.a:f", statement, call("API", "nova.c:h"))), "full")
    assert re.search("- sql: .*\n- log: .*: echo\n.* b.py -> g\\(\\) .*\n1-1. c.py -> h", text)


@pytest.mark.parametrize("detail", DETAILS)
def test_errors_are_shown_at_every_detail(detail: str) -> None:
    text = outline(failed_boot(), detail)
    assert "- ! NoValidHost: No valid host was found.\n" in text
    assert "_bury_in_cell0() … unfinished\n" in text


def test_full_shows_host_durations_and_queries() -> None:
    text = outline(small_boot(), "full")
    assert "[compute cmp1] " in text
    assert "- query: limit=1000&resources=VCPU:1\n" in text
    assert "- waited 200 µs\n" in text
    assert re.search(r"createWithFlags\(\) \(\d+ ms\)\n", text)


def test_the_heading_names_the_boot_and_the_end_lists_unassigned_steps() -> None:
    text = outline(small_boot())
    assert text.startswith("# create vm1: active, ")
    assert text.endswith("\nleft out, as no part of it:\n- compute: heartbeat Service.save (rpc) ×3\n")


def test_an_empty_boot_is_a_heading() -> None:
    assert outline(boot()).startswith("# create: unfinished, ")


def test_a_line_of_another_service_names_it_and_its_time() -> None:
    text = outline(boot(served("API", "resize", log("API", "mine"), log("conductor", "Connected"))), "full")
    mine, foreign = [line for line in text.splitlines() if "log: " in line]
    assert mine == "- log: INFO nova.API: mine"
    assert re.fullmatch(r"- \[conductor \d\d:\d\d:\d\d\.\d{3}\] log: INFO nova\.conductor: Connected", foreign)


def test_rows_that_differ_by_another_services_line_are_not_folded() -> None:
    for services, folded in ((("API", "API"), True), (("API", "conductor"), False)):
        calls = [call("API", "nova.x:f", log(service, "same", kind="ask")) for service in services]
        assert ("×2" in outline(boot(served("API", "resize", *calls)))) == folded
