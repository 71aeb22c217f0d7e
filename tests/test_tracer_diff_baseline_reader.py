"""Baselines edited by hand: accepted variants, and mistakes refused in one line."""

from __future__ import annotations

import pytest

from tests.support.builders import small_boot
from tracer.diff.baseline.normalise import normal
from tracer.diff.baseline.reader import read
from tracer.diff.baseline.writer import written
from tracer.errors import TracerError
from tracer.model import NOTES, NUMBERED, NormalStep
from tracer.notation.lines import is_baseline

HEAD = "# bootseq baseline 2\n"
CREATE = "compute/api.py.API -> create()"


def nodes(text: str) -> list[NormalStep]:
    return list(read(HEAD + text, "34.baseline").walk())


def refused(text: str) -> str:
    with pytest.raises(TracerError) as caught:
        read(text, "34.baseline")
    return str(caught.value)


def test_the_header_is_read() -> None:
    """In any order, between remarks; a later line of the same form is a remark."""
    baseline = read(f"\n{HEAD}# why\n# log lines: compute 61–62, API 3\n# boots: 10\n# outcome: active\n"
                    "# versions: nova 34.0.0, a b\n1. GET /\n# boots: 11\n", "x")  # fmt: skip
    assert (baseline.name, baseline.boots, baseline.outcomes) == ("x", 10, ("active",))
    assert baseline.versions == {"nova": "34.0.0", "a": "b"}
    assert baseline.log_lines == {"compute": (61, 62), "API": (3, 3)}


def test_edited_lines_are_read() -> None:
    """Blank lines, remarks, Windows' line ends, ASCII signs, marks in any order, ordinals with gaps."""
    first = "1. [API] GET /\r\n\n   # seen since 33\n"
    edited = nodes(f"{first}1-9. {CREATE} ~1-2-3 ms x2-3  \n1-2. [db] a.py -> b() (any order) ×0–1\n")
    assert [(node.address, node.service, node.text) for node in edited] == [
        ("1", "API", "GET /"), ("1-9", "API", CREATE), ("1-2", "db", "a.py -> b()"),
    ]  # fmt: skip
    assert (edited[1].min_count, edited[1].max_count, edited[1].durations) == (2, 3, (1_000_000, 2_000_000, 3_000_000))
    assert (edited[2].min_count, edited[2].max_count, edited[2].unordered) == (0, 1, True)


def test_a_note_has_the_service_and_position_of_its_step() -> None:
    """A numbered note belongs to the step of its number."""
    lines = (
        f"1. [API] {CREATE} @5",
        "- sql: SELECT a",
        "1-1. utils.py -> f() @6",
        "1/2. sql: SELECT b @7",
        "- sql: SELECT c",
    )
    read_nodes = nodes("\n".join(lines))
    assert [(node.kind, node.address, node.where) for node in read_nodes] == [
        ("call", "1", "nova/compute/api.py:5"),
        ("sql", "1/1", "nova/compute/api.py:5"),
        ("call", "1-1", "nova/utils.py:6"),
        ("sql", "1/2", "nova/compute/api.py:7"),
        ("sql", "1/3", "nova/compute/api.py:5"),
    ]


@pytest.mark.parametrize(("sent", "received"), [(" → 2", " ← 1-1"), ("", " ← 1-1"), (" → 2", "")])
def test_a_chapter_is_below_its_cast(sent: str, received: str) -> None:
    """If either side refers to the other."""
    (top,) = read(f"{HEAD}1. GET /\n1-1. rpc.cast(): x{sent}\n2. [compute] x{received}\n", "x").nodes
    assert [child.address for child in top.children[0].children] == ["2"]


