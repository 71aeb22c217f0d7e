"""Cinder's and Neutron's services, told apart in traces of any version, and folded in comparisons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from gzip import open as gzip_open
from pathlib import Path

import pytest

from diagrams.sequence.build import sequence
from tests.support.events import Cloud
from tracer import trace_file
from tracer.correlation import links, services
from tracer.correlation.forest import Forest
from tracer.diff.baseline.normalise import normal
from tracer.diff.baseline.writer import written
from tracer.diff.compare.compare import compare
from tracer.events import Process
from tracer.model import Request, Step, Trace, lanes

LEGS = Path(__file__).parent / "data" / "legs"
TRACES = ("snapshot", "hybrid", "ovn")
#: A boot like `snapshot`, by a version that named services after their projects.
OLDER = "older"
#: Beginnings of topics that Neutron's and Cinder's services use.
TOPICS = ("q-", "neutron-vo-", "cinder-", "reply_", "dhcp_agent", "l3_agent", "notifications")


def trace(name: str) -> Trace:
    """Return a recorded trace."""
    return trace_file.read(LEGS / f"{name}.trace.jsonl.gz")


def steps(name: str) -> Iterator[Step]:
    recorded = trace(name)
    for request in [*recorded.boots, *recorded.others]:
        yield from request.walk()


def as_written(name: str) -> Request:
    """Return the boot with the services and peers that its file has."""
    with gzip_open(LEGS / f"{name}.trace.jsonl.gz") as file:
        lines = [json.loads(line) for line in file][1:]
    (boot, *_) = trace(name).boots
    by_address = {line["address"]: line for line in lines if line["boot"] == boot.number}
    for step in boot.walk():
        step.service = by_address[step.address]["service"]
        step.attributes = by_address[step.address]["attributes"]
    return boot


def test_a_volume_from_a_snapshot_passes_cinder_s_api_scheduler_and_volume() -> None:
    """Each service has a name of its own, and is named as the receiver of what is sent to it."""
    sent = [
        (step.service, step.text("mode"), step.text("method") or step.name, step.text("peer"))
        for step in steps("snapshot")
        if step.kind == "rpc" and step.is_client and step.text("topic").startswith("cinder-")
    ]
    assert sorted(set(sent)) == [
        ("volume-api", "call", "attachment_update", "volume"),
        ("volume-api", "cast", "create_volume", "volume-scheduler"),
        ("volume-scheduler", "cast", "create_volume", "volume"),
    ]
    requests = [step for step in steps("snapshot") if "/v3/attachments" in step.text("path")]
    assert {step.service if step.is_server else step.text("peer") for step in requests} == {"volume-api"}


@pytest.mark.parametrize("name", TRACES)
def test_a_topic_is_never_a_participant(name: str) -> None:
    """Fanouts to agents go to the agent, received or not."""
    for step in steps(name):
        assert not step.text("peer").startswith(TOPICS)
        if step.text("topic").startswith(("q-agent-notifier-", "neutron-vo-")) and step.is_client:
            assert step.text("peer") == "network-agent"


@pytest.mark.parametrize("name", ["snapshot", "hybrid"])
def test_neutron_s_agent_is_not_its_server(name: str) -> None:
    """The agent's process receives pushes; workers of the server answer the agent and the API's clients."""
    pushed = {step.service for step in steps(name) if step.is_server and step.name == "push"}
    requests = {step.service for step in steps(name) if step.is_server and step.text("path").startswith("/v2.0/")}
    assert (pushed, requests) == ({"network-agent"}, {"network"})


def test_what_ovn_reports_is_ovn_s() -> None:
    """A thread of Neutron's server acts on reports of OVN's databases; the API's own calls of the driver differ."""
    calls = [step for step in steps("ovn") if step.text("class") == "OVNMechanismDriver"]
    lanes_by_function = {step.text("function"): step.service for step in calls}
    assert lanes_by_function["set_port_status_up"] == "network-ovn"
    assert lanes_by_function["create_port_postcommit"] == "network"


