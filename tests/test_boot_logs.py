"""Boots rebuilt from logs and message copies alone: Nova of 2011 and Nova 34."""

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


def test_2011_messages_name_their_witnesses_and_the_evidence_that_links_them() -> None:
    (boot,) = diablo(*SERVICES, COPIES).boots
    rpc = [step for step in boot.walk() if step.kind == "rpc"]
    assert {step.witnesses for step in rpc} == {("logs", "broker")}
    assert [chapter.tied_by for chapter in boot.chapters] == ["", "payload", "payload"]
    (alone,) = diablo(*SERVICES).boots
    assert [chapter.tied_by for chapter in alone.chapters] == ["", "topic_order", "topic_order"]


def test_2011_statements_are_below_the_steps_of_their_service() -> None:
    result = diablo(*SERVICES)
    (boot,) = result.boots
    by_service = {
        service: [step for step in boot.walk() if step.kind == "sql" and step.service == service]
        for service in ("API", "scheduler", "compute", "network")
    }
    assert {service: len(steps) for service, steps in by_service.items()} == {
        "API": 15, "scheduler": 1, "compute": 10, "network": 17,
    }  # fmt: skip
    assert all(step.tied_by == "time" for steps in by_service.values() for step in steps)
    assert "UPDATE services" not in [step.name for step in boot.walk()]
    assert result.warnings == ["26 of 69 SQL statements in the logs belong to no request: 24 periodic, 2 start-up"]


def _state_changes(chapter: Step) -> list[str]:
    """Return the states that a chapter sets, in order."""
    all_changes = [step.attributes["changes"] for step in chapter.walk() if step.kind == "state"]
    return [
        f"{name} {values[-1]}"
        for changes in all_changes
        for name, values in (changes.items() if isinstance(changes, dict) else ())
        if name in ("vm_state", "task_state") and isinstance(values, list)
    ]


def test_2011_states_are_in_the_chapter_that_set_them_in_order() -> None:
    """The API sets two states before its cast; the compute calls the network between networking and mapping."""
    (boot,) = diablo(*SERVICES, COPIES).boots
    assert [_state_changes(chapter) for chapter in boot.chapters] == [
        ["vm_state building", "task_state scheduling"],
        [],
        ["task_state networking", "task_state block_device_mapping", "task_state spawning",
         "vm_state active", "task_state None"],
    ]  # fmt: skip
    networking, mapping, *_ = [step.start for step in boot.chapters[2].children if step.kind == "state"]
    (call,) = [step for step in boot.chapters[2].children if step.kind == "rpc"]
    assert networking <= call.start <= (call.end or 0) <= mapping


def test_2011_statements_are_in_order_below_their_own_step() -> None:
    (boot,) = diablo(*SERVICES).boots
    statements = {
        step.name + (f" at {step.service}" if step.kind == "rpc" else ""): [
            (child.text("verb"), str(child.attributes["tables"][0]))  # type: ignore[index]
            for child in step.children
            if child.kind == "sql" and child.service == step.service
        ]
        for step in boot.walk()
        if step.text("side") == "server"
    }
    assert sum(map(len, statements.values())) == boot.counts()["sql"]
    assert statements["run_instance at scheduler"] == [("SELECT", "services")]
    assert statements["run_instance at compute"] == [
        ("SELECT", "instances"), *[("SELECT", "instances"), ("UPDATE", "instances")] * 2,
        ("SELECT", "block_device_mapping"), *[("SELECT", "instances"), ("UPDATE", "instances")] * 2,
    ]  # fmt: skip
    assert [statements["POST /v1.1/demo/servers"][index] for index in (0, 7, 14)] == [
        ("SELECT", "instance_types"), ("SELECT", "security_groups"), ("UPDATE", "instances"),
    ]  # fmt: skip
    network = statements["allocate_for_instance at network"]
    assert (network[1], network.count(("UPDATE", "fixed_ips"))) == (("INSERT", "virtual_interfaces"), 2)


def test_2011_password_in_messages_is_masked() -> None:
    for names in ((*SERVICES, COPIES), (COPIES,)):
        (boot,) = diablo(*names).boots
        assert "samplePASSword12" not in repr(list(boot.walk()))


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nova34(tmp_path_factory.mktemp("nova34"))


@pytest.fixture(scope="module")
def today_trace(today: Path) -> Trace:
    return trace(today)


