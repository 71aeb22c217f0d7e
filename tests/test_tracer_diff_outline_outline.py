"""Hand-written outlines: notes, excerpts of the tool's output, mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagrams.outline import outline as drawn
from tests.support.builders import small_boot
from tracer.diff.baseline.normalise import normal
from tracer.diff.baseline.writer import written
from tracer.diff.outline import outline
from tracer.diff.outline.outline import OutlineStep
from tracer.errors import TracerError
from tracer.notation.phrases import Phrase, named_by, phrase, state

DIABLO = """\
# Diablo, from memory
1. compute/api.py -> create()
- check the parameters
1-1. self.db.instance_create()
- insert a row with defaults into instances; this makes the instance id
1-2. self._update_block_device_mapping()
- if: the request has mappings
- write block_device_mapping
1-3. rpc.cast()
- to scheduler: run_instance

2. scheduler/manager.py.SchedulerManager -> run_instance()
- if missing: AttributeError
2-1. rpc.cast()
- to compute: run_instance
2-1-1-1. utils.py.LoopingCall(_wait_for_boot)
- else: iscsiadm -m discovery
3. compute/manager.py.ComputeManager -> run_instance()
- else
"""


def steps(text: str) -> dict[str, OutlineStep]:
    return {step.address: step for step in outline.read(text, "x").walk()}


def refused(text: str) -> str:
    with pytest.raises(TracerError) as caught:
        outline.read(text, "my.outline")
    return str(caught.value)


def test_a_step_has_notes_and_conditions() -> None:
    """Separately, and with its line number."""
    by_address = steps(DIABLO)
    assert by_address["1"].notes == ["check the parameters"]
    assert (by_address["1-2"].conditions, by_address["1-2"].notes) == (
        ["if: the request has mappings"],
        ["write block_device_mapping"],
    )
    assert [by_address[address].conditions for address in ("2", "2-1-1-1", "3")] == [
        ["if missing: AttributeError"], ["else: iscsiadm -m discovery"], ["else"],
    ]  # fmt: skip
    assert by_address["1-3"].line == 9


def test_chapters_are_below_their_casts() -> None:
    """Without links a chapter's last cast opens the next; a step without a written parent is at a higher level."""
    by_address = steps(DIABLO)
    assert [step.address for step in outline.read(DIABLO, "x").steps] == ["1"]
    assert [step.address for step in by_address["1-3"].children] == ["2"]
    assert [step.address for step in by_address["2-1"].children] == ["2-1-1-1", "3"]


def test_links_are_followed() -> None:
    """Either side of a link is enough; an unwritten sender is located by its address."""
    assert [step.address for step in steps("1. x\n1-1. rpc.cast() → 2\n1-2. y\n2. z\n")["1-1"].children] == ["2"]
    assert [step.address for step in steps("1. x\n1-2. y\n2. z ← 1-2-3\n")["1-2"].children] == ["2"]
    assert [step.address for step in steps("1. x\n1-1. rpc.cast() → 2\n2-4. z\n")["1-1"].children] == ["2-4"]
    assert [step.address for step in outline.read("1. x\n1-1. y ← 1\n2. z ← 2\n", "x").steps] == ["1", "2"]


@pytest.mark.parametrize("detail", ["brief", "calls", "full"])
def test_the_output_of_show_is_an_outline(detail: str) -> None:
    """At any detail; the steps left out of the boot are not in it."""
    boot = small_boot()
    by_address = steps(drawn.outline(boot, detail))
    chapters = [step for step in by_address.values() if step.chapter]
    assert [step.address for step in chapters] == ["1", "2", "3", "4"]
    assert not any("left out" in note or "heartbeat" in note for step in by_address.values() for note in step.notes)
    assert all(phrase(step.text).kind != "words" for step in by_address.values())
    filters = by_address["2-1-1-2"] if detail == "calls" else None
    assert filters is None or (filters.text, filters.min_count, filters.max_count) == (
        "scheduler/filters.py.BaseHostFilter -> filter_all()", 7, 7,
    )  # fmt: skip


def test_a_note_of_hidden_calls_is_recognised() -> None:
    assert [step.hides for step in outline.read("1. x\n- +12 calls\n1-1. y\n- 12 calls\n", "x").walk()] == [
        True,
        False,
    ]


