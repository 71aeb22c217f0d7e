"""Several boots in one picture: the text, the frames, and no step of the sequence missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from diagrams import DETAILS, MERGED, render
from diagrams.sequence import fold_merged
from diagrams.sequence.fit import drawn, fitted, still_open
from diagrams.sequence.fold_merged import fold, marks
from diagrams.sequence.model import Diagram, Item
from diagrams.svg.layout import layout
from diagrams.text import short_address
from diagrams.words import nodes
from tests.support.builders import boot, call, http, rpc, small_boot, sql
from tests.support.examples import examples
from tests.test_diagrams_hostile import everything, poisoned
from tests.test_tracer_diff_merge_merge import alike, api, merged
from tracer.diff.merge.merge import merge
from tracer.model import NUMBERED, Merged, MergedStep, Request, Step


def plain(image: str = "image", *more: Step) -> Request:
    """Return a boot that requests its source from a service and then calls compute."""
    lookup = http("API", image, "GET", f"/v2/{image}s/1")
    build = rpc("API", "compute", "build", sql("compute", "SELECT", "instances"))
    request = boot(http("client", "API", "POST", "/servers", call("API", "nova.api:create", lookup, *more, build)))
    request.operation, request.outcome, request.versions = "boot", "active", {"nova": "34.0.0"}
    return request


SVG = "http://www.w3.org/2000/svg"
THREE = (plain(), plain(), plain("volume", call("API", "nova.api:attach")))


def test_outline() -> None:
    """Addresses show the depth of a step, the indent its fragments; guards show the share and the names of boots."""
    assert render(merged(*THREE), "txt", "full") == (
        "# boot: 3 boots merged, 3 active, Nova 34.0.0\n"
        "# vm1, vm2, vm3\n"
        "# 2 call, 6 http, 2 rpc, 1 sql; not in every boot: 1 call, 4 http\n"
        "1. [client] POST /servers → API: 200 ~1.5 ms\n"
        "1-1. [API] POST /servers: 200 ~1.3 ms\n"
        "1-1-1. api.py -> create() ~1.1 ms\n"
        "alt [2 of 3 boots: vm1, vm2]\n"
        "  1-1-1-1. GET /v2/images/{id} → image: 200\n"
        "  1-1-1-1-1. [image] GET /v2/images/{id}: 200\n"
        "else [1 of 3 boots: vm3]\n"
        "  1-1-1-2. GET /v2/volumes/{id} → volume: 200\n"
        "  1-1-1-2-1. [volume] GET /v2/volumes/{id}: 200\n"
        "  1-1-1-3. api.py -> attach()\n"
        "1-1-1-4. rpc.call() to compute: build\n"
        "1-1-1-4-1. [compute] build\n"
        "- sql: SELECT instances\n"
    )


def test_fragments_in_fragments_and_notes_after_steps() -> None:
    """A note names its step where another step is written between them."""
    queries = [sql("API", "SELECT", "flavors") for _ in range(3)]
    boots = [api("a", queries[0]), api("a", *queries[1:], "b"), api("b"), api("b", "a")]
    assert render(merged(*boots), "txt", "full").splitlines()[3:] == [
        "1. [API] api.py -> main()",
        "par [3 of 4 boots: vm1, vm2, vm4]",
        "  1-1. api.py -> a()",
        "  opt [2 of 4 boots: vm1, vm2]",
        "    1/1. sql: SELECT flavors ×1–2",
        "and [3 of 4 boots: vm2, vm3, vm4]",
        "  1-2. api.py -> b()",
    ]


def test_guards_name_up_to_three_boots() -> None:
    """Guards list up to three boots by name, or all but up to two; otherwise they count them."""
    boots = [api("a", *("b" * (number < few))) for few in (1, 3, 4, 5, 6) for number in range(7)]
    guards = [
        line.strip()
        for start in range(0, 35, 7)
        for line in render(merged(*boots[start : start + 7]), "txt").splitlines()
        if line.startswith("opt")
    ]
    assert guards == [
        "opt [1 of 7 boots: vm1]",
        "opt [3 of 7 boots: vm1, vm2, vm3]",
        "opt [4 of 7 boots]",
        "opt [5 of 7 boots: all but vm6, vm7]",
        "opt [6 of 7 boots: all but vm7]",
    ]


def test_guards_show_the_condition() -> None:
    """A condition reads like those in hand-written notes: the image has mappings."""
    tree = merged(api("a", "b"), api("a"), api("a"))
    tree.conditions = {frozenset({0}): "image has mappings", frozenset({1}): "request has key_name"}
    assert "opt [1 of 3 boots: vm1, image has mappings]\n  1-2. api.py -> b()\n" in render(tree, "txt")


def test_failure_of_some() -> None:
    """The error is shown at the step, with the boots unless all of them failed."""
    broken = [api(call("API", "nova.api:a", error="Fault: it broke")) for _ in range(2)]
    assert "- ! Fault [2 of 3 boots: vm1, vm2]" in render(merged(*broken, api("a")), "txt")
    assert "- ! Fault\n" in render(merged(*broken), "txt")
    assert any("! Fault [2 of 3" in item.extra for item in drawn(merged(*broken, api("a")), "calls").items)


def test_items() -> None:
    """Frames surround their steps; both ends of a request are one arrow."""
    assert [(item.what, item.text, item.extra) for item in drawn(merged(*THREE), "calls").items] == [
        ("chapter", "client: POST /servers: 200", ""),
        ("call", "POST /servers: 200", ""),
        ("self", "api.create()", ""),
        ("frame", "alt", "2 of 3 boots: vm1, vm2"),
        ("call", "GET /v2/images/{id}: 200", ""),
        ("branch", "else", "1 of 3 boots: vm3"),
        ("call", "GET /v2/volumes/{id}: 200", ""),
        ("self", "api.attach()", ""),
        ("close", "", ""),
        ("call", "build", ""),
        ("call", "SELECT instances", ""),
        ("return", "", ""),
        ("end", "", ""),
        ("return", "~1.5 ms", ""),
        ("end", "", ""),
    ]


def test_mermaid_and_plantuml_have_blocks_of_their_own() -> None:
    """The guard is written without brackets, because both formats add them."""
    mermaid, plantuml = (render(merged(*THREE), suffix, "calls").splitlines() for suffix in ("mmd", "puml"))
    assert "alt 2 of 3 boots: vm1, vm2" in mermaid
    assert "else 1 of 3 boots: vm3" in mermaid
    assert mermaid.count("end") == 1
    assert "alt 2 of 3 boots: vm1, vm2" in plantuml
    assert "else 1 of 3 boots: vm3" in plantuml
    assert plantuml.count("end") == 1


def test_frames_surround_their_steps_and_nest() -> None:
    """In the SVG no frame leaves the picture, and the tag names the operator."""
    boots = [api("a", "x"), api("a", "x", "y"), api("b"), api("b", "b")]
    placed = layout(drawn(merged(*boots), "calls"))
    (page,) = placed.pages
    boxes = sorted(page.frames, key=lambda box: box.top)
    assert [box.operator for box in boxes] == ["alt", "opt"]
    outer, inner = boxes
    assert outer.extent.left < inner.extent.left < inner.extent.right < outer.extent.right < placed.width
    assert outer.top < inner.top < inner.bottom < outer.bottom < page.height
    ((branch, guard),) = outer.branches
    assert inner.bottom < branch < outer.bottom
    assert guard == "else [2 of 4 boots: vm3, vm4]"
    root = ElementTree.fromstring(render(merged(*boots), "svg"))
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"alt", "opt", "[2 of 4 boots: vm1, vm2]", "[1 of 4 boots: vm2]"} <= set(texts)


def test_frames_continue_across_pages() -> None:
    """A page that ends inside a frame closes it, and the next page continues it."""
    many = [f"f{number}" for number in range(2000)]
    pages = layout(drawn(merged(api("a", *many), api("a")), "full")).pages
    assert len(pages) > 1
    boxes = [page.frames for page in pages]
    assert all(len(frames) == 1 for frames in boxes)
    assert len({id(box.extent) for frames in boxes for box in frames}) == 1
    assert all(box.top < box.bottom <= page.height for page in pages for box in page.frames)


def test_document() -> None:
    """The document lists the boots and their differences, then shows the tree and the sequence."""
    text = render(merged(*THREE), "md")
    assert "| `vm3` | `active` |\n" in text
    assert "| alt | `1 of 3 boots: vm3` | `1-1-1-2. GET /v2/volumes/{id} → volume: 200` | 3 |\n" in text
    assert "\nalt [2 of 3 boots: vm1, vm2]\n  1-1-1-1. GET " in text
    assert "```mermaid\nsequenceDiagram\n" in text
    assert "Nowhere: all of them do the same." in render(merged(plain(), plain()), "md")


@settings(max_examples=examples(60), deadline=None)
@given(alike())
def test_nothing_is_lost(boots: list[Request]) -> None:
    """At every detail each step is drawn, or counted where it is hidden; every difference of the boots is drawn."""
    check_drawn(merge(boots, [f"vm{number}" for number in range(len(boots))]))


def test_nothing_of_a_boot_is_lost() -> None:
    """Nothing is lost of boots with every kind of step."""
    check_drawn(merged(small_boot(), plain(), small_boot(), plain("volume")))


def check_drawn(tree: Merged) -> None:
    """Assert that at each detail the drawing accounts for every step, item and frame."""
    for detail in DETAILS:
        outline = render(tree, "txt", detail)
        shown = re.findall(r"^ *(\d[-\d]*)\. ", outline, re.M)
        _check_steps(tree, set(shown), outline)
        assert len(shown) == len(set(shown))
        diagram = drawn(tree, detail)
        _check_items(tree, diagram)
        _check_frames(outline, diagram, tree, detail)
        if detail not in ("story", "brief"):
            rows = [mark.row for mark in marks(fold(tree, detail, picture=True)) if mark.what == "step" and mark.row]
            queries = [row for row in rows if row.step.kind == "sql"]
            assert {id(row.step) for row in queries} == {id(step) for step in tree.walk() if step.kind == "sql"}
            assert sum(map(_most, diagram.items)) == sum(row.high for row in queries)


def _check_steps(tree: Merged, shown: set[str], text: str) -> None:
    numbered = {step.address for step in tree.walk() if step.kind in NUMBERED}
    hidden = sum(int(count) for count in re.findall(r"^ *- \+(\d+) calls?$", text, re.M))
    assert shown <= numbered
    assert len(shown) + hidden == len(numbered)


def _check_items(tree: Merged, diagram: Diagram) -> None:
    # A picture has little room, so it shows the end of a long address.
    steps = {short_address(step.address): step for step in tree.walk() if step.kind in NUMBERED}
    shown = {item.address for item in diagram.items} & steps.keys()
    hidden = sum(int(count) for item in diagram.items for count in re.findall(r"\+(\d+) calls?", item.extra))
    around = {short_address(child.address): parent for parent in steps.values() for child in _directly(parent)}
    far = [
        address for address in (steps.keys() - shown) & around.keys()
        if short_address(around[address].address) in shown and nodes.goes_out(around[address])
        and steps[address].kind == around[address].kind
    ]  # fmt: skip
    assert len(shown) + hidden + len(far) == len(steps)
    assert still_open(diagram.items) == []
    assert {item.address for item in diagram.items} <= {"", *(short_address(step.address) for step in tree.walk())}


def _directly(step: MergedStep) -> Iterator[MergedStep]:
    return (
        child for child in Merged("", step.children, [], []).walk() if child.address.rpartition("-")[0] == step.address
    )


def _check_frames(outline: str, diagram: Diagram, tree: Merged, detail: str) -> None:
    frames = [mark for mark in marks(fold(tree, detail)) if mark.what == "frame"]
    assert len(re.findall(r"^ *(?:opt|alt|loop|par)\b", outline, re.M)) == len(frames)
    opened = sum(item.what == "frame" for item in diagram.items)
    assert opened == sum(item.what == "close" for item in diagram.items)
    assert opened == sum(len(page.frames) for page in layout(diagram).pages)


def _most(item: Item) -> int:
    if item.kind != "sql":
        return 0
    match = re.match(r"(?:\d+–)?(\d+) SQL\b", item.text)
    return int(match[1]) if match else 1


@pytest.mark.parametrize("most", [5, 40])
def test_a_picture_that_does_not_fit_is_folded_with_a_notice(most: int) -> None:
    """Frames and bars are closed where the picture ends."""
    tree = merged(small_boot(), plain(), api("a", "b", "b"))

    def draw(diagram: Diagram) -> str | None:
        assert still_open(diagram.items) == []
        return diagram.title if len(diagram.items) <= most else None

    assert fitted(tree, "full", draw).endswith("to fit)")


@pytest.mark.parametrize("suffix", MERGED)
def test_hostile_names(suffix: str) -> None:
    """Hostile text in every field and name of the boots stays printable and adds no line."""
    tree = merge([poisoned(everything), small_boot(), poisoned("x")], [everything, everything, "x"])
    text = render(tree, suffix, "full")
    assert all(line.isprintable() for line in text.split("\n"))
    if suffix == "svg":
        tags = {tag.tag.partition("}")[2] for tag in ElementTree.fromstring(text).iter()}
        assert tags <= {"svg", "title", "rect", "text", "tspan", "g", "path"}
    if suffix == "mmd":
        assert len(text.splitlines()) == sum(1 for _ in _statements(tree))


def _statements(tree: Merged) -> Iterator[str]:
    """Yield an item for each line of a harmless boot of the same shape."""
    diagram = drawn(tree, "full")
    yield from ("sequenceDiagram", "title", *diagram.lanes)
    for item in diagram.items:
        yield from ("note", "activate") if item.what == "chapter" else ("line",)


def test_deep_trees_need_no_recursion() -> None:
    """A tree is as deep as the recursion in the recorded process."""
    deep = call("API", "nova.api:a")
    for _ in range(2000):
        deep = call("API", "nova.api:a", deep)
    tree = merge([boot(deep), boot(call("API", "nova.api:a"))], ["1", "2"])
    for suffix in MERGED:
        assert render(tree, suffix, "full")
    assert fold_merged.deepest(tree) == 2000


def test_loops_of_one_row_need_no_frame() -> None:
    """A leaf shows its own count; a step with children gets a frame."""
    leaf, whole = merged(api("a", "a"), api("a")), merged(api(*_parents(2)), api(*_parents(1)))
    assert [mark.operator for mark in marks(fold(leaf, "calls")) if mark.what == "frame"] == []
    assert "1-1. api.py -> a() ×1–2\n" in render(leaf, "txt")
    assert [mark.operator for mark in marks(fold(whole, "calls")) if mark.what == "frame"] == ["loop"]
    assert "loop [1–2 times]\n  1-1. api.py -> a()\n  1-1-1. api.py -> b()\n" in render(whole, "txt")


def test_a_repeated_block_is_a_loop_in_every_form() -> None:
    """With the range of its counts over the boots, and each of its steps once."""
    tree = merged(api(*"abcabcabc"), api(*"abc"))
    assert "loop [1–3 times]\n  1-1. api.py -> a()\n  1-2. api.py -> b()\n  1-3. api.py -> c()\n" in render(tree, "txt")
    assert [mark.operator for mark in marks(fold(tree, "calls")) if mark.what == "frame"] == ["loop"]
    for suffix in ("mmd", "puml"):
        lines = [line.strip() for line in render(tree, suffix, "full").splitlines()]
        assert "loop 1–3 times" in lines
        assert sum("api.b" in line or "b()" in line for line in lines) == 1
    texts = [text.text for text in ElementTree.fromstring(render(tree, "svg", "full")).iter(f"{{{SVG}}}text")]
    assert {"loop", "[1–3 times]"} <= set(texts)
    assert "loop [1–3 times]" in render(tree, "md", "full")


def _parents(count: int) -> list[Step]:
    return [call("API", "nova.api:a", call("API", "nova.api:b")) for _ in range(count)]


def test_fences_hold() -> None:
    """A name cannot close the block around the diagram."""
    text = render(merge([small_boot(), small_boot()], ["```", "b"]), "md", "full")
    assert len(re.findall(r"^```", text, re.M)) == 4


def test_a_frame_around_a_chapter_begins_at_the_chapters_lane() -> None:
    """The frame does not begin at the first lane of the diagram."""
    whole, cut = small_boot(), small_boot()
    cut.chapters = cut.chapters[:3]
    diagram = drawn(merged(whole, cut), "brief")
    (frame,) = (item for item in diagram.items if item.what == "frame" and item.extra == "1 of 2 boots: vm1")
    assert diagram.lanes[frame.source] == "scheduler"
