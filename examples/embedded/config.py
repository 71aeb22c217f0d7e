"""The configuration files of the embedded cloud's services."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

Sections = dict[str, dict[str, str]]
#: Address and port of each service that listens.
Addresses = Mapping[str, tuple[str, int]]

# oslo.log's own list, except for the lines about messages and HTTP requests, which a reader of logs needs.
LOG_LEVELS = (
    "amqp=WARN,kombu=ERROR,sqlalchemy=WARN,oslo_messaging=DEBUG,oslo.messaging=INFO,iso8601=WARN,requests.packages.urllib3=WARN,"
    "urllib3.connectionpool=DEBUG,websocket=WARN,keystonemiddleware=WARN,routes.middleware=WARN,stevedore=WARN,"
    "keystoneauth=DEBUG,oslo.cache=INFO,oslo_policy=INFO,dogpile.core.dogpile=INFO"
)
SERVERS = ("stub", "placement", "nova-api")
#: The volume service is part of the stub, at a port of its own that distinguishes its requests from the image's.
PORTS = (*SERVERS, "volume")
#: All services but the computes.
SERVICES = ("stub", "placement", "nova-api", "nova-conductor", "nova-scheduler")


@dataclass(frozen=True)
class Options:
    """The choices of one cloud: statements and DEBUG lines in the logs, the quota of instances, the hypervisor."""

    echo: bool
    debug: bool
    quota: int
    driver: str
    #: Further options of [DEFAULT], by service.
    more: dict[str, dict[str, str]] = field(default_factory=dict)


def free_ports(count: int) -> list[int]:
    """Return free ports, bound at the same time so that they differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in sockets]
    for probe in sockets:
        probe.close()
    return ports


def config_file(state: Path, service: str) -> Path:
    return state / "etc" / service / ("placement.conf" if service == "placement" else "nova.conf")


def write_config(
    state: Path, addresses: Addresses, python: Path, options: Options, broker: str, computes: Mapping[str, str]
) -> None:
    """Write a folder for each service: nova-compute must not see the databases, and each has a log of its own."""
    for service in (*SERVICES, *computes):
        path = config_file(state, service)
        path.parent.mkdir(parents=True)
        if service == "placement":
            sections = placement_sections(state / "databases", options.echo, options.debug)
        else:
            sections = nova_sections(state, addresses, broker, options)
        if service in ("nova-api", "nova-conductor", "nova-scheduler"):
            sections |= database_sections(state / "databases", options.echo)
        if service in computes:
            sections["DEFAULT"] |= compute_options(options.driver, computes[service])
            # Its own: there it stores the id by which it is known.
            sections["DEFAULT"]["state_path"] = str(state / "nova" / service)
            (state / "nova" / service).mkdir()
        sections["DEFAULT"] |= options.more.get(service, {})
        sections["DEFAULT"]["log_file"] = str(state / "logs" / f"{service}.log")
        path.write_text(render(sections))
    paste = python.parents[1] / "etc" / "nova" / "api-paste.ini"
    config_file(state, "nova-api").with_name("api-paste.ini").write_text(without_keystone(paste.read_text()))


def nova_sections(state: Path, addresses: Addresses, broker: str, options: Options) -> Sections:
    url = {name: f"http://{address}:{port}" for name, (address, port) in addresses.items()}
    token = {"auth_type": "admin_token", "token": "admin"}
    return {
        "DEFAULT": logging_options(options.debug)
        | {
            "host": "control",
            "my_ip": "127.0.0.1",
            "state_path": str(state / "nova"),
            "transport_url": broker,
            "graceful_shutdown_timeout": "5",
            # Only at start, so that only a boot's own messages and the heartbeats pass the broker.
            "update_resources_interval": "0",
        },
        "conductor": {"workers": "1"},
        "scheduler": {"workers": "1"},
        "oslo_concurrency": {"lock_path": str(state / "nova" / "locks")},
        # Files have no connection that could be lost.
        "oslo_messaging_rabbit": {"heartbeat_timeout_threshold": "0"},
        "oslo_messaging_notifications": {"driver": "log"},
        "notifications": {"notification_format": "versioned"},
        "vnc": {"enabled": "False"},
        "quota": {"instances": str(options.quota), "cores": "-1", "ram": "-1"},
        "placement": token | {"endpoint": url["placement"], "endpoint_override": url["placement"]},
        "neutron": token | {"endpoint": url["stub"], "endpoint_override": url["stub"]},
        "cinder": token | {"endpoint_template": f"{url['volume']}/v3"},
        "glance": {"endpoint_override": url["stub"]},
    }


def compute_options(driver: str, host: str) -> dict[str, str]:
    """Return the options of the fake driver's small host, with room for a hundred servers of flavor m1.tiny."""
    return {
        "host": host,
        "compute_driver": driver,
        "cpu_allocation_ratio": "64.0",
        "ram_allocation_ratio": "8.0",
        "reserved_host_memory_mb": "0",
    }


def database_sections(folder: Path, echo: bool) -> Sections:
    return {
        "database": database_options(folder / "nova.sqlite", echo),
        "api_database": database_options(folder / "nova_api.sqlite", echo),
    }


def placement_sections(folder: Path, echo: bool, debug: bool = True) -> Sections:
    return {
        "DEFAULT": logging_options(debug),
        "api": {"auth_strategy": "noauth2"},
        "placement_database": database_options(folder / "placement.sqlite", echo) | {"sync_on_startup": "True"},
    }


def logging_options(debug: bool) -> dict[str, str]:
    """Return Nova's own defaults unless DEBUG lines are wanted."""
    return {"debug": "True", "default_log_levels": LOG_LEVELS} if debug else {"debug": "False"}


def database_options(path: Path, echo: bool) -> dict[str, str]:
    options = {"connection": f"sqlite:///{path}?timeout=60", "sqlite_synchronous": "False"}
    return options | {"connection_debug": "50"} if echo else options


def without_keystone(paste: str) -> str:
    """Return Nova's own pipelines with the token check replaced by a filter of ours."""
    section = "\n[filter:noauth]\npaste.filter_factory = inside.noauth:factory\n"
    return paste.replace("authtoken keystonecontext", "noauth keystonecontext") + section


def render(sections: Sections) -> str:
    return "\n".join(
        f"[{name}]\n" + "".join(f"{option} = {value}\n" for option, value in options.items())
        for name, options in sections.items()
    )
