"""Details beyond a step's text: compared where both sides have them, and never "same" where one side lacks them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders import call, http, log, rpc, small_boot, sql, step
from tests.test_tracer_cli import bootseq
from tracer import trace_file
from tracer.diff.baseline import details
from tracer.diff.baseline.learn import learn
from tracer.diff.baseline.normalise import normal
from tracer.diff.baseline.reader import read
from tracer.diff.baseline.writer import written
from tracer.diff.compare.compare import compare
from tracer.model import Request, Step, Trace


def differences(old: Request, new: Request) -> list[tuple[str, str]]:
    """Return classes and kinds of the changes."""
    return [(change.class_, change.kind) for change in compare(normal(old), normal(new)).changes]


def boot_with(*steps: Step) -> Request:
    """Return the small boot with these steps in its first chapter."""
    boot = small_boot()
    for position, added in enumerate(steps, 90):
        added.address = f"1-1-{position}" if added.numbered else f"1-1/{position}"
        for child in added.children:
            child.address = f"{added.address}-1"
        boot.chapters[0].children[0].children.append(added)
    return boot


MESSAGE: dict[str, Any] = {"version": "3.0", "topic": "conductor", "arguments": {"instance": "Instance 2.8", "x": 1}}


@pytest.mark.parametrize(
    ("make", "before", "now", "class_"),
    [
        (http, {"microversion": "compute 2.79"}, {"microversion": "compute 2.95"}, "version"),
        (http, {"body": {"server": {"name": "a"}}}, {"body": {"server": {"flavorRef": "a"}}}, "arguments"),
        (http, {"handler": "placement.a.b"}, {"handler": "placement.a.c"}, "renamed"),
        (rpc, MESSAGE, MESSAGE | {"topic": "scheduler"}, "arguments"),
        (rpc, MESSAGE, MESSAGE | {"arguments": {"instance": "Instance 2.8"}}, "arguments"),
        (rpc, MESSAGE, MESSAGE | {"server": "compute1"}, "arguments"),
        (rpc, MESSAGE, MESSAGE | {"never_known": "x"}, "arguments"),
        (rpc, {}, {"unfinished": True}, "unfinished"),
        (call, {}, {"unfinished": True}, "unfinished"),
    ],
)
def test_a_difference_beyond_the_text_is_reported(
    make: Callable[..., Step], before: Any, now: Any, class_: str
) -> None:
    words = {http: ("API", "image", "GET", "/v2/images"), rpc: ("API", "conductor", "save"), call: ("API", "nova.a:f")}
    old, new = (boot_with(make(*words[make], **attributes)) for attributes in (before, now))
    assert class_ in {changed for changed, _ in differences(old, new)}
    assert differences(old, boot_with(make(*words[make], **before))) == []


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"msg_id": "a", "unique_id": "b"}, {"msg_id": "c", "unique_id": "d"}),
        ({"user_id": "admin", "roles": ["admin"]}, {"user_id": "me", "roles": ["reader"]}),
        ({"arguments": {"instance": "Instance 2.8 a"}}, {"arguments": {"instance": "Instance 2.8 b"}}),
        ({"server": "compute1"}, {"server": "compute2"}),
        ({"topic": "compute.compute1"}, {"topic": "compute.compute2"}),
        ({"log_file": "/old/nova.log", "log_line": 7}, {"log_file": "/new/nova.log", "log_line": 8}),
    ],
)
def test_ids_users_and_hosts_are_no_difference(before: Any, now: Any) -> None:
    assert (
        differences(
            boot_with(rpc("API", "conductor", "save", **before)), boot_with(rpc("API", "conductor", "save", **now))
        )
        == []
    )


@pytest.mark.parametrize(
    ("before", "now", "class_"),
    [
        ("Could not load 'a': 5 times", "Could not load 'b': 7 times", None),
        ("Could not load 'a'", "Cannot connect to 'a'", "said"),
    ],
)
def test_another_error_in_the_log_is_a_difference(before: str, now: str, class_: str | None) -> None:
    old, new = (boot_with(log("API", text, "ERROR")) for text in (before, now))
    assert differences(old, new) == ([(class_, "log")] if class_ else [])


def test_a_step_that_took_no_time_can_be_stalled() -> None:
    """Start and end may be in one tick of the clock."""
    old, new = boot_with(call("API", "nova.a:f")), boot_with(call("API", "nova.a:f"))
    for boot, took in ((old, 0), (new, 2_000_000_000)):
        last = boot.chapters[0].children[0].children[-1]
        last.end = last.start + took
    assert ("stalled", "call") in differences(old, new)


def test_a_detail_of_any_boot_of_a_baseline_is_no_difference() -> None:
    """A detail of none of them is one."""
    boots = [boot_with(rpc("API", "conductor", "save", topic=topic)) for topic in ("a", "b", "c")]
    known = learn([normal(boot) for boot in boots[:2]])
    again = read(written(known), "x")
    for baseline in (known, again):
        assert compare(baseline, normal(boots[1])).changes == []
    (change,) = compare(again, normal(boots[2])).changes
    assert (change.class_, change.text) == ("arguments", "rpc: save: topic a | b → c")


def test_a_detail_with_many_values_matches_any() -> None:
    united: details.Details = {"topic": "0"}
    for number in range(1, 10):
        united = details.united(united, {"topic": str(number)})
    assert united == {"topic": "*"}
    assert list(details.differing(united, {"topic": "x"})) == []


@pytest.fixture
def traced(tmp_path: Path) -> Callable[[str, Request], Path]:
    """Return a function that writes a boot as a trace file."""

    def write(name: str, boot: Request) -> Path:
        boot.operation = "boot"
        trace_file.write(tmp_path / name, Trace([boot], [], {"nova": "34.0.0"}))
        return tmp_path / name

    return write


def test_details_that_one_side_lacks_prevent_a_verdict(tmp_path: Path, traced: Callable[[str, Request], Path]) -> None:
    """Exit code 2, and the missing details; a baseline of version 1 lacks them."""
    hooked, logged = (
        boot_with(rpc("API", "conductor", "save", **MESSAGE)),
        boot_with(rpc("API", "conductor", "save", **MESSAGE)),
    )
    logged.chapters[0].children[0].children[-1].attributes.pop("topic")
    for step_ in logged.walk():
        step_.witnesses = ("logs",)
    old, new = traced("old.jsonl", hooked), traced("new.jsonl", logged)
    done = bootseq("diff", old, new)
    assert (done.exit_code, "topic of some steps not compared" in done.output) == (2, True)
    assert bootseq("diff", old, new, "--partial").exit_code == 0
    before = tmp_path / "old.baseline"
    before.write_text(written(normal(hooked)).replace("# bootseq baseline 2", "# bootseq baseline 1"))
    done = bootseq("diff", before, old)
    assert (done.exit_code, "a baseline of version 1 lacks microversions" in done.output) == (2, True)


def test_other_statements_and_commands_fail_by_default(traced: Callable[[str, Request], Path]) -> None:
    """Another statement on the same table, another file, another step in the same position: exit code 1."""
    pairs = [
        (sql("API", "UPDATE", "instances", fingerprint="a"), sql("API", "UPDATE", "instances", fingerprint="b")),
        (call("API", "nova.a:f"), call("API", "nova.a:g")),
        (rpc("API", "conductor", "Instance.save"), rpc("API", "conductor", "Instance.destroy")),
        (step("command", "API", arguments=["cat", "/etc/a"]), step("command", "API", arguments=["cat", "/etc/b"])),
        (step("handoff", "API", function="f", via="GreenPool"), step("handoff", "API", function="f", via="Other")),
    ]
    for before, now in pairs:
        done = bootseq("diff", traced("old.jsonl", boot_with(before)), traced("new.jsonl", boot_with(now)))
        assert done.exit_code == 1, done.output