def test_today_is_one_boot_and_one_delete(today_trace: Trace) -> None:
    (boot,) = today_trace.boots
    assert (boot.server, boot.outcome, boot.host) == ("capvm", "active", "vm")
    assert heads(boot)[:3] == [
        ("API", "POST /v2.1/servers"),
        ("conductor", "schedule_and_build_instances"),
        ("compute", "build_and_run_instance"),
    ]
    assert states(boot, "task_state") == [
        "scheduling", None, "networking", "block_device_mapping", "spawning", None,
    ]  # fmt: skip
    (delete,) = [other for other in today_trace.others if other.operation.startswith("DELETE")]
    assert ("compute", "terminate_instance") in heads(delete)


def test_today_statements_are_linked_by_request_id(today_trace: Trace) -> None:
    links = [
        step.tied_by for boot in [*today_trace.boots, *today_trace.others] for step in boot.walk() if step.kind == "sql"
    ]
    assert links.count("request_id") / 892 > 0.95
    assert today_trace.warnings == ["20 of 892 SQL statements in the logs belong to no request: 20 periodic"]


def test_today_every_message_has_both_ends(today: Path, today_trace: Trace) -> None:
    assert ends(today_trace) == ([], [])
    for sources in tuple(sorted(today.glob("*.log"))), (today / COPIES,):
        assert ends(trace(*sources)) == ([], [])


def test_today_copies_name_the_method_that_a_log_calls_object_action(today: Path) -> None:
    def names(*paths: Path) -> set[str]:
        return {step.name for step in trace(*paths).boots[0].walk() if step.kind == "rpc"}

    logs = sorted(today.glob("nova-*.log"))
    assert "object_action" in names(*logs)
    assert "Instance.save" in names(*logs, today / COPIES)
    assert "object_action" not in names(*logs, today / COPIES)


def test_today_statements_name_the_method_of_some_object_actions(today: Path, today_trace: Trace) -> None:
    """Only where a single method sends such a statement; the name never contradicts the message's."""
    alone = trace(*sorted(today.glob("*.log")))
    by_logs, by_messages = (
        {
            str(step.attributes["msg_id"]): step.name
            for boot in [*trace_.boots, *trace_.others]
            for step in boot.walk()
            if step.kind == "rpc" and step.text("side") == "server" and step.text("msg_id")
        }
        for trace_ in (alone, today_trace)
    )
    assert by_logs.keys() == by_messages.keys()
    known = Counter(name for name in by_logs.values() if not name.startswith("object_"))
    assert known == {
        "Instance.save": 9, "ComputeNode.save": 3, "InstanceActionEvent.event_start": 2, "Instance.destroy": 1,
        "VirtualInterface.create": 1, "select_destinations": 1,
    }  # fmt: skip
    assert all(name.startswith("object_") or name == by_messages[msg_id] for msg_id, name in by_logs.items())


def _copied(copies: Path, request_id: str) -> Counter[str]:
    """Count the messages that the broker's copies contain for a request id."""
    counts: Counter[str] = Counter()
    for line in copies.read_text().splitlines():
        copy = json.loads(line)
        message = copy["payload"].get("oslo.message", {})
        if copy["trace_key"].startswith("publish") and message.get("_context_request_id") == request_id:
            arguments = message["args"]
            owner = arguments["objinst"]["nova_object.name"] if "objinst" in arguments else arguments.get("objname")
            counts[f"{owner}.{arguments['objmethod']}" if "objmethod" in arguments else message["method"]] += 1
    return counts


def test_today_messages_equal_the_copied_messages(today: Path, today_trace: Trace) -> None:
    """Two more have other request ids: the compute's resource update and Neutron's port event."""
    (boot,) = today_trace.boots
    sent = Counter(step.name for step in boot.walk() if step.kind == "rpc" and step.text("side") == "client")
    copied = _copied(today / COPIES, boot.request_id)
    assert copied["Instance.save"] == 7
    assert sent - copied == {"ComputeNode.save": 1, "external_instance_event": 1}
    assert not copied - sent


def test_today_http_requests_have_both_ends_and_nest(today_trace: Trace) -> None:
    """Also for one path twice within milliseconds. A log line of Glance's has an earlier request's id."""
    (boot,) = today_trace.boots
    sent = [step for step in boot.walk() if step.kind == "http" and step.text("side") == "client"]
    alone = [step.name for step in sent if not any(child.kind == "http" for child in step.children)]
    assert alone == ["GET /v2/schemas/image"]
    for step in sent:
        for child in step.children:
            assert step.start - 10_000_000 <= child.start <= (child.end or 0) <= (step.end or 0) + 10_000_000, step.name


