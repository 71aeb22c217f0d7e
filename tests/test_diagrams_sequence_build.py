"""A boot becomes lanes and well nested items; both ends of a request are one arrow; folding keeps what matters."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagrams import DETAILS
from diagrams.sequence.build import sequence
from diagrams.sequence.fit import fitted
from diagrams.sequence.model import Diagram, Item
from tests.support.builders import boot, call, cast, failed_boot, http, log, rpc, served, small_boot, sql, state, step
from tracer.model import PARTICIPANTS, Request, Step


def drawn(diagram: Diagram) -> list[str]:
    """Return one line per item, without those that only close another."""
    return [
        f"{item.what} {diagram.lanes[item.source]}>{diagram.lanes[item.target]} {item.text} {item.extra}".strip()
        for item in diagram.items
        if item.what not in ("end", "return")
    ]


def well_nested(items: list[Item]) -> bool:
    """Return whether every opening item is closed on the lane that it opened, in order."""
    lanes: list[int] = []
    for item in items:
        if item.what in ("end", "return"):
            if not lanes or lanes.pop() != item.source:
                return False
        elif item.what in ("call", "self", "chapter") and not item.leaf:
            lanes.append(item.target)
    return not lanes


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> Step:
    """Generate a tree of any kinds, with receiving sides in unusual positions."""
    kind = draw(
        st.sampled_from(["http", "rpc", "call", "handoff", "libvirt", "command", "sql", "log", "ask", "state", "wait"])
    )
    service = draw(st.sampled_from(["client", "API", "compute", "conductor", "strange"]))
    side = draw(st.sampled_from(["client", "server", ""]))
    mode = draw(st.sampled_from(["call", "cast", "fanout", "notify", ""]))
    children = draw(st.lists(trees(depth - 1), max_size=3)) if depth and kind not in ("sql", "log") else []
    unfinished, error = draw(st.booleans()), draw(st.sampled_from([None, "E: x"]))
    return step(kind, service, *children, name="n", side=side, mode=mode, unfinished=unfinished, error=error)


def any_boot(heads: list[Step]) -> Request:
    return boot(*(head for head in heads if head.numbered))


@given(st.lists(trees(), max_size=3), st.sampled_from(DETAILS))
def test_items_of_any_tree_are_well_nested(heads: list[Step], detail: str) -> None:
    assert well_nested(sequence(any_boot(heads), detail).items)


@given(st.lists(trees(), max_size=3), st.integers(0, 3))
def test_items_folded_by_depth_are_well_nested(heads: list[Step], depth: int) -> None:
    assert well_nested(sequence(any_boot(heads), "brief", depth).items)


def test_lanes_are_the_used_ones_in_order_with_unknown_ones_last() -> None:
    request = boot(call("zebra", "z:f", rpc("zebra", "conductor", "x", sql("conductor", "SELECT", "t"))))
    assert sequence(request).lanes == ["conductor", "database", "zebra"]
    lanes = sequence(small_boot()).lanes
    assert lanes == [name for name in PARTICIPANTS if name in lanes]


def test_both_ends_of_a_request_are_one_arrow_with_its_answer() -> None:
    request = boot(call("compute", "nova.a:f", rpc("compute", "conductor", "Instance.save", took=5)))
    diagram = sequence(request)
    assert drawn(diagram)[1:] == ["call compute>conductor Instance.save 5.3 ms"]
    assert diagram.items[1].leaf


def test_without_a_receiving_step_the_arrow_points_to_the_peer() -> None:
    get = step("http", "API", side="client", method="GET", path="/v2/images/1", peer="image", status=200)
    assert drawn(sequence(boot(call("API", "nova.a:f", get))))[1].startswith("call API>image GET /v2/images/1 200 ")


def test_a_request_without_a_sender_comes_from_the_client() -> None:
    head = step("http", "API", side="server", method="POST", path="/servers", status=202)
    assert drawn(sequence(boot(head))) == [
        "chapter client>client API: POST /servers",
        "call client>API POST /servers 202 100 µs",
    ]


def test_casts_and_chapters_refer_to_each_other() -> None:
    head = call("API", "nova.a:f", cast("API", "conductor", "go", 2))
    assert drawn(sequence(boot(head, served("conductor", "go")))) == [
        "chapter API>API API: a.f()",
        "cast API>conductor go → 2",
        "chapter conductor>conductor conductor: go ← 1-1",
    ]


def test_notifications_go_to_the_broker() -> None:
    request = boot(call("API", "nova.a:f", cast("API", "", "instance.create.end", 2, mode="notify")))
    assert "broker" in sequence(request).lanes


def test_internal_calls_are_counted_and_drawn_at_full() -> None:
    request = boot(call("API", "nova.a:f", call("API", "nova.a:g", call("API", "nova.a:h"))))
    assert drawn(sequence(request)) == ["chapter API>API API: a.f() +2 calls"]
    assert drawn(sequence(request, "full"))[1:] == ["self API>API g()", "self API>API h()"]


def test_calls_that_send_requests_are_drawn_at_calls_but_not_at_brief() -> None:
    request = boot(call("API", "nova.a:f", call("API", "nova.a:g", http("API", "image", "GET", "/x"))))
    assert [line.split()[0] for line in drawn(sequence(request))] == ["chapter", "self", "call"]
    assert [line.split()[0] for line in drawn(sequence(request, "brief"))] == ["chapter", "call"]


def test_the_outermost_driver_call_is_drawn() -> None:
    inner = call("compute", "nova.virt.libvirt.driver:LibvirtDriver._inner")
    spawn = call("compute", "nova.virt.libvirt.driver:LibvirtDriver.spawn", inner)
    assert drawn(sequence(boot(call("compute", "nova.a:f", spawn))))[1:] == [
        "self compute>compute LibvirtDriver.spawn() 300 µs +1 call"
    ]


def test_sql_between_two_rows_is_one_arrow_and_none_at_brief() -> None:
    statements = [sql("API", "SELECT", table) for table in ("a", "b", "a", "c", "d")]
    request = boot(call("API", "nova.a:f", *statements, http("API", "image", "GET", "/x"), sql("API", "UPDATE", "e")))
    lines = drawn(sequence(request))
    assert [line for line in lines if ">database" in line] == [
        "call API>database 5 SQL a, b, c …",
        "call API>database UPDATE e",
    ]
    assert not any("database" in line for line in drawn(sequence(request, "brief")))


def test_a_failed_statement_is_marked() -> None:
    request = boot(call("API", "nova.a:f", sql("API", "SELECT", "a"), sql("API", "INSERT", "b", error="Duplicate: b")))
    item = sequence(request).items[1]
    assert (item.text, item.extra, item.mood) == ("2 SQL a, b", "! Duplicate: b", "failed")


def test_states_are_drawn_at_every_detail_even_if_their_step_is_hidden() -> None:
    inner = call("API", "nova.a:g", state("API", task_state=(None, "scheduling")))
    for detail in DETAILS:
        assert "state API>API task_state None → scheduling" in drawn(
            sequence(boot(call("API", "nova.a:f", inner)), detail)
        )


def test_equal_neighbours_are_one_item_with_the_sql_of_all() -> None:
    twins = [call("API", "nova.a:g", sql("API", "SELECT", "a"), http("API", "image", "GET", "/x")) for _ in range(3)]
    lines = drawn(sequence(boot(call("API", "nova.a:f", *twins))))
    assert lines[1:3] == ["self API>API g() ×3", "call API>database 3 SQL a"]


def test_two_hypervisors_are_two_lanes() -> None:
    chapters = [served("compute", "build", host=host) for host in ("cmp1", "cmp2")]
    assert sequence(boot(*chapters)).lanes == ["compute cmp1", "compute cmp2"]


def test_failed_and_unfinished_steps_are_drawn_at_every_detail() -> None:
    for detail in DETAILS:
        items = sequence(failed_boot(), detail).items
        assert {"failed", "unfinished"} <= {item.mood for item in items}


def test_an_error_of_the_receiving_side_is_shown_even_if_the_request_succeeded() -> None:
    request = rpc("API", "conductor", "go")
    request.children[0].error = "Boom: x"
    assert "! Boom: x" in sequence(boot(call("API", "nova.a:f", request))).items[1].extra


def test_ask_and_log_lines_are_notes() -> None:
    request = boot(call("API", "nova.a:f", log("API", "logged"), log("API", "asked", kind="ask")))
    assert [line for line in drawn(sequence(request)) if line.startswith("note")] == ["note API>API asked"]
    assert len([line for line in drawn(sequence(request, "full")) if line.startswith("note")]) == 2


class TestFitting:
    @pytest.mark.parametrize("most", [0, 1, 5, 20, 40])
    def test_it_folds_until_it_fits_and_notes_it(self, most: int) -> None:
        diagrams: list[Diagram] = []

        def draw(diagram: Diagram) -> str | None:
            diagrams.append(diagram)
            return diagram.title if len(diagram.items) <= most + 2 else None

        title = fitted(small_boot(), "full", draw)
        assert "fit" in title
        assert well_nested(diagrams[-1].items)

    def test_a_diagram_that_fits_is_unchanged(self) -> None:
        assert fitted(small_boot(), "full", lambda diagram: diagram.title) == sequence(small_boot(), "full").title

    @given(st.lists(trees(), min_size=1, max_size=3), st.integers(0, 30))
    def test_every_intermediate_diagram_is_well_nested(self, heads: list[Step], most: int) -> None:
        def draw(diagram: Diagram) -> str | None:
            assert well_nested(diagram.items)
            return "" if len(diagram.items) <= most + 3 else None

        fitted(any_boot(heads), "full", draw)


def test_a_line_of_another_service_is_drawn_in_its_own_lane_with_its_time() -> None:
    """Also where the line is all that is known of its service."""
    diagram = sequence(boot(served("API", "resize", log("API", "mine"), log("conductor", "Connected"))), "full")
    mine, foreign = [text for text in drawn(diagram) if text.startswith("note")]
    assert mine == "note API>API mine"
    assert re.fullmatch(r"note conductor>conductor \d\d:\d\d:\d\d\.\d{3} Connected", foreign)
