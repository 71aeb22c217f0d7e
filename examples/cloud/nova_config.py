"""The configuration files of Nova's four processes."""

from collections.abc import Iterable
from pathlib import Path

from examples.cloud.config import account, broker_url, database_options, logging_options, token_check, write_extended
from examples.cloud.parts import Part
from examples.cloud.plan import COMPUTE_HOST, Plan
from examples.embedded.config import Sections

PROCESSES = ("nova-api", "nova-conductor", "nova-scheduler", "nova-compute")
# Each uses sudo by default.
PRIVILEGED = ("nova_sys_admin", "privsep_osbrick", "vif_plug_ovs_privileged", "vif_plug_linux_bridge_privileged")


def write_nova_configs(plan: Plan, binaries: Path, parts: Iterable[Part]) -> None:
    """Write the files; `binaries` is the bin folder of Nova's environment."""
    paste = binaries.parent / "etc" / "nova" / "api-paste.ini"
    for name in PROCESSES:
        path = plan.config_file(name)
        sections = nova_sections(plan, name)
        if name == "nova-compute":
            add_compute(plan, sections, f"{binaries / 'privsep-helper'} --config-file {path}")
        else:
            sections["database"] = database_options(plan, name, "nova_cell1")
            sections["api_database"] = database_options(plan, name, "nova_api")
        write_extended(plan, name, sections, parts)
        path.with_name("api-paste.ini").write_text(paste.read_text())


def nova_sections(plan: Plan, name: str) -> Sections:
    return {
        "DEFAULT": logging_options(plan, name)
        | {
            "host": "control",
            "my_ip": "127.0.0.1",
            "state_path": str(plan.state / "nova"),
            "transport_url": broker_url(plan),
            "enabled_apis": "osapi_compute",
            "osapi_compute_listen": "127.0.0.1",
            "osapi_compute_listen_port": str(plan.port("nova-api")),
            "osapi_compute_workers": "1",
            # There is one host only.
            "allow_resize_to_same_host": "True",
        },
        "wsgi": {"api_paste_config": str(plan.config_file(name).with_name("api-paste.ini"))},
        "conductor": {"workers": "1"},
        "scheduler": {"workers": "1"},
        "keystone_authtoken": token_check(plan, "nova"),
        "service_user": account(plan, "nova") | {"send_service_user_token": "True"},
        "placement": account(plan, "nova"),
        "neutron": account(plan, "nova"),
        "glance": {"endpoint_override": plan.url("glance")},
        "vnc": {"enabled": "False"},
        "quota": {"instances": "-1", "cores": "-1", "ram": "-1"},
        "notifications": {"notification_format": "versioned"},
        "oslo_messaging_notifications": {"driver": "log"},
        "oslo_concurrency": {"lock_path": str(plan.state / "nova" / "locks")},
    }


def add_compute(plan: Plan, sections: Sections, helper: str) -> None:
    """Return the host's options: QEMU emulates, so that a machine without virtualization suffices."""
    sections["DEFAULT"] |= {
        "host": COMPUTE_HOST,
        "compute_driver": "libvirt.LibvirtDriver",
        # Neutron has no agents that would report a plugged port.
        "vif_plugging_is_fatal": "False",
        "vif_plugging_timeout": "0",
        "cpu_allocation_ratio": "64.0",
        "ram_allocation_ratio": "8.0",
        "disk_allocation_ratio": "8.0",
        "reserved_host_memory_mb": "0",
    }
    socket = plan.state / "libvirt" / "run" / "libvirt-sock"
    sections["libvirt"] = {"virt_type": "qemu", "connection_uri": f"qemu+unix:///system?socket={socket}"}
    for section in PRIVILEGED:
        sections[section] = {"helper_command": helper}
