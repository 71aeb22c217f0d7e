"""Owners of ports: the request that claimed a port last, where no other may be meant."""

from __future__ import annotations

from tests.support.events import UUID, Cloud, run
from tests.support.network_events import MAC, PORT, Network, chapters, opener


def test_work_on_a_port_of_two_boots_under_way_is_of_neither() -> None:
    """A second boot with the port of the first, which still runs."""
    cloud = Cloud()
    network = Network(cloud)
    run(network.boot_with_port(1, PORT.format(1)), network.boot_with_port(2, PORT.format(1)))
    network.loop(PORT.format(1), up=False)
    trace = cloud.trace()
    assert [chapters(boot, "process_network_ports") for boot in trace.boots] == [[], []]


def test_a_port_that_a_later_boot_uses_again_is_the_later_s() -> None:
    cloud = Cloud()
    network = Network(cloud)
    for number in (1, 2):
        run(network.boot_with_port(number, PORT.format(1)))
        network.loop(PORT.format(1), up=False)
    first, second = cloud.trace().boots
    assert [len(chapters(boot, "process_network_ports")) for boot in (first, second)] == [1, 1]
    assert chapters(second, "process_network_ports")[0].start > chapters(first, "process_network_ports")[0].start


def test_the_delete_owns_the_port_that_it_unplugs() -> None:
    """Before it does, work on the port may be for it already, as it is about the instance."""
    cloud = Cloud()
    network = Network(cloud)
    network.boots(1)
    port, instance = PORT.format(1), UUID.format(16)
    api, compute = network.api.on(3), network.compute.on(3)
    with network.client.on(3).asks(api, "DELETE", f"/v2.1/servers/{instance}", "req-d"):
        message = api.cast("terminate_instance", "req-d")
    with compute.receives(message):
        network.loop(port, up=False)
        network.unplug(compute, port)
        with network.works("process_network_ports", port):
            pass
        with compute.asks(network.server.on(3), "DELETE", f"/v2.0/ports/{port}", "req-dp"):
            pass
    trace = cloud.trace()
    (boot,), (delete,) = trace.boots, trace.others
    assert chapters(boot, "process_network_ports") == []
    (removed,) = chapters(delete, "process_network_ports")
    assert "DelPortCommand" in opener(delete, removed).text("arguments")


def test_work_that_names_only_a_mac_is_its_port_s() -> None:
    cloud = Cloud()
    network = Network(cloud)
    network.boots(1, 2)
    network.agent.does("command", "ovsdb", arguments=["ovsdb", "DbSetCommand"], macs=[MAC.format(2)])
    first, second = cloud.trace().boots
    assert [chapters(boot, "ovsdb") for boot in (first,)] == [[]]
    (chapter,) = chapters(second, "ovsdb")
    assert chapter.tied_by == "port"


def test_work_that_names_only_a_mac_of_two_ports_is_of_none() -> None:
    """A mac that was used again."""
    cloud = Cloud()
    network = Network(cloud)
    network.boots(1)
    network.plug(1, PORT.format(8))
    network.agent.does("command", "ovsdb", arguments=["ovsdb", "DbSetCommand"], macs=[MAC.format(1)])
    assert chapters(cloud.boot(), "ovsdb") == []


def test_a_snapshot_bounds_what_set_off_the_run() -> None:
    """A change that the agent was told of after it looked is not why it works."""
    cloud = Cloud()
    network = Network(cloud)
    story, port = network.boot_with_port(1), PORT.format(1)
    for _ in range(11):
        next(story)
    with network.works("process_port_info", port):
        network.bind(1, port)
    network.loop(port, up=False)
    run(story)
    boot = cloud.boot()
    (chapter,) = chapters(boot, "process_network_ports")
    assert opener(boot, chapter).name == "ovsdb"
