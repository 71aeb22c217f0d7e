"""Where a broker is and who we are there: a URL as people and oslo.messaging write it; its password is never shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote

from tracer.errors import TracerError

#: Schemes, and whether they mean TLS. The second line is oslo.messaging's and kombu's own names.
_SCHEMES = {
    "amqp": False, "amqps": True,
    "rabbit": False, "pyamqp": False, "kombu+amqp": False, "kombu+amqps": True,
}  # fmt: skip
_URL = re.compile(r"(?P<scheme>[\w+]+)://(?P<places>[^/?#]*)(?:/(?P<vhost>[^?#]*))?(?:\?(?P<query>[^#]*))?")
_PLACE = re.compile(r"(?:(?P<account>.*)@)?(?P<host>\[[0-9a-fA-F:.%]+\]|[^@:\[\]\s]+)(?::(?P<port>\d{1,5}))?")
_SHAPE = "amqp://USER:PASSWORD@HOST:5672/VHOST, with what is special in a password written as %XX"


@dataclass(frozen=True)
class Tls:
    """How the broker proves who it is (by ``cafile`` or the system's authorities), and we, if it asks."""

    cafile: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    verify: bool = True


@dataclass(frozen=True)
class Place:
    """One node of the broker's cluster, with the account that we have there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Address:
    """The nodes, which are tried in this order, and the virtual host; ``options`` is what stood behind the ``?``."""

    places: tuple[Place, ...]
    vhost: str
    tls: Tls | None = None
    options: dict[str, str] = field(default_factory=dict, repr=False)

    def at(self, place: Place) -> str:
        """One of its nodes, for people."""
        return f"{'amqps' if self.tls else 'amqp'}://{place.user}:***@{place}/{quote(self.vhost, safe='')}"


def parse(url: str, said_in: str) -> Address:
    """A TracerError names ``said_in`` and not the URL, of which any part may be a password that stands wrongly."""
    found = _URL.fullmatch(url.strip())
    if found is None or found["scheme"].lower() not in _SCHEMES:
        raise TracerError(f"{said_in}: not a RabbitMQ broker's URL; write it as {_SHAPE}")
    tls = _SCHEMES[found["scheme"].lower()]
    places = tuple(_place(text, tls, said_in) for text in found["places"].split(","))
    # No path, or an empty one, is the default host, as kombu and so all OpenStack services take it.
    vhost = unquote(found["vhost"] or "") or "/"
    return Address(places, vhost, Tls() if tls else None, dict(parse_qsl(found["query"] or "")))


def _place(text: str, tls: bool, said_in: str) -> Place:
    found = _PLACE.fullmatch(text)
    if found is None or int(found["port"] or 1) not in range(1, 65536):
        raise TracerError(f"{said_in}: a host or port in the broker's URL makes no sense; write it as {_SHAPE}")
    user, colon, password = (found["account"] or "guest:guest").partition(":")
    port = int(found["port"] or (5671 if tls else 5672))
    return Place(found["host"].strip("[]"), port, unquote(user), unquote(password) if colon else "")
