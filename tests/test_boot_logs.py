"""Boots from logs and message copies alone: Nova of 2011 and of today."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support.log_traces import DATA, DIABLO, SERVICES, at_once, diablo, ends, heads, nova34, states, trace
from tracer.cli import main
from tracer.model import Request, Step, Trace

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
    assert found.warnings == ["26 of 69 SQL statements in the logs belong to no request: 24 periodic, 2 start-up"]


def _became(chapter: Step) -> list[str]:
    """The states that a chapter sets, one after another."""
    told = [step.attributes["changes"] for step in chapter.walk() if step.kind == "state"]
    return [
        f"{name} {became[-1]}"
        for changes in told
        for name, became in (changes.items() if isinstance(changes, dict) else ())
        if name in ("vm_state", "task_state") and isinstance(became, list)
    ]


def test_2011_states_are_set_by_whom_and_when_they_were() -> None:
    """What the API sets before it casts; at the compute the network is asked for while networking, and then done."""
    (boot,) = diablo(*SERVICES, COPIES).boots
    assert [_became(chapter) for chapter in boot.chapters] == [
        ["vm_state building", "task_state scheduling"],
        [],
        ["task_state networking", "task_state block_device_mapping", "task_state spawning",
         "vm_state active", "task_state None"],
    ]  # fmt: skip
    networking, mapping, *_ = [step.start for step in boot.chapters[2].children if step.kind == "state"]
    (call,) = [step for step in boot.chapters[2].children if step.kind == "rpc"]
    assert networking <= call.start <= (call.end or 0) <= mapping


def test_2011_statements_are_those_of_each_step() -> None:
    """In their order; none of one service under a step of another."""
    (boot,) = diablo(*SERVICES).boots
    made = {
        step.name + (f" at {step.service}" if step.kind == "rpc" else ""): [
            (child.text("verb"), str(child.attributes["tables"][0]))  # type: ignore[index]
            for child in step.children
            if child.kind == "sql" and child.service == step.service
        ]
        for step in boot.walk()
        if step.text("side") == "server"
    }
    assert sum(map(len, made.values())) == boot.counts()["sql"]
    assert made["run_instance at scheduler"] == [("SELECT", "services")]
    assert made["run_instance at compute"] == [
        ("SELECT", "instances"), *[("SELECT", "instances"), ("UPDATE", "instances")] * 2,
        ("SELECT", "block_device_mapping"), *[("SELECT", "instances"), ("UPDATE", "instances")] * 2,
    ]  # fmt: skip
    assert [made["POST /v1.1/demo/servers"][place] for place in (0, 7, 14)] == [
        ("SELECT", "instance_types"), ("SELECT", "security_groups"), ("UPDATE", "instances"),
    ]  # fmt: skip
    network = made["allocate_for_instance at network"]
    assert (network[1], network.count(("UPDATE", "fixed_ips"))) == (("INSERT", "virtual_interfaces"), 2)


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
    assert found.warnings == ["20 of 892 SQL statements in the logs belong to no request: 20 periodic"]


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


def test_today_statements_tell_what_some_objects_do(today: Path, all_of_today: Trace) -> None:
    """From the logs alone, where only one method sends such a statement; never another name than the message's."""
    alone = trace(*sorted(today.glob("*.log")))
    by_logs, by_messages = (
        {
            str(step.attributes["msg_id"]): step.name
            for boot in [*found.boots, *found.others]
            for step in boot.walk()
            if step.kind == "rpc" and step.text("side") == "server" and step.text("msg_id")
        }
        for found in (alone, all_of_today)
    )
    assert by_logs.keys() == by_messages.keys()
    known = Counter(name for name in by_logs.values() if not name.startswith("object_"))
    assert known == {
        "Instance.save": 9, "ComputeNode.save": 3, "InstanceActionEvent.event_start": 2, "Instance.destroy": 1,
        "VirtualInterface.create": 1, "select_destinations": 1,
    }  # fmt: skip
    assert all(name.startswith("object_") or name == by_messages[each] for each, name in by_logs.items())


