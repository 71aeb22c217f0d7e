"""Work on ports that carries no request id: in the tree of the only request that owns the ports, or in none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.events import Cloud, outline, tree
from tests.support.network_events import AGENT, EVENTS, OWN, PORT, Network, chapters, event, opener, works_on
from tests.test_tracer_correlation_requests import assert_numbered


def test_the_agents_work_is_a_chapter_that_the_plug_opened() -> None:
    """With the server's part and what it sends; the id of the agent's own context links nothing else."""
    cloud = Cloud()
    network = Network(cloud)
    network.boots(1)
    network.agent.log("idle", OWN)
    network.rpc_server.does("sql", statement="SELECT 1 FROM agents", request_id=OWN)
    network.loop(PORT.format(1))
    network.loop(PORT.format(1), up=False)
    network.agent.on(9).log("later", OWN)
    trace = cloud.trace()
    (boot,) = trace.boots
    first, second = chapters(boot, "process_network_ports")
    assert (first.tied_by, second.tied_by) == ("port", "port")
    assert opener(boot, first).text("arguments").startswith("['ovsdb'")
    # The report changed the port, of which the agent was told.
    assert opener(boot, second).text("function") == "port_update"
    assert outline(first).splitlines()[-5:] == [
        "  network-agent rpc update_device_list",
        "    network rpc update_device_list",
        "      network call neutron.plugins.ml2.rpc:RpcCallbacks.update_device_up",
        "        network sql UPDATE ports",
        "        network rpc push",
    ]
    assert OWN not in boot.request_ids
    assert "idle" not in [step.text("message") for step in boot.walk()]
    assert "later" not in [step.text("message") for step in boot.walk()]
    assert trace.others == []
    assert_numbered(trace)


def test_two_boots_at_once_have_their_own_work_of_one_run() -> None:
    """Leave to neither what a run does for all ports at once."""
    cloud = Cloud()
    network = Network(cloud)
    network.boots(1, 2)
    network.loop(PORT.format(1), PORT.format(2))
    trace = cloud.trace()
    for number, boot in enumerate(trace.boots, 1):
        assert works_on(boot) == {PORT.format(number)}
        for part in ("treat_vif_port", "prepare_port_filter", "update_device_up"):
            assert len(chapters(boot, part)) == 1
        assert chapters(boot, "process_network_ports") == []
        assert "neutron.privileged.x" in tree(boot)
        # The server's message to the agent follows the part that sent it.
        assert opener(boot, chapters(boot, "push")[-1]).tied_by == "context"
    (rest,) = trace.others
    assert tree(rest).splitlines() == [
        f"network-agent call {AGENT}process_network_ports",
        "  network-agent rpc update_device_list",
        "    network rpc update_device_list",
    ]
    assert_numbered(trace)


def test_two_boots_one_after_the_other_have_a_run_each() -> None:
    cloud = Cloud()
    network = Network(cloud)
    for number in (1, 2):
        network.boots(number)
        network.loop(PORT.format(number))
    trace = cloud.trace()
    assert [works_on(boot) for boot in trace.boots] == [{PORT.format(1)}, {PORT.format(2)}]
    assert [len(chapters(boot, "process_network_ports")) for boot in trace.boots] == [1, 1]


def test_a_refresh_of_another_s_port_is_taken_out_of_a_boot_s_run() -> None:
    """A port that no recorded request owns, and all ports."""
    cloud = Cloud()
    network = Network(cloud)
    network.boots(1)
    for foreign in (PORT.format(99), "…"):
        with network.works("process_network_ports", PORT.format(1)), network.works("refresh_firewall", foreign):
            with network.works("update_port_filter", PORT.format(1)):
                pass
            network.agent.does("command", "for the foreign one")
    (boot,) = cloud.trace().boots
    assert works_on(boot) == {PORT.format(1)}
    assert [len(chapters(boot, name)) for name in ("process_network_ports", "update_port_filter")] == [2, 2]
    assert "for the foreign one" not in tree(boot)


def test_a_run_without_ports_of_its_own_is_for_those_of_its_parts() -> None:
    cloud = Cloud()
    network = Network(cloud)
    network.boots(1, 2)
    for numbers in ((1,), (1, 2)):
        with network.works("process_network_ports"):
            for number in numbers:
                with network.works("treat_vif_port", PORT.format(number)):
                    pass
            network.agent.does("command", "for all of them")
    first, second = cloud.trace().boots
    assert [len(chapters(first, name)) for name in ("process_network_ports", "treat_vif_port")] == [1, 1]
    assert [len(chapters(second, name)) for name in ("process_network_ports", "treat_vif_port")] == [0, 1]
    assert "for all of them" in tree(first)
    assert "for all of them" not in tree(second)


def test_work_on_a_port_without_an_owner_is_counted() -> None:
    cloud = Cloud()
    network = Network(cloud)
    network.boots(1)
    network.loop(PORT.format(77), up=False)
    trace = cloud.trace()
    assert chapters(trace.boots[0], "process_network_ports") == []
    (rest,) = trace.untied
    assert (rest.why, rest.kind, rest.what) == ("unknown", "call", f"{AGENT}process_network_ports")


def test_ovns_report_that_a_port_is_up_is_a_chapter_that_the_plug_opened() -> None:
    cloud = Cloud()
    network = Network(cloud)
    network.boots(1)
    up = "neutron.plugins.ml2.drivers.ovn.mech_driver.mech_driver:OVNMechanismDriver.set_port_status_up"
    with network.server.on(60).call(up, ports=[PORT.format(1)]):
        network.server.on(60).sql("DELETE FROM provisioningblocks WHERE standard_attr_id = ?", 1)
    boot = cloud.boot()
    (chapter,) = chapters(boot, "set_port_status_up")
    assert opener(boot, chapter).name == "ovsdb"
    assert [child.kind for child in chapter.children] == ["sql"]


def test_messages_of_an_agent_that_was_not_traced_are_their_port_s() -> None:
    cloud = Cloud()
    network = Network(cloud)
    network.boots(1)
    network.report(PORT.format(1))
    arguments = {"devices_up": [PORT.format(1), "… 5 in all"], "devices_down": []}
    network.agent.does("rpc", "update_device_list", side="client", mode="call", arguments=arguments)
    boot = cloud.boot()
    (chapter,) = chapters(boot, "update_device_list")
    assert chapter.children[0].is_server


def queued_and_sent(network: Network, *batches: tuple[str, ...]) -> None:
    """Report ports as up, queue their events, and send these in batches."""
    for port in {port: None for batch in batches for port in batch}:
        with network.works("process_network_ports", port):
            network.report(port)
        with network.rpc_server.call("neutron.plugins.ml2.rpc:RpcCallbacks.update_device_up", ports=[port]):
            network.queues(port)
    for batch in batches:
        network.sends(*batch)


def test_events_for_nova_are_a_chapter_that_the_last_of_their_queueing_opened() -> None:
    cloud = Cloud()
    network = Network(cloud)
    network.boots(1)
    queued_and_sent(network, (PORT.format(1),))
    boot = cloud.boot()
    (sent,) = chapters(boot, "send_events")
    assert (sent.tied_by, opener(boot, sent).text("function")) == ("port", "queue_event")
    (received,) = chapters(boot, "external_instance_event")
    assert opener(boot, received).tied_by == "context"


@pytest.mark.parametrize("batches", [((1,), (2,)), ((1, 2),)])
def test_events_of_two_boots_in_one_batch_are_of_neither(batches: Any) -> None:
    cloud = Cloud()
    network = Network(cloud)
    network.boots(1, 2)
    queued_and_sent(network, *(tuple(PORT.format(number) for number in batch) for batch in batches))
    trace = cloud.trace()
    alone = len(batches) == 2
    for number, boot in enumerate(trace.boots, 1):
        assert len(chapters(boot, "send_events")) == alone
        handled = {str(step.attributes.get("events")) for step in boot.walk() if "_process" in step.name}
        assert handled == ({str([event(PORT.format(number))])} if alone else set())


def test_events_whose_sender_is_not_recorded_are_those_of_the_body_that_arrives() -> None:
    """Neutron's queue bound its callback before the hooks came."""
    cloud = Cloud()
    network = Network(cloud)
    network.boots(1, 2)
    ports = PORT.format(1), PORT.format(2)
    for port in ports:
        with network.works("process_network_ports", port):
            network.queues(port, worker=network.agent)
    for batch in (ports[:1], ports):
        events = [
            {"name": "network-vif-plugged", "server_uuid": event(port)["instance"], "tag": port} for port in batch
        ]
        sender = network.agent.on(9)
        with (
            sender.call("novaclient.base:Manager._create"),
            sender.asks(network.api.on(50), "POST", EVENTS, cloud.fresh("req")) as served,
        ):
            served.attributes["body"] = {"events": events}  # type: ignore[dict-item]
    first, second = cloud.trace().boots
    (sent,) = chapters(first, "_create")
    assert (sent.tied_by, opener(first, sent).text("function")) == ("port", "queue_event")
    assert chapters(second, "_create") == []


def test_an_event_that_nothing_queued_has_no_cause() -> None:
    cloud = Cloud()
    network = Network(cloud)
    network.boots(1)
    network.sends(PORT.format(1))
    assert chapters(cloud.boot(), "send_events") == []
