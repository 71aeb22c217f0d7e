"""The parts that `up --networks` adds: Open vSwitch with Neutron's agent, or OVN."""

from collections.abc import Mapping

from examples.cloud import ovn, ovs
from examples.cloud.config import neutron_sections
from examples.cloud.network import clean_firewall
from examples.cloud.neutron_config import AGENT, agent_sections, extend_compute, extend_ovn, extend_server
from examples.cloud.parts import Binaries, Part, Service
from examples.cloud.plan import Plan
from examples.cloud.readiness import wait_for_agent
from examples.cloud.rest import Client
from examples.embedded.config import Sections

# Processes of Neutron's server beside its API: uWSGI serves that only.
WORKERS = tuple(Service(name, database="neutron") for name in ("neutron-rpc-server", "neutron-periodic-workers"))
MAINTENANCE = Service("neutron-ovn-maintenance-worker", database="neutron")
SERVER = ("neutron", *(service.name for service in (*WORKERS, MAINTENANCE)))


class Agent(Part):
    """Open vSwitch, and Neutron's agent for it with a firewall driver."""

    packages = ovs.PACKAGES
    folders = ("ovs", "neutron/agent-locks")
    daemons = ovs.DAEMONS
    services = (*WORKERS, Service(AGENT))

    def __init__(self, firewall: str) -> None:
        self.firewall = firewall

    def configs(self, plan: Plan, binaries: Binaries) -> dict[str, Sections]:
        folder = binaries["services"]
        workers = {service.name: neutron_sections(plan, service.name, folder) for service in WORKERS}
        return workers | {AGENT: agent_sections(plan, folder, self.firewall)}

    def extend(self, plan: Plan, service: str, sections: Sections) -> None:
        if service in SERVER:
            extend_server(sections, "openvswitch", "vxlan")
        elif service == "nova-compute":
            extend_compute(plan, sections)

    def start(self, plan: Plan, binaries: Binaries) -> None:  # noqa: ARG002 - as declared
        ovs.start_switch(plan, (ovs.INTEGRATION, ovs.TUNNEL))

    def wait(self, client: Client) -> None:
        wait_for_agent(client, AGENT)

    def clean(self, plan: Plan) -> None:
        if ovs.has_switch(plan):  # else what is there is another cloud's
            clean_firewall()
            ovs.clean_switch(plan)


class Ovn(Part):
    """Open vSwitch and OVN, which Neutron's server drives without any agent of its own."""

    packages: Mapping[str, str] = {**ovs.PACKAGES, **ovn.PACKAGES}
    folders = ("ovs",)
    daemons = (*ovs.DAEMONS, *ovn.DAEMONS)
    services = (*WORKERS, MAINTENANCE)

    def configs(self, plan: Plan, binaries: Binaries) -> dict[str, Sections]:
        return {service.name: neutron_sections(plan, service.name, binaries["services"]) for service in self.services}

    def extend(self, plan: Plan, service: str, sections: Sections) -> None:
        if service in SERVER:
            extend_server(sections, "ovn", "geneve")
            extend_ovn(plan, sections)
        elif service == "nova-compute":
            extend_compute(plan, sections)

    def start(self, plan: Plan, binaries: Binaries) -> None:  # noqa: ARG002 - as declared
        ovs.start_switch(plan, (ovs.INTEGRATION,))
        ovn.start_ovn(plan)

    def wait(self, client: Client) -> None:
        wait_for_agent(client, "ovn-controller")

    def clean(self, plan: Plan) -> None:
        if ovs.has_switch(plan):
            ovs.clean_switch(plan)


NETWORKS: Mapping[str, tuple[Part, ...]] = {
    "local": (),
    "ovs": (Agent("openvswitch"),),
    "hybrid": (Agent("iptables_hybrid"),),
    "ovn": (Ovn(),),
}