@pytest.mark.parametrize("detail", ["brief", "calls", "full"])
@pytest.mark.parametrize("name", TRACES)
def test_the_lanes_of_a_picture_follow_the_boot_s_path(name: str, detail: str) -> None:
    """At every detail the services of a project stand beside each other, and no lane is a queue."""
    (boot, *_) = trace(name).boots
    drawn = sequence(boot, detail).lanes
    assert drawn == sorted(drawn, key=lanes.order)
    assert all(lanes.family(lane) in lanes.PARTICIPANTS for lane in drawn)
    if name == "snapshot":
        families = [lane for lane in drawn if lanes.family(lane) in lanes.SUB_LANES]
        assert families == ["network", "network-agent", "volume-api", "volume-scheduler", "volume"]


def test_a_boot_of_an_older_version_is_the_same_boot() -> None:
    """Comparisons and baselines fold services, so finer names are not a change."""
    (boot, *_) = trace(OLDER).boots
    before = as_written(OLDER)
    assert {step.service for step in before.walk()} < {step.service for step in boot.walk()}
    new, old = normal(boot, "boot"), normal(before, "boot")
    assert compare(old, new).changes == []
    assert written(new) == written(old)


def test_programs_tell_services_apart_and_what_runs_inside_them_has_their_names() -> None:
    """The command line decides, also of steps that name no module."""
    cloud = Cloud()
    names = ("cinder-api", "cinder-scheduler", "cinder-volume", "neutron-server", "neutron-openvswitch-agent")
    for program in names:
        process = cloud.process(program)
        with process.step("rpc", "m", side="server", module="cinder.x" if "cinder" in program else "neutron.x"):
            process.sql("SELECT 1")
    recorded = [[step.service for step in head.walk()] for head in links.build(cloud.events).heads]
    assert recorded == [[name] * 2 for name in ("volume-api", "volume-scheduler", "volume", "network", "network-agent")]


def test_a_server_whose_command_names_no_service_is_told_by_what_it_serves() -> None:
    """Several WSGI servers are called uwsgi."""
    cloud = Cloud()
    web = cloud.process("uwsgi --ini x.ini")
    with web.step("http", "GET /", side="server", application="cinder.api.middleware.request_id"):
        web.sql("SELECT 1")
    (head,) = links.build(cloud.events).heads
    assert [step.service for step in head.walk()] == ["volume-api", "volume-api"]


def test_a_process_that_shows_two_services_keeps_the_project_s_name() -> None:
    """An unknown service is better than a wrong one."""
    cloud = Cloud()
    process = cloud.process("cinder")
    for module in ("cinder.scheduler.manager", "cinder.volume.manager"):
        process.does("rpc", "m", side="server", module=module)
    assert {head.service for head in links.build(cloud.events).heads} == {"volume"}


def test_a_privsep_daemon_works_for_its_caller() -> None:
    """Its command line names a library's context, which several services use."""
    processes = {
        "caller/1": Process("caller", 1, "h1", "/usr/bin/cinder-scheduler"),
        "daemon/1": Process("daemon", 2, "h1", "privsep-helper --privsep_context os_brick.privileged.default"),
    }
    caller, inner = (Step(id_, "call", "", "f", start) for start, id_ in enumerate(processes))
    forest = Forest()
    forest.adopt(caller, inner, "call_id")
    forest.heads = [caller]
    services.name(processes, forest)
    assert [caller.service, inner.service] == ["volume-scheduler"] * 2


def test_messages_of_a_topic_go_where_others_of_it_were_received() -> None:
    """A topic that no table knows has its consumer's name, also where a message was lost."""
    cloud = Cloud()
    server, agent = cloud.process("neutron-server"), cloud.process("neutron-l3-agent")
    for unique_id in ("u1", "u2"):
        server.does("rpc", "m", side="client", mode="cast", topic="a-plugin-s-own", unique_id=unique_id)
    agent.does("rpc", "m", side="server", unique_id="u1")
    sent = [head for head in links.build(cloud.events).heads if head.is_client]
    assert [step.text("peer") for step in sent] == ["network-l3", "network-l3"]
