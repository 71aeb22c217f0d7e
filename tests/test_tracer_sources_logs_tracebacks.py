"""Tracebacks: they belong to the record that they explain, whose error is the exception."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer.events import Event
from tracer.sources.logs import reader

STAMP = "2026-11-22 12:00:00.000 1"
IDS = "[req-c29ec537-4c93-4257-b1e1-a97407e9c85d u p - - -]"
INSTANCE = "[instance: 7a7a7a7a-0000-4000-8000-000000000004]"
TRACEBACK = [
    "Traceback (most recent call last):", '  File "/opt/nova/x.py", line 1, in run', "    go()",
    "oslo.exceptions.Timeout: no answer",
]  # fmt: skip
CHAINS = {
    "handling": "During handling of the above exception, another exception occurred:",
    "cause": "The above exception was the direct cause of the following exception:",
}
LAST = ["Traceback (most recent call last):", "    again()", "nova.exception.NoValidHost_Remote: none left"]


def read(tmp_path: Path, lines: list[str]) -> list[Event]:
    (tmp_path / "nova-compute.log").write_text("".join(f"{line}\n" for line in lines))
    return reader.read(tmp_path / "nova-compute.log").events


@pytest.mark.parametrize("level", ["ERROR", "TRACE"])
@pytest.mark.parametrize("instance", ["", f"{INSTANCE} "])
@pytest.mark.parametrize("chain", CHAINS)
def test_a_traceback_belongs_to_the_record_before_it(tmp_path: Path, level: str, instance: str, chain: str) -> None:
    lines = [*TRACEBACK, "", CHAINS[chain], "", *LAST, ""]
    (event,) = read(
        tmp_path,
        [
            f"{STAMP} ERROR nova.m {IDS} {instance}It failed",
            *(f"{STAMP} {level} nova.m {instance}{line}" for line in lines),
        ],
    )
    assert event.attributes["message"] == "\n".join([f"{instance}It failed", *lines]).rstrip()
    assert event.error == "NoValidHost: none left"


def test_a_traceback_without_heads_names_the_exception(tmp_path: Path) -> None:
    (event,) = read(tmp_path, [f"{STAMP} WARNING nova.m {IDS} It failed", *TRACEBACK, "of several lines"])
    assert event.error == "Timeout: no answer"


def test_a_message_with_the_traceback_of_another_process_takes_its_own_too(tmp_path: Path) -> None:
    lines = [f"{STAMP} ERROR nova.m {IDS} It failed: ", *TRACEBACK, *(f"{STAMP} ERROR nova.m {line}" for line in LAST)]
    (event,) = read(tmp_path, lines)
    assert event.attributes["message"] == "\n".join(["It failed: ", *TRACEBACK, *LAST])
    assert event.error == "NoValidHost: none left"


def test_a_traceback_of_2011_names_the_exception(tmp_path: Path) -> None:
    lines = [
        f"2026-11-22 12:00:00,000 ERROR nova.m {IDS} It failed",
        *(f"(nova.m): TRACE: {line}" for line in TRACEBACK),
    ]
    (event,) = read(tmp_path, [*lines, "(nova.m): TRACE: "])
    assert event.attributes["message"] == "\n".join(["It failed", *TRACEBACK])
    assert event.error == "Timeout: no answer"


def test_the_next_record_of_the_same_moment_is_not_part_of_a_traceback(tmp_path: Path) -> None:
    events = read(
        tmp_path,
        [
            f"{STAMP} ERROR nova.m {IDS} It failed", *(f"{STAMP} ERROR nova.m {line}" for line in TRACEBACK),
            f"{STAMP} ERROR nova.m {IDS} Build aborted",
        ],
    )  # fmt: skip
    assert [(event.attributes["message"], event.error) for event in events][1:] == [("Build aborted", None)]


def test_a_quiet_record_with_a_traceback_has_no_error(tmp_path: Path) -> None:
    (event,) = read(tmp_path, [f"{STAMP} DEBUG nova.m {IDS} It failed", *TRACEBACK])
    assert event.error is None
