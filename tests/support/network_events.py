"""Events of Neutron and its agent for tests: what they do for the ports of fictional boots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.events import UUID, Cloud, Services, Worker, run
from tracer.events import Event
from tracer.model import Request, Step

PORT = "f45890a0-774e-4ed0-8f0b-6b8a31ed6e{:02d}"
MAC = "fa:16:3e:79:b0:{:02d}"
AGENT = "neutron.plugins.ml2.drivers.openvswitch.agent.ovs_neutron_agent:OVSNeutronAgent."
FIREWALL = "neutron.agent.linux.openvswitch_firewall.firewall:OVSFirewallDriver."
EVENTS = "/v2.1/os-server-external-events"
#: The id of the agent's own context, since its start.
OWN = "req-agent"


class Network(Services):
    """The processes of a boot with ports, and what each does for them."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.server = cloud.process("/usr/bin/neutron-server")
        self.rpc_server = cloud.process("/usr/bin/neutron-rpc-server")
        self.agent = cloud.process("/usr/bin/neutron-openvswitch-agent", host="cmp1")

    def boots(self, *numbers: int) -> None:
        """Play boots at once, each with a port of its number."""
        run(*(self.boot_with_port(number) for number in numbers))

    def boot_with_port(self, number: int, port: str = "") -> Iterator[None]:
        """Play a boot whose compute creates, binds and plugs a port before it is active."""
        story = self.boot(number)
        for _ in range(9):
            next(story)
            yield
        self.bind(number, port or PORT.format(number))
        yield
        self.plug(number, port or PORT.format(number))
        yield from story

    def bind(self, number: int, port: str) -> None:
        """Bind a port: Neutron tells its agent that it was updated."""
        own = f"req-{number}-port-{self.cloud.fresh('put')}"
        server = self.server.on(number)
        with self.compute.on(number).asks(server, "PUT", f"/v2.0/ports/{port}", own):
            message = server.cast("push", own, mode="fanout")
        with self.agent.on(100 + number).receives(message):
            self.agent.on(100 + number).does("call", f"{AGENT}port_update", function="port_update", ports=[port])

    def plug(self, number: int, port: str) -> None:
        """Plug a port into the bridge."""
        words = ["ovsdb", f"AddPortCommand bridge=br-int port=tap{port[:11]}"]
        macs = [MAC.format(number)]
        self.compute.on(number).does("command", "ovsdb", arguments=words, ports=[port], macs=macs)

    def unplug(self, worker: Worker, port: str) -> None:
        """Remove a port's interface from the bridge."""
        worker.does("command", "ovsdb", arguments=["ovsdb", f"DelPortCommand port=tap{port[:11]} bridge=br-int"])

    @contextmanager
    def works(self, function: str, *ports: str, prefix: str = AGENT) -> Iterator[Event]:
        """Record a call of the agent's loop that works on ports."""
        with self.agent.call(prefix + function, ports=list(ports) or None) as step:
            yield step

    def loop(self, *ports: str, up: bool = True) -> None:
        """Play a run of the agent's loop: filters and wires each port, then reports all of them to Neutron's server."""
        with self.works("process_network_ports", *ports):
            for port in ports:
                with self.works("treat_vif_port", port):
                    self.agent.does("command", "ovsdb", arguments=["ovsdb", f"DbSetCommand record=tap{port[:11]}"])
                with self.works("prepare_port_filter", port, prefix=FIREWALL):
                    self.agent.does("command", "neutron.privileged.x", via="privsep")
            if up:
                self.report(*ports)

    def report(self, *ports: str) -> None:
        """Report ports as up; Neutron's server queues events for Nova and tells the agent."""
        arguments = {"devices_up": list(ports), "devices_down": []}
        message, attributes = self.agent.message("update_device_list", OWN, "call")
        pushed = []
        with (
            self.agent.step("rpc", "update_device_list", arguments=arguments, **attributes),
            self.rpc_server.receives(message, arguments=arguments),
        ):
            for port in ports:
                with self.rpc_server.call("neutron.plugins.ml2.rpc:RpcCallbacks.update_device_up", ports=[port]):
                    self.rpc_server.sql("UPDATE ports SET status=? WHERE ports.id = ?", "ACTIVE", port)
                    pushed.append((port, self.rpc_server.cast("push", OWN, mode="fanout")))
        for port, message in pushed:
            with self.agent.on(7).receives(message):
                self.agent.on(7).does("call", f"{AGENT}port_update", function="port_update", ports=[port])

    def queues(self, *ports: str, worker: Worker | None = None) -> None:
        """Queue an event for Nova for each port, of the instance of its number."""
        for port in ports:
            (worker or self.rpc_server).does(
                "call", "neutron.notifiers.batch_notifier:BatchNotifier.queue_event", function="queue_event",
                events=[event(port)],
            )  # fmt: skip

    def sends(self, *ports: str) -> None:
        """Send Nova the events in one batch."""
        events = [event(port) for port in ports]
        own = self.cloud.fresh("req-events")
        sender = self.rpc_server.on(50)
        notifier = "neutron.notifiers.nova:Notifier.send_events"
        with sender.call(notifier, events=events), sender.asks(self.api.on(50), "POST", EVENTS, own):
            message = self.api.on(50).cast("external_instance_event", own)
        with self.compute.on(51).receives(message):
            handler = "nova.compute.manager:ComputeManager._process_instance_event"
            for handled in events:
                self.compute.on(51).does("call", handler, function="_process_instance_event", events=[handled])


def event(port: str) -> dict[str, str]:
    """Return the event that a port is plugged, for the instance of the port's number."""
    return {"event": f"network-vif-plugged-{port}", "instance": UUID.format(16 * int(port[-2:]))}


def chapters(boot: Request, name: str) -> list[Step]:
    """Return the chapters whose head is of a function or message."""
    return [chapter for chapter in boot.chapters if chapter.name.endswith(name)]


def opener(boot: Request, chapter: Step) -> Step:
    """Return the step that opened a chapter."""
    (sender,) = (step for step in boot.walk() if step.address == chapter.opened_by)
    return sender


def works_on(boot: Request) -> set[str]:
    """Return the ports that the steps of a boot work on."""
    return {str(port) for step in boot.walk() for port in step.attributes.get("ports") or []}  # type: ignore[union-attr]
