"""Boots from logs and message copies alone: Nova of 2011 and of today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.logged import DIABLO, SERVICES, at_once, diablo, ends, heads, nova34, states, trace
from tracer.cli import main
from tracer.model import Boot, Trace

CHAPTERS_2011 = [("scheduler", "run_instance"), ("compute", "run_instance")]
COPIES = "rpc.jsonl"


@pytest.mark.parametrize("names", [(*SERVICES, COPIES), SERVICES], ids=["all", "logs"])
def test_2011_is_one_boot_with_its_chapters_and_states(names: tuple[str, ...]) -> None:
    (boot,) = diablo(*names).boots
    assert heads(boot) == [("API", "POST /v1.1/demo/servers"), *CHAPTERS_2011]
    assert (boot.server, boot.outcome, boot.host) == ("vm1", "active", "compute1")
    assert boot.uuid == "2b5e24dd-2c8d-4f0b-be9d-f4a2066e5844"
    assert states(boot, "task_state") == ["scheduling", "networking", "block_device_mapping", "spawning", None]
    assert states(boot, "vm_state") == ["building", "active"]


def test_2011_from_message_copies_alone() -> None:
    (boot,) = diablo(COPIES).boots
    assert heads(boot) == [("API", "run_instance"), *CHAPTERS_2011]
    assert {step.witnesses for step in boot.walk()} == {("broker",)}
    assert boot.server == "vm1"


@pytest.mark.parametrize("names", [(*SERVICES, COPIES), SERVICES, (COPIES,)], ids=["all", "logs", "copies"])
def test_2011_network_call_and_its_reply_are_inside_the_compute(names: tuple[str, ...]) -> None:
    (boot,) = diablo(*names).boots
    (call,) = [step for step in boot.walk() if step.text("mode") == "call" and step.text("side") == "client"]
    (served,) = [child for child in call.children if child.kind == "rpc"]
    assert (call.service, served.service, served.name) == ("compute", "network", "allocate_for_instance")
    assert served.tied_by == "msg_id"
    assert call.end is not None
    assert served.end is not None
    assert call.end >= served.end


def test_2011_messages_name_their_witnesses_and_how_they_were_tied() -> None:
    (boot,) = diablo(*SERVICES, COPIES).boots
    rpc = [step for step in boot.walk() if step.kind == "rpc"]
    assert {step.witnesses for step in rpc} == {("logs", "broker")}
    assert [chapter.tied_by for chapter in boot.chapters] == ["", "payload", "payload"]
    (alone,) = diablo(*SERVICES).boots
    assert [chapter.tied_by for chapter in alone.chapters] == ["", "topic_order", "topic_order"]


def test_2011_statements_are_under_the_steps_they_belong_to() -> None:
    found = diablo(*SERVICES)
    (boot,) = found.boots
    by_service = {
        service: [step for step in boot.walk() if step.kind == "sql" and step.service == service]
        for service in ("API", "scheduler", "compute", "network")
    }
    assert {service: len(steps) for service, steps in by_service.items()} == {
        "API": 15, "scheduler": 1, "compute": 10, "network": 17,
    }  # fmt: skip
    assert all(step.tied_by == "time" for steps in by_service.values() for step in steps)
    assert "UPDATE services" not in [step.name for step in boot.walk()]
    assert found.warnings == ["26 SQL statements of 69 in the logs tied to no request: 24 periodic, 2 start-up"]


def test_2011_password_in_messages_is_masked() -> None:
    for names in ((*SERVICES, COPIES), (COPIES,)):
        (boot,) = diablo(*names).boots
        assert "samplePASSword12" not in repr(list(boot.walk()))


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nova34(tmp_path_factory.mktemp("nova34"))


@pytest.fixture(scope="module")
def all_of_today(today: Path) -> Trace:
    return trace(today)


def test_today_is_one_boot_and_one_delete(all_of_today: Trace) -> None:
    found = all_of_today
    (boot,) = found.boots
    assert (boot.server, boot.outcome, boot.host) == ("capvm", "active", "vm")
    assert heads(boot)[:3] == [
        ("API", "POST /v2.1/servers"),
        ("conductor", "schedule_and_build_instances"),
        ("compute", "build_and_run_instance"),
    ]
    assert states(boot, "task_state") == [
        "scheduling", None, "networking", "block_device_mapping", "spawning", None,
    ]  # fmt: skip
    (delete,) = [other for other in found.others if other.operation.startswith("DELETE")]
    assert ("compute", "terminate_instance") in heads(delete)


def test_today_statements_are_tied_by_request_id(all_of_today: Trace) -> None:
    found = all_of_today
    ties = [step.tied_by for boot in [*found.boots, *found.others] for step in boot.walk() if step.kind == "sql"]
    assert ties.count("request_id") / 892 > 0.95
    assert found.warnings == ["20 SQL statements of 892 in the logs tied to no request: 20 periodic"]


def test_today_every_message_has_both_ends(today: Path, all_of_today: Trace) -> None:
    assert ends(all_of_today) == ([], [])
    for sources in tuple(sorted(today.glob("*.log"))), (today / COPIES,):
        assert ends(trace(*sources)) == ([], [])


def test_today_copies_say_what_a_log_calls_object_action(today: Path) -> None:
    def names(*paths: Path) -> set[str]:
        return {step.name for step in trace(*paths).boots[0].walk() if step.kind == "rpc"}

    logs = sorted(today.glob("nova-*.log"))
    assert "object_action" in names(*logs)
    assert "Instance.save" in names(*logs, today / COPIES)
    assert "object_action" not in names(*logs, today / COPIES)


def test_today_a_thread_that_kept_its_context_adds_nothing_to_the_boot(all_of_today: Trace) -> None:
    """GET /v2.1 sets no context: 19 s later its lines still tell the boot's request id."""
    (boot,) = all_of_today.boots
    assert "GET /v2.1" not in [step.name for step in boot.walk()]
    assert boot.duration < 6_000_000_000