def _copied(copies: Path, request_id: str) -> Counter[str]:
    """What the broker's copies say was sent under a request's id."""
    found: Counter[str] = Counter()
    for line in copies.read_text().splitlines():
        copy = json.loads(line)
        message = copy["payload"].get("oslo.message", {})
        if copy["trace_key"].startswith("publish") and message.get("_context_request_id") == request_id:
            asked = message["args"]
            owner = asked["objinst"]["nova_object.name"] if "objinst" in asked else asked.get("objname")
            found[f"{owner}.{asked['objmethod']}" if "objmethod" in asked else message["method"]] += 1
    return found


def test_today_messages_are_those_that_were_copied(today: Path, all_of_today: Trace) -> None:
    """Beside them, under other ids, what the compute keeps of itself and what Neutron says of the port."""
    (boot,) = all_of_today.boots
    sent = Counter(step.name for step in boot.walk() if step.kind == "rpc" and step.text("side") == "client")
    copied = _copied(today / COPIES, boot.request_id)
    assert copied["Instance.save"] == 7
    assert sent - copied == {"ComputeNode.save": 1, "external_instance_event": 1}
    assert not copied - sent


def test_today_requests_have_both_ends_and_fit_into_each_other(all_of_today: Trace) -> None:
    """Those to the same path within a few milliseconds, too. One log line of Glance's tells an earlier request's id."""
    (boot,) = all_of_today.boots
    asked = [step for step in boot.walk() if step.kind == "http" and step.text("side") == "client"]
    alone = [step.name for step in asked if not any(child.kind == "http" for child in step.children)]
    assert alone == ["GET /v2/schemas/image"]
    for step in asked:
        for child in step.children:
            assert step.start - 10_000_000 <= child.start <= (child.end or 0) <= (step.end or 0) + 10_000_000, step.name


def test_today_statements_are_of_the_service_they_stand_in(all_of_today: Trace) -> None:
    """And an instance is saved where something saves it."""
    (boot,) = all_of_today.boots
    parents = {id(child): step for step in boot.walk() for child in step.children if child.kind == "sql"}
    made = [step for step in boot.walk() if step.kind == "sql"]
    assert all(parents[id(step)].service == step.service for step in made)
    assert {parents[id(step)].name for step in made if step.name == "UPDATE instances"} == {"Instance.save"}
    assert {parents[id(step)].name for step in made if step.name == "INSERT instances"} == {
        "schedule_and_build_instances"
    }


def test_today_a_thread_that_kept_its_context_adds_nothing_to_the_boot(all_of_today: Trace) -> None:
    """GET /v2.1 sets no context: 19 s later its lines still tell the boot's request id."""
    (boot,) = all_of_today.boots
    assert "GET /v2.1" not in [step.name for step in boot.walk()]
    assert boot.duration < 6_000_000_000


def steps(boot: Request) -> list[tuple[object, ...]]:
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


def rpc(boot: Request) -> list[tuple[object, ...]]:
    return [(s.address, s.service, s.name, s.opened_by) for s in boot.walk() if s.kind == "rpc"]


def test_commands_take_what_logs_tell(tmp_path: Path) -> None:
    output = tmp_path / "d.trace.jsonl.gz"
    run = CliRunner().invoke(main, ["ingest", "-o", str(output), str(DIABLO)])
    assert run.exit_code == 0, run.output
    assert "1 boot and 0 other requests" in run.output
    shown = CliRunner().invoke(main, ["show", str(output)]).output
    assert "3-1-1. [network] allocate_for_instance" in shown


def test_requests_in_the_services_log_and_in_the_servers_are_one_each() -> None:
    """uWSGI's lines in a file of their own tell no ids, and whole seconds: of one boot they made two."""
    found = trace(DATA / "uwsgi" / "nova-api.log", DATA / "uwsgi" / "nova-api-access.log")
    assert [boot.request_id for boot in found.boots] == ["req-20863ec1-3cd8-47a2-ae35-46117662785f"]
    told = [step for request in (*found.boots, *found.others) for step in request.walk() if step.kind == "http"]
    assert Counter(step.name for step in told) == {
        "GET /v2.1": 1, "GET /v2.1/flavors/tiny": 1, "POST /v2.1/servers": 1,
        "GET /v2.1/servers/873debb1-3bb9-4198-9b27-de0a0a091dfa": 3,
    }  # fmt: skip