def test_today_statements_are_below_steps_of_their_own_service(today_trace: Trace) -> None:
    """And an instance is updated only below ``Instance.save``."""
    (boot,) = today_trace.boots
    parents = {id(child): step for step in boot.walk() for child in step.children if child.kind == "sql"}
    statements = [step for step in boot.walk() if step.kind == "sql"]
    assert all(parents[id(step)].service == step.service for step in statements)
    assert {parents[id(step)].name for step in statements if step.name == "UPDATE instances"} == {"Instance.save"}
    assert {parents[id(step)].name for step in statements if step.name == "INSERT instances"} == {
        "schedule_and_build_instances"
    }


def test_today_a_thread_with_a_stale_context_adds_nothing_to_the_boot(today_trace: Trace) -> None:
    """GET /v2.1 sets no context: 19 s later its lines still contain the boot's request id."""
    (boot,) = today_trace.boots
    assert "GET /v2.1" not in [step.name for step in boot.walk()]
    assert boot.duration < 6_000_000_000


def steps(boot: Request) -> list[tuple[object, ...]]:
    """Return everything about a boot's steps but times and ids."""
    return [
        (s.address, s.service, s.kind, _ANY.sub("…", s.name), s.tied_by, s.witnesses, s.opened_by) for s in boot.walk()
    ]


_ANY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|capvm\d")
MIXTURES = pytest.mark.parametrize("pattern", ["*.log", "*.jsonl", "*.*"], ids=["logs", "copies", "all"])


@MIXTURES
@pytest.mark.parametrize("apart", [pytest.param(400, marks=pytest.mark.slow), 37])
def test_three_boots_at_once_are_separated(pattern: str, apart: int, today: Path, tmp_path: Path) -> None:
    """They overlap in one conductor, scheduler and compute; every boot has the same steps as when it runs alone."""
    result = trace(*sorted(at_once(today, tmp_path, boots=3, apart=apart).glob(pattern)))
    (alone,) = trace(*sorted(today.glob(pattern))).boots
    assert len({boot.request_id for boot in result.boots}) == 3
    for boot in result.boots:
        assert boot.outcome == alone.outcome
        assert steps(boot) == steps(alone)
    assert not [warning for warning in result.warnings if "unknown" in warning or "clock" in warning]


@MIXTURES
def test_2011_three_boots_at_once_are_separated_by_their_messages(pattern: str, tmp_path: Path) -> None:
    """Statements of 2011 have no request id: those sent while several boots run stay unassigned."""
    result = trace(*sorted(at_once(DIABLO, tmp_path, boots=3, apart=400).glob(pattern)))
    (alone,) = trace(*sorted(DIABLO.glob(pattern))).boots
    assert len({boot.request_id for boot in result.boots}) == 3
    for boot in result.boots:
        assert heads(boot) == heads(alone)
        assert rpc(boot) == rpc(alone)
    if pattern != "*.jsonl":
        assert any(entry.why == "unknown" and entry.kind == "sql" for entry in result.untied)


def rpc(boot: Request) -> list[tuple[object, ...]]:
    return [(s.address, s.service, s.name, s.opened_by) for s in boot.walk() if s.kind == "rpc"]


def test_ingest_and_show_work_on_logs(tmp_path: Path) -> None:
    output = tmp_path / "d.trace.jsonl.gz"
    run = CliRunner().invoke(main, ["ingest", "-o", str(output), str(DIABLO)])
    assert run.exit_code == 0, run.output
    assert "1 boot and 0 other requests" in run.output
    shown = CliRunner().invoke(main, ["show", str(output)]).output
    assert "3-1-1. [network] allocate_for_instance" in shown


def test_a_request_in_the_services_log_and_in_uwsgis_is_one_step() -> None:
    """uWSGI's lines in a file of their own have no ids and times in whole seconds."""
    result = trace(DATA / "uwsgi" / "nova-api.log", DATA / "uwsgi" / "nova-api-access.log")
    assert [boot.request_id for boot in result.boots] == ["req-20863ec1-3cd8-47a2-ae35-46117662785f"]
    steps_ = [step for request in (*result.boots, *result.others) for step in request.walk() if step.kind == "http"]
    assert Counter(step.name for step in steps_) == {
        "GET /v2.1": 1, "GET /v2.1/flavors/tiny": 1, "POST /v2.1/servers": 1,
        "GET /v2.1/servers/873debb1-3bb9-4198-9b27-de0a0a091dfa": 3,
    }  # fmt: skip
