"""Boots by any part of their witnesses: each answer is that of all witnesses together, or it is not known."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.log_traces import DIABLO, at_info, at_once, nova34, trace
from tracer.model import Request, Trace

_UNKNOWN = ("", "unfinished")


def answers(boot: Request) -> dict[str, str]:
    return {"server": boot.server, "uuid": boot.uuid, "host": boot.host, "outcome": boot.outcome}


def owners(trace: Trace) -> dict[tuple[str, str], str]:
    """Return the request id of the boot that each line of a log belongs to."""
    return {
        (step.text("log_file"), step.text("log_line")): boot.request_id
        for boot in trace.boots
        if boot.request_id
        for step in boot.walk()
        if "log_line" in step.attributes
    }


def contradictions(part: Trace, whole: Trace) -> list[object]:
    """Return what a part of the witnesses says otherwise than all of them."""
    known = {boot.request_id: answers(boot) for boot in whole.boots}
    others = [
        (boot.request_id, name, value)
        for boot in part.boots
        if boot.request_id
        for name, value in answers(boot).items()
        if value not in _UNKNOWN and known.get(boot.request_id, {}).get(name) != value
    ]
    lines = owners(whole)
    return [*others, *(line for line, owner in owners(part).items() if lines.get(line, owner) != owner)]


def assert_each_part_agrees(files: list[Path]) -> Trace:
    whole = trace(*files)
    for count in range(1, len(files)):
        for part in combinations(files, count):
            assert contradictions(trace(*part), whole) == [], part
    return whole


def test_2011_any_witnesses_agree() -> None:
    assert_each_part_agrees(sorted([*DIABLO.glob("*.log"), *DIABLO.glob("*.jsonl")]))


@pytest.mark.parametrize("apart", [400, 2000])
def test_2011_any_witnesses_of_boots_at_once_agree(apart: int, tmp_path: Path) -> None:
    """Only the INSERT of an API that logs no id names an instance: whose it is, is not known while others run."""
    whole = assert_each_part_agrees(sorted(at_once(DIABLO, tmp_path, boots=3, apart=apart).iterdir()))
    ids = [boot.request_id[:8] for boot in whole.boots]
    assert ids == ["d6b01029", "d6b0102a", "d6b0102b"]
    assert [boot.uuid for boot in whole.boots] == ["", "", ""]


def test_2011_an_insert_names_the_instance_of_the_only_request(tmp_path: Path) -> None:
    whole = trace(*sorted(at_once(DIABLO, tmp_path, boots=3, apart=3000).iterdir()))
    assert [boot.uuid[:8] for boot in whole.boots] == ["2b5e24dd", "2b5e24de", "2b5e24df"]


@pytest.fixture(scope="module")
def debug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nova34(tmp_path_factory.mktemp("debug"))


def parts_of(files: list[Path]) -> st.SearchStrategy[list[Path]]:
    return st.lists(st.sampled_from(files), min_size=1, max_size=len(files) - 1, unique=True)


def test_any_services_at_info_agree(debug: Path, tmp_path: Path) -> None:
    files = sorted(at_once(at_info(debug, tmp_path), _folder(tmp_path), boots=2, apart=500).iterdir())
    whole = trace(*files)
    assert len(whole.boots) == 2

    @settings(max_examples=40, deadline=None)
    @given(parts_of(files))
    def agree(part: list[Path]) -> None:
        assert contradictions(trace(*part), whole) == []

    agree()


@pytest.mark.slow
def test_any_witnesses_at_debug_agree(debug: Path) -> None:
    files = sorted([*debug.glob("*.log"), *debug.glob("*.jsonl")])
    whole = trace(*files)

    @settings(max_examples=25, deadline=None)
    @given(parts_of(files))
    def agree(part: list[Path]) -> None:
        assert contradictions(trace(*part), whole) == []

    agree()


def _folder(parent: Path) -> Path:
    folder = parent / "at once"
    folder.mkdir()
    return folder