def test_a_baseline_without_its_header_is_an_outline() -> None:
    text = written(normal(small_boot())).partition("\n\n")[2]
    assert len(steps(text)) == sum(1 for node in normal(small_boot()).walk() if node.kind not in ("sql", "state"))


def test_the_text_blocks_of_a_markdown_page_are_an_outline() -> None:
    """A block for every chapter."""
    page = "# Sequence\n\n| a | b |\n\n## What it did\nWords.\n```text\n1. x\n```\n```mermaid\nsequenceDiagram\n```\n"
    assert list(steps(page + "\n```text\n2. y\n```\n")) == ["1", "2"]


def test_the_page_in_the_gallery_is_an_outline() -> None:
    page = (Path(__file__).parent.parent / "examples/gallery/boot.md").read_text()
    assert len(steps(page)) > 150


def test_an_arrow_in_a_note_is_text() -> None:
    """Only a step's line ends with marks."""
    assert steps("1. x\n- instances: power_state 0 → 1\n")["1"].notes == ["instances: power_state 0 → 1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "my.outline:1: no outline: no line starts with an address (1-1-2. …)"),
        ("# only\n", "my.outline:1: no outline: no line starts with an address (1-1-2. …)"),
        ("- x\n", "my.outline:1: a note before the first step"),
        ("1. x\nfoo\n", "my.outline:2: neither a step (1-1-2. …) nor a note (- …) nor a remark (# …): foo"),
        ("1. x\n1-1.\n", "my.outline:2: the line is empty after its address"),
        ("1. x\n1-1. y ×2–1\n", "my.outline:2: ×2–1 is not a range of counts; write the smaller first: ×0–2"),
    ],
)
def test_a_mistake_is_refused_in_one_line(text: str, message: str) -> None:
    """With file, line number and the mistake."""
    assert refused(text) == message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("compute/api.py.API -> create()", Phrase("call", "create", "compute/api.py", "API")),
        ("nova/db/__init__.py -> f(a, b) ! Boom", Phrase("call", "f", "db.py")),
        ("utils.py.LoopingCall(_wait_for_boot)", Phrase("call", "__init__", "utils.py", "LoopingCall")),
        ("self._schedule()", Phrase("call", "_schedule", owner="self")),
        ("self.db.instance_get()", Phrase("call", "instance_get", owner="db")),
        ("db.instance_get()", Phrase("call", "instance_get", owner="db")),
        ("virConnect.defineXML()", Phrase("call", "defineXML", owner="virConnect")),
        ("f()", Phrase("call", "f")),
        ("Instance.save by conductor/manager.py.ConductorManager -> object_action()",
         Phrase("call", "object_action", "conductor/manager.py", "ConductorManager", message="Instance.save")),
        ("rpc.call() to conductor: Instance.save 3.0 (Instance 2.8)",
         Phrase("rpc", "Instance.save", mode="call", to="conductor")),
        ("rpc.cast()", Phrase("rpc", "", mode="cast")),
        ("GET /v2/images/155d900f-4e14-4e4c-a73d-069cbf4541e6?limit → image: 200",
         Phrase("http", "GET /v2/images/{id}", to="image", status="200")),
        ("GET /allocations/{uuid}", Phrase("http", "GET /allocations/{id}")),
        ("hand-off to f.<locals>.g by ThreadPoolExecutor", Phrase("handoff", "f.g")),
        ("$ qemu-img info /var/x", Phrase("command", "qemu-img", owner="info {path}")),
        ("sql: SELECT a, b (3 rows) in /x/y.sqlite 197 µs", Phrase("sql", "SELECT a", owner=", b")),
        ("sql: BEGIN 4 µs", Phrase("sql", "BEGIN")),
        ("there is no such method", Phrase("words", "there is no such method")),
    ],
)  # fmt: skip
def test_a_line_is_parsed_into_a_phrase(text: str, expected: Phrase) -> None:
    """The same for lines of a trace and lines written by hand."""
    assert phrase(text) == expected


def test_a_note_may_name_a_message_or_a_state() -> None:
    """The new value of a state change counts."""
    assert phrase("rpc.cast()", named_by(["x", "to compute: run_instance"])) == Phrase(
        "rpc", "run_instance", mode="cast", to="compute"
    )
    assert state("instances: vm_state BUILDING, task_state None → networking, host a") == {
        ("state", "vm_state building"), ("state", "task_state networking"),
    }  # fmt: skip
    assert state("read the instance") == frozenset()
