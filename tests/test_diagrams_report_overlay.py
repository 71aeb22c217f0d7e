"""Two boots in one picture: marked steps, folded steps, lanes; marks and table link to each other."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from diagrams import report
from diagrams.report import overlay_sequence, overlay_svg
from diagrams.report.overlay import rows
from diagrams.report.overlay_sequence import Line, overlay
from diagrams.words.nodes import label
from tests.support import comparisons
from tests.support.comparisons import added, both, change, comparison, removed
from tests.test_diagrams_report_hostile import parsed
from tracer.model import Comparison, NormalStep, Pair


def lines(*pairs: Pair) -> list[Line]:
    return overlay(comparison(*pairs)).lines


def drawn(*pairs: Pair) -> list[tuple[str, str, str, str]]:
    return [(line.what, f"{line.source}>{line.target}", line.look, line.text) for line in lines(*pairs)]


def call(name: str, *inside: Pair, service: str = "API", slower: bool = False) -> Pair:
    changes = (change("slower", "1 ms → 2 ms"),) if slower else ()
    return both("call", service, f"nova/{name}.py -> f()", *inside, changes=changes)


class TestFolding:
    def test_steps_without_changes_are_counted(self) -> None:
        shown = drawn(call("a", call("b"), call("c", call("d")), call("e", slower=True), call("f")))
        assert [text for *_, text in shown] == ["a.f()", "… 3 unchanged steps", "e.f()", "… 1 unchanged step"]

    def test_an_ignored_change_is_folded_and_counted(self) -> None:
        quiet = both("call", "API", "nova/q.py -> f()", changes=(change("slower", "x", "ignore"),))
        assert "… 2 steps, 1 change not marked" in [
            text for *_, text in drawn(call("a", slower=True), quiet, call("b"))
        ]

    def test_a_fold_is_placed_at_its_outermost_step(self) -> None:
        shown = lines(call("a", call("b", call("c", slower=True), call("d")), call("e"), service="conductor"))
        assert [(line.text, line.source) for line in shown][-1] == ("… 2 unchanged steps", "conductor")
        assert shown[0].inside == len(shown) - 1

    def test_a_small_added_subtree_is_shown_whole(self) -> None:
        inside = [added("call", "API", f"nova/n{n}.py -> f()", changes=()) for n in range(3)]
        assert [look for _, _, look, _ in drawn(added("call", "API", "nova/n.py -> f()", *inside))] == ["added"] * 4

    def test_of_a_large_subtree_only_requests_to_other_services_are_shown(self) -> None:
        inside = [removed("call", "API", f"nova/n{n}.py -> f()", changes=()) for n in range(20)]
        asks = removed("http", "API", "GET /v2/images → image: 200", changes=())
        shown = drawn(removed("call", "API", "nova/n.py -> f()", *inside, asks))
        assert [text for *_, text in shown] == ["n.f()", "… 20 more removed steps", "GET /v2/images: 200"]

    def test_an_added_run_is_marked_whole(self) -> None:
        marked, other = added("call", "API", "nova/n.py -> f()"), added("call", "API", "nova/n.py -> f()", changes=())
        assert [line.look for line in lines(call("a", marked, other))] == ["same", "added", "added"]

    def test_changes_replaced_by_a_policy_are_still_marked(self) -> None:
        compared = comparison(call("a", slower=True))
        compared.changes = [change("slower", "1 ms → 2 ms", service="API", old="1", new="1")]
        assert rows(compared, ["fail"])[0].changes == [0]


class TestLanes:
    def test_a_request_is_drawn_to_its_receivers_lane(self) -> None:
        far = both("rpc", "conductor", "Instance.save by conductor/manager.py.M -> object_action()")
        sent = both("rpc", "compute", "rpc.call() to elsewhere: Instance.save 3.0", far, changes=(change("mode", "m"),))
        assert drawn(sent) == [("call", "compute>conductor", "changed", "Instance.save 3.0")]

    @pytest.mark.parametrize(
        ("kind", "text", "expected"),
        [
            ("rpc", "rpc.cast() to compute: build 6.4", ("cast", "API>compute", "build 6.4 (cast)")),
            ("http", "GET /v2/images/{id} → image: 200", ("call", "API>image", "GET /v2/images/{id}: 200")),
            ("http", "POST /v2.1/servers: 202", ("call", "client>API", "POST /v2.1/servers: 202")),
            ("libvirt", "virDomain.create()", ("call", "API>libvirt", "virDomain.create()")),
            ("sql", "sql: SELECT a, b in nova #12ab", ("call", "API>database", "SELECT a, b in nova")),
            ("state", "instances: vm_state active", ("note", "API>API", "instances: vm_state active")),
            ("command", "$ qemu-img info {path}", ("self", "API>API", "$ qemu-img info {path}")),
        ],
    )
    def test_each_kind(self, kind: str, text: str, expected: tuple[str, str, str]) -> None:
        [(what, lanes, look, shown)] = drawn(added(kind, "API", text))
        assert (what, lanes, shown) == expected
        assert look == "added"

    def test_a_lane_of_one_side_is_marked(self) -> None:
        picture = overlay(comparison(added("call", "volume", "f()"), removed("call", "network", "g()"), call("a")))
        assert picture.lanes == {"API": "same", "network": "removed", "volume": "added"}

    def test_services_without_marks_are_named(self) -> None:
        assert overlay(comparison(call("a", call("b", service="image"), slower=True))).idle == ["image"]

    def test_labels_are_short(self) -> None:
        assert label("virt/libvirt/driver.py.LibvirtDriver -> spawn() ! Error") == "LibvirtDriver.spawn() ! Error"
        assert label("compute/utils.py -> notify()") == "utils.notify()"


class TestLimits:
    def test_a_large_picture_marks_only_the_worst(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(overlay_sequence, "MOST", 6)
        noted = [both("call", "API", f"n{n}()", changes=(change("slower", "x", "note"),)) for n in range(9)]
        picture = overlay(comparison(*noted, call("a", slower=True)))
        assert [line.text for line in picture.lines] == ["… 9 steps, 9 changes not marked", "a.f()"]
        assert picture.missing == "only changes that fail or warn are marked here"

    def test_a_picture_still_too_large_is_cut(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(overlay_sequence, "MOST", 6)
        compared = comparison(*(added("call", "API", f"n{n}()") for n in range(9)))
        assert len(overlay(compared).lines) == 6
        assert "the first 6 of 9 rows; the table has all changes" in report(compared, "html")


class TestPage:
    def test_marks_and_table_link_to_each_other(self) -> None:
        page = parsed(report(comparisons.small(), "html"))
        ids, targets = page.attributes["id"], page.attributes["href"]
        assert {target.removeprefix("#") for target in targets} <= ids
        assert {f"c{number}" for number in range(len(comparisons.small().changes))} <= ids
        marks = {name for name in ids if name.startswith("m")}
        assert {f"#{name}" for name in marks} <= targets
        # All but the ignored change and the one without a step.
        assert len(marks) == len(comparisons.small().changes) - 2

    def test_its_picture_needs_no_style_sheet(self) -> None:
        picture = overlay(comparisons.small())
        for text in (overlay_svg.heads(picture), overlay_svg.body(picture, comparisons.small().changes)):
            root = ElementTree.fromstring(text)
            assert "style" not in {name for element in root.iter() for name in element.attrib}
            assert "var(" not in text
            assert root[1].get("fill") == "#fff"

    def test_everything_is_inside_the_picture(self) -> None:
        picture = overlay(comparisons.small())
        root = ElementTree.fromstring(overlay_svg.body(picture, comparisons.small().changes))
        width, height = int(root.attrib["width"]), int(root.attrib["height"])
        for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
            assert 0 <= float(rect.get("x", "0")) + float(rect.attrib["width"]) <= width
            assert 0 <= float(rect.get("y", "0")) + float(rect.attrib["height"]) <= height
        for text in root.iter("{http://www.w3.org/2000/svg}text"):
            assert 0 <= float(text.attrib["x"]) < width

    def test_without_marks_there_is_no_picture(self) -> None:
        assert "<svg" not in report(comparison(call("a")), "html")


def test_a_pair_without_steps_has_no_row() -> None:
    compared = Comparison(
        comparison().old, comparison().new, [Pair(None, None, [], [Pair(NormalStep("call", "a", "b"), None)])], []
    )
    assert [row.parent for row in rows(compared, ["fail"])] == [-1]


def test_ten_thousand_steps_stay_small() -> None:
    steps = [call(f"s{n}", slower=n % 10 == 0) for n in range(10_000)]
    text = report(comparison(*steps), "html")
    assert len(re.findall('id="m', text)) == 1000
    assert len(text) < 1_500_000
