"""What differs beside a step's text: compared where both sides know it, and never "same" where one cannot."""

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
    """Classes and kinds."""
    return [(change.class_, change.kind) for change in compare(normal(old), normal(new)).changes]


def with_(*steps: Step) -> Request:
    """The small boot, and these in its first chapter."""
    boot = small_boot()
    for place, one in enumerate(steps, 90):
        one.address = f"1-1-{place}" if one.numbered else f"1-1/{place}"
        for child in one.children:
            child.address = f"{one.address}-1"
        boot.chapters[0].children[0].children.append(one)
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
def test_what_the_text_leaves_out(make: Callable[..., Step], before: Any, now: Any, class_: str) -> None:
    words = {http: ("API", "image", "GET", "/v2/images"), rpc: ("API", "conductor", "save"), call: ("API", "nova.a:f")}
    old, new = (with_(make(*words[make], **attributes)) for attributes in (before, now))
    assert class_ in {found for found, _ in differences(old, new)}
    assert differences(old, with_(make(*words[make], **before))) == []


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"msg_id": "a", "unique_id": "b"}, {"msg_id": "c", "unique_id": "d"}),
        ({"user_id": "admin", "roles": ["admin"]}, {"user_id": "me", "roles": ["reader"]}),
        ({"arguments": {"instance": "Instance 2.8 a"}}, {"arguments": {"instance": "Instance 2.8 b"}}),
        ({"server": "compute1"}, {"server": "compute2"}),
        ({"topic": "compute.compute1"}, {"topic": "compute.compute2"}),
    ],
)
def test_what_no_release_decides(before: Any, now: Any) -> None:
    assert (
        differences(with_(rpc("API", "conductor", "save", **before)), with_(rpc("API", "conductor", "save", **now)))
        == []
    )


@pytest.mark.parametrize(
    ("before", "now", "class_"),
    [
        ("Could not load 'a': 5 times", "Could not load 'b': 7 times", None),
        ("Could not load 'a'", "Cannot connect to 'a'", "said"),
    ],
)
def test_what_errors_in_the_log_say(before: str, now: str, class_: str | None) -> None:
    old, new = (with_(log("API", text, "ERROR")) for text in (before, now))
    assert differences(old, new) == ([(class_, "log")] if class_ else [])


def test_a_step_of_no_time_that_takes_some() -> None:
    """A clock may tell the same twice."""
    old, new = with_(call("API", "nova.a:f")), with_(call("API", "nova.a:f"))
    for boot, took in ((old, 0), (new, 2_000_000_000)):
        last = boot.chapters[0].children[0].children[-1]
        last.end = last.start + took
    assert ("stalled", "call") in differences(old, new)


def test_boots_of_a_baseline_may_differ() -> None:
    """What was there in one of them is no difference; what was in none is one."""
    boots = [with_(rpc("API", "conductor", "save", topic=topic)) for topic in ("a", "b", "c")]
    known = learn([normal(boot) for boot in boots[:2]])
    again = read(written(known), "x")
    for baseline in (known, again):
        assert compare(baseline, normal(boots[1])).changes == []
    (change,) = compare(again, normal(boots[2])).changes
    assert (change.class_, change.text) == ("arguments", "rpc: save: topic a | b → c")


def test_a_value_of_many_is_any() -> None:
    found: details.Details = {"topic": "0"}
    for number in range(1, 10):
        found = details.united(found, {"topic": str(number)})
    assert found == {"topic": "*"}
    assert list(details.differing(found, {"topic": "x"})) == []


@pytest.fixture
def traced(tmp_path: Path) -> Callable[[str, Request], Path]:
    """Writes a boot as a trace file."""

    def made(name: str, boot: Request) -> Path:
        boot.operation = "boot"
        trace_file.write(tmp_path / name, Trace([boot], [], {"nova": "34.0.0"}))
        return tmp_path / name

    return made


def test_what_one_side_cannot_know(tmp_path: Path, traced: Callable[[str, Request], Path]) -> None:
    """Exit code 2, and what it is; a baseline of before has none of it."""
    hooked, logged = (
        with_(rpc("API", "conductor", "save", **MESSAGE)),
        with_(rpc("API", "conductor", "save", **MESSAGE)),
    )
    logged.chapters[0].children[0].children[-1].attributes.pop("topic")
    for each in logged.walk():
        each.witnesses = ("logs",)
    old, new = traced("old.jsonl", hooked), traced("new.jsonl", logged)
    done = bootseq("diff", old, new)
    assert (done.exit_code, "topic of some steps not compared" in done.output) == (2, True)
    assert bootseq("diff", old, new, "--partial").exit_code == 0
    before = tmp_path / "old.baseline"
    before.write_text(written(normal(hooked)).replace("# bootseq baseline 2", "# bootseq baseline 1"))
    done = bootseq("diff", before, old)
    assert (done.exit_code, "a baseline of version 1 lacks microversions" in done.output) == (2, True)


def test_statements_and_commands_by_default(traced: Callable[[str, Request], Path]) -> None:
    """Another statement on the same table, another file, another step in a step's place: exit code 1."""
    pairs = [
        (sql("API", "UPDATE", "instances", fingerprint="a"), sql("API", "UPDATE", "instances", fingerprint="b")),
        (call("API", "nova.a:f"), call("API", "nova.a:g")),
        (rpc("API", "conductor", "Instance.save"), rpc("API", "conductor", "Instance.destroy")),
        (step("command", "API", arguments=["cat", "/etc/a"]), step("command", "API", arguments=["cat", "/etc/b"])),
        (step("handoff", "API", function="f", via="GreenPool"), step("handoff", "API", function="f", via="Other")),
    ]
    for before, now in pairs:
        done = bootseq("diff", traced("old.jsonl", with_(before)), traced("new.jsonl", with_(now)))
        assert done.exit_code == 1, done.output
