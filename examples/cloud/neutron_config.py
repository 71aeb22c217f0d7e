"""The configuration of Neutron with real networks: what its server's processes need, and the Open vSwitch agent's."""

from pathlib import Path

from examples.cloud.config import broker_url, logging_options
from examples.cloud.ovs import INTEGRATION, TUNNEL
from examples.cloud.plan import COMPUTE_HOST, Plan
from examples.embedded.config import Sections

AGENT = "neutron-openvswitch-agent"
# Each would use sudo or rootwrap by default.
PRIVILEGED = (
    "privsep",
    "privsep_conntrack",
    "privsep_dhcp_release",
    "privsep_link",
    "privsep_namespace",
    "privsep_ovs_vsctl",
)
# With these at DEBUG, os-ken's thread of a connection may end silently: a line logged before the switch has answered
# contains its missing id. The agent then waits for ever for the switch.
QUIET = "OFPHandler=INFO,os_ken=INFO"


def extend_server(sections: Sections, driver: str, kind: str) -> None:
    """Add the mechanism driver, and `kind`, the type of all networks, to a process of Neutron's server."""
    sections["DEFAULT"] |= {"rpc_workers": "1", "rpc_state_report_workers": "0"}
    sections["ml2"] = {
        "type_drivers": kind,
        "tenant_network_types": kind,
        "mechanism_drivers": driver,
        "extension_drivers": "port_security",
        "path_mtu": "1500",
    }
    sections[f"ml2_type_{kind}"] = {"vni_ranges": "1:1000"}


def extend_compute(plan: Plan, sections: Sections) -> None:
    """Make nova-compute wait for its ports, which an agent or OVN reports, and plug them into this switch."""
    sections["DEFAULT"] |= {"vif_plugging_is_fatal": "True", "vif_plugging_timeout": "300"}
    sections["os_vif_ovs"] = {"ovsdb_connection": database_address(plan, "ovsdb-server")}


def extend_ovn(plan: Plan, sections: Sections) -> None:
    sections["ml2_type_geneve"]["max_header_size"] = "38"
    sections["ovn"] = {
        "ovn_nb_connection": database_address(plan, "ovn-nb"),
        "ovn_sb_connection": database_address(plan, "ovn-sb"),
        "ovn_metadata_enabled": "False",
    }


def database_address(plan: Plan, name: str) -> str:
    return f"tcp:127.0.0.1:{plan.port(name)}"


def agent_sections(plan: Plan, binaries: Path, firewall: str) -> Sections:
    """Return the agent's configuration; `firewall` is the name of its driver."""
    options = logging_options(plan, AGENT) | {
        "host": COMPUTE_HOST,
        "state_path": str(plan.state / "neutron"),
        "transport_url": broker_url(plan),
    }
    options["default_log_levels"] += f",{QUIET}"
    helper = f"{binaries / 'privsep-helper'} --config-file {plan.config_file(AGENT)}"
    sections = {
        "DEFAULT": options,
        "ovs": {
            "integration_bridge": INTEGRATION,
            "tunnel_bridge": TUNNEL,
            "local_ip": "127.0.0.1",
            "datapath_type": "netdev",
            "ovsdb_connection": database_address(plan, "ovsdb-server"),
            "of_listen_port": str(plan.port(AGENT)),
            "of_connect_timeout": "60",
            "of_request_timeout": "30",
        },
        # It runs as root.
        "agent": {"tunnel_types": "vxlan", "root_helper": "", "root_helper_daemon": "", "report_interval": "10"},
        "securitygroup": {"firewall_driver": firewall},
        "oslo_concurrency": {"lock_path": str(plan.state / "neutron" / "agent-locks")},
    }
    return sections | {section: {"helper_command": helper} for section in PRIVILEGED}
