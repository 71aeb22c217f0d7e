"""Boots with volumes and ports by their services' logs alone, compared with what the hooks recorded of them."""

from __future__ import annotations

import re

import pytest

from tests.support import legs
from tracer.model import Request, Step, Trace


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trace]:
    folder = tmp_path_factory.mktemp("legs")
    return {name: legs.ingest(name, folder) for name in legs.BOOTS}


@pytest.fixture(scope="module", params=legs.BOOTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def boot(name: str, traces: dict[str, Trace]) -> Request:
    (boot,) = traces[name].boots
    return boot


def messages(steps: list[Step]) -> str:
    return "\n".join(step.text("message") for step in steps)


def test_each_recording_is_one_boot_that_became_active(boot: Request) -> None:
    assert boot.outcome == "active"


def test_no_step_is_of_another_boot_or_below_what_it_was_not_done_for(name: str, boot: Request) -> None:
    known = legs.truth(name)
    assert list(legs.faults(boot, known)) == []
    compared = [step for step in boot.walk() if known.row(step) is not None]
    assert {step.kind for step in compared} == {"http", "rpc", "log"}
    assert len(compared) > 200


def test_answers_are_those_that_the_hooks_saw(name: str, boot: Request) -> None:
    """Two threads of compute create the port and the volume at once."""
    posts = {step.name: step.text("status") for step in boot.walk() if step.is_client and step.text("method") == "POST"}
    assert posts["POST /v2.0/ports"] == "201"
    assert posts.get("POST /v3/volumes", "202") == "202"


@pytest.mark.parametrize("name", ["snap2", "hyb"], scope="module")
class TestAgent:
    """The Open vSwitch agent, whose loop has one request id for as long as it runs."""

    @pytest.fixture
    def chapters(self, name: str, traces: dict[str, Trace]) -> list[Step]:
        return [chapter for chapter in traces[name].boots[0].chapters if chapter.tied_by == "port"]

    def test_its_work_on_the_port_is_in_the_tree_by_the_port(self, chapters: list[Step]) -> None:
        text = messages([step for chapter in chapters for step in chapter.children])
        assert "Preparing filters for devices" in text
        assert "Configuration for devices up" in text
        assert "Agent rpc_loop" not in text

    def test_its_report_to_the_server_is_below_it(self, chapters: list[Step]) -> None:
        reports = [step for chapter in chapters for step in chapter.walk() if step.name == "update_device_list"]
        assert {step.mode for step in reports if step.is_client} == {"call"}
        assert any(step.is_server for step in reports)

    def test_its_reports_of_being_alive_are_of_no_boot(self, name: str, traces: dict[str, Trace]) -> None:
        names = {step.name for step in traces[name].boots[0].walk()}
        assert "report_state" not in names


def test_a_privileged_daemon_s_line_is_of_the_boot_only_if_it_names_the_port(boot: Request) -> None:
    """Its lines have no request id: most are of nothing that a log shows."""
    replies = [step for step in boot.walk() if step.text("logger") == "oslo.privsep.daemon"]
    ports = set(re.findall(r"Successfully created port: (\S+)", messages(list(boot.walk()))))
    assert all(any(port[:11] in reply.text("message") for port in ports) for reply in replies)


def test_ovn_s_report_that_the_port_is_up_is_in_the_tree(traces: dict[str, Trace]) -> None:
    (boot,) = traces["ovn"].boots
    assert "OVN reports status up for port: 0deb20c4-1377-4d29-b3b7-083d06988686" in messages(list(boot.walk()))


def test_events_for_nova_are_in_the_tree(boot: Request) -> None:
    """Neutron's notifier sends them from a thread of its own, without a request id."""
    text = messages(list(boot.walk()))
    assert "Creating event network-vif-plugged:" in text
    posts = [step for step in boot.walk() if step.name == "POST /v2.1/os-server-external-events" and step.is_server]
    assert posts
    assert all(chapter.tied_by == "instance" for chapter in boot.chapters if chapter.name == posts[0].name)


def test_cinder_s_work_is_below_the_request_for_the_volume(traces: dict[str, Trace]) -> None:
    (boot,) = traces["snap2"].boots
    created = [step for step in boot.walk() if step.name == "create_volume" and step.is_server]
    assert len(created) == 4  # two volumes, each by the scheduler and by the manager
    assert all(chapter.opened_by for chapter in boot.chapters if chapter.name == "create_volume")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    return legs.ingest("two", tmp_path_factory.mktemp("two"))


class TestTwoBootsAtOnce:
    """Two servers on one network, whose ports the agent works on in one run of its loop."""

    @pytest.fixture
    def boots(self, two: Trace) -> list[Request]:
        return two.boots

    def test_both_are_active_and_end_in_time(self, boots: list[Request]) -> None:
        assert [(boot.server, boot.outcome) for boot in boots] == [("twoA", "active"), ("twoB", "active")]
        assert all(boot.duration < 30_000_000_000 for boot in boots)

    def test_neither_has_a_line_about_the_other_s_port(self, boots: list[Request]) -> None:
        texts = [messages(list(boot.walk())) for boot in boots]
        ports = [set(re.findall(r"Successfully created port: (\S+)", text)) for text in texts]
        assert [len(own) for own in ports] == [1, 1]
        assert not any(port[:11] in texts[1] for port in ports[0])
        assert not any(port[:11] in texts[0] for port in ports[1])

    def test_each_has_what_the_agent_did_for_its_port(self, boots: list[Request]) -> None:
        for boot in boots:
            lines = [step for step in boot.walk() if step.text("logger").endswith("ovs_neutron_agent")]
            (port,) = set(re.findall(r"Successfully created port: (\S+)", messages(list(boot.walk()))))
            assert any(step.text("message").startswith(f"Port {port} updated.") for step in lines)
