"""The broker's address, from a URL or from an OpenStack service's config file; its password is never printed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote

from tracer import oslo_config
from tracer.errors import TracerError
from tracer.oslo_config import Options

#: Schemes, and whether they use TLS. The second line holds oslo.messaging's and kombu's own names.
_SCHEMES = {
    "amqp": False, "amqps": True,
    "rabbit": False, "pyamqp": False, "kombu+amqp": False, "kombu+amqps": True,
}  # fmt: skip
_URL = re.compile(r"(?P<scheme>[\w+]+)://(?P<nodes>[^/?#]*)(?:/(?P<vhost>[^?#]*))?(?:\?(?P<query>[^#]*))?")
_NODE = re.compile(r"(?:(?P<account>.*)@)?(?P<host>\[[0-9a-fA-F:.%]+\]|[^@:\[\]\s]+)(?::(?P<port>\d{1,5}))?")
_SHAPE = "amqp://USER:PASSWORD@HOST:5672/VHOST, with special characters in the password written as %XX"
_SECTION = "oslo_messaging_rabbit"
#: Today's option names, then those of earlier releases.
_TLS = {
    "ssl": ("ssl", "rabbit_use_ssl"),
    "cafile": ("ssl_ca_file", "kombu_ssl_ca_certs"),
    "certfile": ("ssl_cert_file", "kombu_ssl_certfile"),
    "keyfile": ("ssl_key_file", "kombu_ssl_keyfile"),
}
_TRUE = ("1", "true", "yes", "on")


@dataclass(frozen=True)
class Tls:
    """TLS settings: ``cafile`` (else the system's authorities) verifies the broker, the other two identify us."""

    cafile: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    verify: bool = True


@dataclass(frozen=True)
class BrokerNode:
    """A node of the broker's cluster, with our account on it."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class BrokerAddress:
    """The nodes in the order in which they are tried, and the virtual host; ``options`` is the URL's query."""

    nodes: tuple[BrokerNode, ...]
    vhost: str
    tls: Tls | None = None
    options: dict[str, str] = field(default_factory=dict, repr=False)

    def node_url(self, node: BrokerNode) -> str:
        """Return the URL of one of the nodes for display, its password masked."""
        return f"{'amqps' if self.tls else 'amqp'}://{node.user}:***@{node}/{quote(self.vhost, safe='')}"


def parse(url: str, source: str) -> BrokerAddress:
    """Parse a broker's URL.

    A TracerError names ``source`` and never the URL: any part of it may be a misplaced password.
    """
    match = _URL.fullmatch(url.strip())
    if match is None or match["scheme"].lower() not in _SCHEMES:
        raise TracerError(f"{source}: not a RabbitMQ broker's URL; write it as {_SHAPE}")
    tls = _SCHEMES[match["scheme"].lower()]
    nodes = tuple(_node(text, tls, source) for text in match["nodes"].split(","))
    # A missing or empty path is the default vhost, as for kombu and thus for all OpenStack services.
    vhost = unquote(match["vhost"] or "") or "/"
    return BrokerAddress(nodes, vhost, Tls() if tls else None, dict(parse_qsl(match["query"] or "")))


def _node(text: str, tls: bool, source: str) -> BrokerNode:
    match = _NODE.fullmatch(text)
    if match is None or int(match["port"] or 1) not in range(1, 65536):
        raise TracerError(f"{source}: invalid host or port in the broker's URL; write it as {_SHAPE}")
    user, colon, password = (match["account"] or "guest:guest").partition(":")
    port = int(match["port"] or (5671 if tls else 5672))
    return BrokerNode(match["host"].strip("[]"), port, unquote(user), unquote(password) if colon else "")


def read_config(path: Path) -> BrokerAddress:
    """Return the address that a service's config file gives.

    A TracerError says what is missing and contains none of the file's values.
    """
    options = oslo_config.read(path)
    url = options.get("DEFAULT", "transport_url") or _legacy_url(options)
    if url is None:
        raise TracerError(f"{path}: no transport_url in its [DEFAULT]; name the broker with --url")
    address = parse(url, f"{path}: transport_url")
    return replace(address, tls=_tls(options, address))


def _legacy_url(options: Options) -> str | None:
    """Build a URL from rabbit_host and its like, in either section, as in releases until 2014 and some later ones."""

    def get(*names: str) -> str | None:
        return options.get(_SECTION, *names) or options.get("DEFAULT", *names)

    hosts = get("rabbit_hosts") or get("rabbit_host")
    if hosts is None:
        return None
    port = get("rabbit_port") or "5672"
    account = f"{quote(get('rabbit_userid') or 'guest', safe='')}:{quote(get('rabbit_password') or 'guest', safe='')}"
    nodes = [host.strip() if ":" in host else f"{host.strip()}:{port}" for host in hosts.split(",")]
    vhost = quote(get("rabbit_virtual_host") or "/", safe="")
    return f"rabbit://{','.join(f'{account}@{node}' for node in nodes)}/{vhost}"


def _tls(options: Options, address: BrokerAddress) -> Tls | None:
    """Return the TLS settings; the URL's take precedence over the section's."""
    settings = {
        name: next((address.options[option] for option in names if option in address.options), None)
        or options.get(_SECTION, *names)
        for name, names in _TLS.items()
    }
    if address.tls is None and (settings["ssl"] or "").lower() not in _TRUE:
        return None
    return Tls(settings["cafile"], settings["certfile"], settings["keyfile"])
