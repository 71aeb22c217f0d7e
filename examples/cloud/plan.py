"""The plan of a cloud: options, paths and ports, stored in DIR/cloud.json between commands."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from examples.cloud.errors import CloudError
from examples.embedded.release import Release, find_release

# Offsets from the first port: the last three digits of each service's usual port if they are free.
PORTS = {
    "keystone": 0,
    "nova-api": 74,
    "placement": 78,
    "glance": 92,
    "neutron": 96,
    "mariadb": 306,
    "ceph-mon": 300,
    "epmd": 369,
    # Where the switch connects to the agent by OpenFlow.
    "neutron-openvswitch-agent": 633,
    "ovsdb-server": 640,
    "ovn-nb": 641,
    "ovn-sb": 642,
    "rabbitmq": 672,
    "rabbitmq-distribution": 673,
    "cinder-api": 776,
    "ceph-mon-v1": 789,
    # And the 60 above it.
    "ceph-osd": 800,
}
PATHS = {"keystone": "/v3", "nova-api": "/v2.1", "cinder-api": "/v3"}
FILES = {"glance": "glance-api", "neutron-openvswitch-agent": "openvswitch_agent"}
# The programs whose processes' configuration files have their name.
FAMILIES = ("nova", "cinder")
COMPUTE_HOST = "compute1"
REGION = "RegionOne"
FOLDERS = ("cache", "etc", "logs", "pids", "bin", "nova/instances", "nova/locks", "neutron/locks", "glance", "home")
# Options on which the databases depend.
LASTING = ("volumes", "networks")
# A socket's path must fit into 108 bytes; the longest one of ours.
LONGEST_SOCKET = "libvirt/run/libvirt-admin-sock"


@dataclass(frozen=True)
class Plan:
    """A cloud's plan; `secret` is every account's password: only the loopback is used, the files are root's."""

    state: Path
    release: str
    port_base: int
    threads: str
    echo: bool
    wrap: str
    secret: str
    volumes: str = "none"
    networks: str = "local"
    guest: bool = False

    @property
    def nova(self) -> Release:
        return find_release(self.release)

    def port(self, name: str) -> int:
        return self.port_base + PORTS[name]

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port(name)}{PATHS.get(name, '')}"

    def log(self, name: str) -> Path:
        return self.state / "logs" / f"{name}.log"

    def config_file(self, name: str) -> Path:
        """Return a process's configuration file, in a folder of its own: nova-compute must not see the databases."""
        family, dash, _ = name.partition("-")
        file = FILES.get(name) or (family if dash and family in FAMILIES else name)
        return self.state / "etc" / name / f"{file}.conf"

    def save(self) -> None:
        for name in FOLDERS:
            (self.state / name).mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o700)
        content = asdict(self) | {"state": str(self.state)}
        _file(self.state).write_text(json.dumps(content, indent=2) + "\n")


def check_plan(plan: Plan) -> None:
    """Refuse a plan that its folder does not suit."""
    state = plan.state
    if len(os.fsencode(state / LONGEST_SOCKET)) > 107:
        raise CloudError(f"{state} is too long a path for the sockets in it; choose a shorter one")
    if state.exists() and any(state.iterdir()) and not _file(state).exists():
        raise CloudError(f"{state} is neither empty nor a cloud's folder; choose another one")
    plan.nova.check_threads(plan.threads)
    if not _file(state).exists():
        return
    existing = load_plan(state)
    if existing.release != plan.release:
        raise CloudError(f"{state} holds a cloud of Nova {existing.release}: choose another for {plan.release}")
    for option in LASTING:
        old, new = getattr(existing, option), getattr(plan, option)
        if old != new:
            raise CloudError(f"{state} holds a cloud with --{option} {old}: choose another for --{option} {new}")


def load_plan(state: Path) -> Plan:
    path = _file(state.resolve())
    try:
        content = json.loads(path.read_text())
        return Plan(**content | {"state": Path(content["state"])})
    except FileNotFoundError:
        raise CloudError(f"no cloud in {state}: python -m examples.cloud up --state {state}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise CloudError(f"{path} is not a cloud's plan: {error}") from None


def _file(state: Path) -> Path:
    return state / "cloud.json"