def steps(boot: Boot) -> list[tuple[object, ...]]:
    """All that is told of a boot's steps but times and ids."""
    return [
        (s.address, s.service, s.kind, _ANY.sub("…", s.name), s.tied_by, s.witnesses, s.opened_by) for s in boot.walk()
    ]


_ANY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|capvm\d")
MIXTURES = pytest.mark.parametrize("pattern", ["*.log", "*.jsonl", "*.*"], ids=["logs", "copies", "all"])


@MIXTURES
@pytest.mark.parametrize("apart", [pytest.param(400, marks=pytest.mark.slow), 37])
def test_three_boots_at_once_come_apart(pattern: str, apart: int, today: Path, tmp_path: Path) -> None:
    """In the same conductor, scheduler and compute, nearly all the time at once: each is as it is alone."""
    found = trace(*sorted(at_once(today, tmp_path, boots=3, apart=apart).glob(pattern)))
    (alone,) = trace(*sorted(today.glob(pattern))).boots
    assert len({boot.request_id for boot in found.boots}) == 3
    for boot in found.boots:
        assert boot.outcome == alone.outcome
        assert steps(boot) == steps(alone)
    assert not [warning for warning in found.warnings if "unknown" in warning or "clock" in warning]


@MIXTURES
def test_2011_three_boots_at_once_come_apart_by_their_messages(pattern: str, tmp_path: Path) -> None:
    """Its statements tell no request: while several are under way nobody can say whose they are."""
    found = trace(*sorted(at_once(DIABLO, tmp_path, boots=3, apart=400).glob(pattern)))
    (alone,) = trace(*sorted(DIABLO.glob(pattern))).boots
    assert len({boot.request_id for boot in found.boots}) == 3
    for boot in found.boots:
        assert heads(boot) == heads(alone)
        assert rpc(boot) == rpc(alone)
    if pattern != "*.jsonl":
        assert any(left.why == "unknown" and left.kind == "sql" for left in found.untied)


def rpc(boot: Boot) -> list[tuple[object, ...]]:
    return [(s.address, s.service, s.name, s.opened_by) for s in boot.walk() if s.kind == "rpc"]


def test_commands_take_what_logs_tell(tmp_path: Path) -> None:
    output = tmp_path / "d.trace.jsonl.gz"
    run = CliRunner().invoke(main, ["ingest", "-o", str(output), str(DIABLO)])
    assert run.exit_code == 0, run.output
    assert "1 boot and 0 other requests" in run.output
    shown = CliRunner().invoke(main, ["show", str(output)]).output
    assert "3-1-1. [network] allocate_for_instance" in shown
