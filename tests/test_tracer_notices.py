"""Notices: recognised by their texts in the wording of every release, with any quoted names."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.captures import craft, table
from tracer import notices
from tracer.notices import Code, Notice
from tracer.sources.hooks import segments

#: Every constructor, called with a quoted name.
CONSTRUCTORS: dict[str, list[Callable[[str], Notice]]] = {
    "events_dropped": [lambda name: notices.events_dropped(name, 1), lambda name: notices.events_dropped(name, 3)],
    "records_dropped": [lambda name: notices.records_dropped(name, 1), lambda name: notices.records_dropped(name, 3)],
    "hooks_failed": [
        lambda name: notices.hooks_failed(name, 1),
        lambda name: notices.hooks_failed("nova-api (pid 7)", 2, [name, "KeyError: 1, corrected"]),
    ],
    "clock_corrected": [
        lambda name: notices.clock_corrected(name, "host b", 10**10, 1),
        lambda name: notices.clock_corrected("host a", name, -1, 85),
        lambda name: notices.clock_corrected(name, "b.log", 3600 * 10**9, 10, zone=True),
    ],
    "host_unrecorded": [
        lambda name: notices.host_unrecorded("cmp1", name, began=False),
        lambda name: notices.host_unrecorded("cmp1", name, began=True),
    ],
    "service_unrecorded": [
        lambda name: notices.service_unrecorded(name, 7, "cmp1", "it has ended"),
        lambda name: notices.service_unrecorded("nova-compute", 7, "cmp1", name),
    ],
    "receiver_unrecorded": [
        lambda name: notices.receiver_unrecorded(name, 1, "1-1", "build_and_run_instance"),
        lambda name: notices.receiver_unrecorded("compute on cmp1", 2, "1-2-1", name),
    ],
    "lines_left_out": [lambda _: notices.lines_left_out(1, 20_000), lambda _: notices.lines_left_out(9, 20_000)],
    "clock_contradicted": [
        lambda name: notices.clock_contradicted(name, "host b", 10**10, "Starting", "Choosing"),
        lambda name: notices.clock_contradicted("a.log", "b.log", 3600 * 10**9, name, name, zone=True),
    ],
    "lines_not_understood": [
        lambda name: notices.lines_not_understood(name, 1, 0, "a line"),
        lambda name: notices.lines_not_understood("a.log", 2000, 1234, name),
    ],
    "processes_repeated": [
        lambda name: notices.processes_repeated(name, 1),
        lambda name: notices.processes_repeated(name, 4),
    ],
    "statements_unassigned": [
        lambda _: notices.statements_unassigned({"unknown": 1, "periodic": 2}, 69),
        lambda _: notices.statements_unassigned({"periodic": 24, "start-up": 2}, 69),
        lambda _: notices.statements_unassigned({"idle": 1, "unknown": 0}, 1),
    ],
}
#: Texts in files of earlier releases.
EARLIER = [
    ("nova-api (pid 7): 3 events were dropped, the capture or the disk was full", Code.EVENTS_DROPPED),
    ("nova-api (pid 7): 1 event dropped, the capture or the disk was full", Code.EVENTS_DROPPED),
    ("x.open: 3 records dropped: there was no room for a segment", Code.EVENTS_DROPPED),
    ("x.open: 1 record dropped: there was no room for a segment", Code.EVENTS_DROPPED),
    ("nova-api (pid 7): hooks of ours failed 2 times there", Code.HOOKS_FAILED),
    ("nova-api (pid 7): hooks of ours failed 1 time there: sql: KeyError: 1", Code.HOOKS_FAILED),
    ("host b: its clock is 1.000 s ahead, corrected", Code.CLOCK_CORRECTED),
    ("host b: its clock is 1.000 s behind, corrected", Code.CLOCK_CORRECTED),
    ("the clock of host b is 9.990 s behind that of a.log (from 3 messages), corrected", Code.CLOCK_CORRECTED),
    (
        "the clock of a is 9.0 s ahead of that of b (from 1 message), corrected; another time zone? see --utc-offset",
        Code.ZONE_SUSPECTED,
    ),
    ("cap: 1 process of another capture again, left out", Code.PROCESSES_REPEATED),
    ("cap: 2 processes of another capture again, left out", Code.PROCESSES_REPEATED),
    ("26 SQL statements of 69 in the logs tied to no request", Code.STATEMENTS_UNASSIGNED),
    ("3 SQL statements of 69 in the logs tied to no request: 1 unknown, 2 periodic", Code.STATEMENTS_UNASSIGNED),
    ("1 SQL statement of 69 in the logs tied to no request: 1 start-up", Code.STATEMENTS_PERIODIC),
]


def test_every_constructor_is_covered() -> None:
    public = {name for name, value in inspect.getmembers(notices, inspect.isfunction) if not name.startswith("_")}
    returning = {name for name in public if inspect.signature(getattr(notices, name)).return_annotation == "Notice"}
    assert returning == set(CONSTRUCTORS)
    built = {build("name").code for builds in CONSTRUCTORS.values() for build in builds}
    assert built == set(Code) - {Code.OTHER}


@given(name=st.one_of(st.text(), st.sampled_from([text for text, _ in EARLIER if "clock" in text])))
@pytest.mark.parametrize("build", [build for builds in CONSTRUCTORS.values() for build in builds])
def test_notices_are_recognised_by_their_texts(build: Callable[[str], Notice], name: str) -> None:
    notice = build(name)
    assert notices.code_of(notice.text) is notice.code


@pytest.mark.parametrize(("text", "code"), EARLIER)
def test_earlier_wordings_are_recognised(text: str, code: Code) -> None:
    assert notices.code_of(text) is code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.log: cut off; what stands before the cut is read",
        "a.seg: the record at byte 9 makes no sense (the clock of x is 1 s behind that of y), left out",
        "nobody knows, corrected",
    ],
)
def test_other_texts_are_no_known_notices(text: str) -> None:
    assert notices.code_of(text) is Code.OTHER


def test_dropped_records_of_a_process_without_a_segment_are_reported(tmp_path: Path) -> None:
    """It created its table, but the capture had no space for a segment."""
    craft(tmp_path)
    open_calls = tmp_path / "segments" / "h1-8-1.open"
    open_calls.write_bytes(table(dropped=2))
    warnings = segments.read(tmp_path).warnings
    assert warnings == [f"{open_calls}: 2 records dropped: no space for a segment"]
    assert notices.code_of(warnings[0]) is Code.EVENTS_DROPPED