def test_a_chapter_without_a_sender_is_at_the_top() -> None:
    assert [node.address for node in read(f"{HEAD}1. GET /\n2. x.py -> y()\n", "x").nodes] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "34.baseline:1: not a baseline: its first line is not # bootseq baseline 2"),
        ("1. x\n", "34.baseline:1: not a baseline: its first line is not # bootseq baseline 2"),
        ("\n# bootseq baseline x\n", "34.baseline:2: not a baseline: its first line is not # bootseq baseline 2"),
        ("# bootseq baseline 3\n1. x",
         "34.baseline:1: a baseline of version 3; this bootseq reads up to 2: use a newer one"),
        (f"{HEAD}# boots: ten", "34.baseline:2: boots: ten is not a number of boots; write 1 or more"),
        (f"{HEAD}# boots: 0", "34.baseline:2: boots: 0 is not a number of boots; write 1 or more"),
        (f"{HEAD}# log lines: compute 3–2",
         "34.baseline:2: log lines: '3–2' is not a range of counts; write it as compute 61–62"),
        (f"{HEAD}1. x\nfoo", "34.baseline:3: neither a step (1-1-2. …) nor a note (- …) nor a remark (# …): foo"),
        (f"{HEAD}1. x\n1. y", "34.baseline:3: 1 appears twice, first in line 2; give it another number"),
        (f"{HEAD}1. x\n1-2-1. y", "34.baseline:3: 1-2-1 has no parent: no line above it has the address 1-2"),
        (f"{HEAD}- sql: SELECT a", "34.baseline:2: a note before the first step"),
        (f"{HEAD}1. x ×3–2", "34.baseline:2: ×3–2 is not a range of counts; write the smaller first: ×0–2"),
        (f"{HEAD}1. x ×0", "34.baseline:2: ×0 is not a range of counts; write the smaller first: ×0–2"),
        (f"{HEAD}1. x ~1.2.3 ms", "34.baseline:2: ~1.2.3 is not a time; write it as ~5 ms"),
        (f"{HEAD}1. x ~3–2–1 ms",
         "34.baseline:2: ~3–2–1 is not a range of times; write the shortest first, then the median, then the longest"),
        (f"{HEAD}1. x\n1-1.", "34.baseline:3: the line is empty after its address"),
        (f"{HEAD}1. x\n- why",
         "34.baseline:3: expected a statement (sql: …), a state or a log line; write a remark as # …: why"),
        (f"{HEAD}1. x\n1-1. sql: SELECT a", "34.baseline:3: sql: SELECT a is a note: write it as - … under its step"),
        (f"{HEAD}1. {{nap}} x",
         f"34.baseline:2: {{nap}}: unknown kind; use {', '.join(sorted(NUMBERED | NOTES))}"),
        (f"{HEAD}1. x @12", "34.baseline:2: @12: the file is not known; write @path:line"),
        (f"{HEAD}1. x → 2", "34.baseline:2: → 2: no chapter has this address"),
        (f"{HEAD}1. x\n2. y ← 1-1", "34.baseline:3: ← 1-1: no line has this address"),
        (f"{HEAD}1. x → 2\n1-1. y\n2. z ← 1-1",
         "34.baseline:4: chapter 2 has two senders by → and ←: 1 (line 2) and 1-1 (line 3)"),
        (f"{HEAD}1. x\n2. y → 3 ← 3\n3. z → 2 ← 2", "34.baseline:3: 2 belongs to a chapter that is sent from itself"),
        (f"{HEAD}1. x\n\x1b[2Jfoo",
         "34.baseline:3: neither a step (1-1-2. …) nor a note (- …) nor a remark (# …): �[2Jfoo"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_in_one_line(text: str, message: str) -> None:
    """With file, line number, the mistake and its correction."""
    assert refused(text) == message


def test_a_baseline_is_recognised_by_its_first_line() -> None:
    """Also one of a newer version, which cannot be read."""
    assert is_baseline(written(normal(small_boot())))
    assert is_baseline("\n# bootseq baseline 9\n")
    assert not is_baseline("# notes\n1. x\n")
    assert not is_baseline("")
