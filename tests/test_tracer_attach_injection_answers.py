"""Answers of visited processes: accepted if of the expected shape, made bounded and printable, else refused."""

from __future__ import annotations

import marshal
from typing import Any

import pytest

from tracer.attach.injection import answers
from tracer.attach.injection.ptrace import RefusedError

ATTACHED = {
    "state": "attached", "seconds": 0.5, "capture": "/c", "hooks": ("sql",), "off": (), "attributes": (("a.b", 7),),
    "dropped": 0, "failures": 0,
}  # fmt: skip
LISTED = ("1", "os:stat", 12, "asked", 3, 0, "")


def packed(answer: dict[Any, Any]) -> bytes:
    return marshal.dumps(tuple(item for pair in answer.items() for item in pair), 2)


def test_an_answer_of_the_right_shape_is_read() -> None:
    fields = answers.read("attach", packed(ATTACHED | {"more": "is dropped"}))
    assert fields == {**ATTACHED, "reason": "", "hooks": ["sql"], "off": [], "attributes": [("a.b", 7)]}


def test_a_failure_needs_only_a_reason() -> None:
    fields = answers.read("detach", packed({"state": "failed", "reason": "it\x1b[2J broke\n"}))
    assert fields == {"state": "failed", "reason": "it\ufffd[2J broke\ufffd", "seconds": 0.0}


def test_long_texts_are_cut() -> None:
    assert len(answers.read("detach", packed({"state": "failed", "reason": "x" * 1_000_000}))["reason"]) == 2_000


def test_a_point_may_be_at_a_line_or_at_the_entry() -> None:
    points = (LISTED, (*LISTED[:2], "entry", *LISTED[3:]))
    fields = answers.read("ask_list", packed({"state": "asked", "points": points}))
    assert fields["points"] == list(points)


@pytest.mark.parametrize(
    "answer",
    [
        ATTACHED | {"state": 1},
        ATTACHED | {"state": "detached"},
        ATTACHED | {"state": ("attached",)},
        ATTACHED | {"seconds": float("nan")},
        ATTACHED | {"seconds": "soon"},
        ATTACHED | {"hooks": "sql"},
        ATTACHED | {"hooks": (1,)},
        ATTACHED | {"hooks": ("x",) * 100_001},
        ATTACHED | {"attributes": (("a.b",),)},
        ATTACHED | {"attributes": (("a.b", "7"),)},
        ATTACHED | {"attributes": (("a.b", True),)},
        ATTACHED | {"dropped": 1 << 80},
        {key: value for key, value in ATTACHED.items() if key != "off"},
        dict.fromkeys(range(200), "x"),
        {},
    ],
)
def test_another_shape_is_refused(answer: dict[Any, Any]) -> None:
    with pytest.raises(RefusedError, match="is invalid"):
        answers.read("attach", packed(answer))


@pytest.mark.parametrize("data", [b"", b"c", b"\0" * 1_000, marshal.dumps([1], 2), marshal.dumps(("state",), 2)])
def test_bytes_that_are_no_answer_are_refused(data: bytes) -> None:
    with pytest.raises(RefusedError, match="is invalid"):
        answers.read("detach", data)


@pytest.mark.parametrize("point", [LISTED[:6], (*LISTED, 1), (1, *LISTED[1:]), (*LISTED[:2], (), *LISTED[3:])])
def test_a_point_of_another_shape_is_refused(point: tuple[Any, ...]) -> None:
    with pytest.raises(RefusedError, match="is invalid"):
        answers.read("ask_list", packed({"state": "asked", "points": (point,)}))
