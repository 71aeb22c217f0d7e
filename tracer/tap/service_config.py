"""The broker's address as an OpenStack service's own config file has it: transport_url, TLS, and the options of old."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from tracer import oslo_config
from tracer.errors import TracerError
from tracer.oslo_config import Options
from tracer.tap.broker_url import Address, Tls, parse

_SECTION = "oslo_messaging_rabbit"
#: Today's names, and those of the releases before.
_TLS = {
    "ssl": ("ssl", "rabbit_use_ssl"),
    "cafile": ("ssl_ca_file", "kombu_ssl_ca_certs"),
    "certfile": ("ssl_cert_file", "kombu_ssl_certfile"),
    "keyfile": ("ssl_key_file", "kombu_ssl_keyfile"),
}
_TRUE = ("1", "true", "yes", "on")


def read(path: Path) -> Address:
    """A TracerError says what is missing; nothing of the file's values stands in it."""
    options = oslo_config.read(path)
    url = options.get("DEFAULT", "transport_url") or _url_of_old(options)
    if url is None:
        raise TracerError(f"{path}: no transport_url in its [DEFAULT]; name the broker with --url")
    address = parse(url, f"{path}: transport_url")
    return replace(address, tls=_tls(options, address))


def _url_of_old(options: Options) -> str | None:
    """As releases before 2014 and some after had it: rabbit_host and its like, in either section."""

    def get(*names: str) -> str | None:
        return options.get(_SECTION, *names) or options.get("DEFAULT", *names)

    hosts = get("rabbit_hosts") or get("rabbit_host")
    if hosts is None:
        return None
    port = get("rabbit_port") or "5672"
    account = f"{quote(get('rabbit_userid') or 'guest', safe='')}:{quote(get('rabbit_password') or 'guest', safe='')}"
    places = [host.strip() if ":" in host else f"{host.strip()}:{port}" for host in hosts.split(",")]
    vhost = quote(get("rabbit_virtual_host") or "/", safe="")
    return f"rabbit://{','.join(f'{account}@{place}' for place in places)}/{vhost}"


def _tls(options: Options, address: Address) -> Tls | None:
    """What stands in the URL goes before the section."""
    said = {
        name: next((address.options[one] for one in names if one in address.options), None)
        or options.get(_SECTION, *names)
        for name, names in _TLS.items()
    }
    if address.tls is None and (said["ssl"] or "").lower() not in _TRUE:
        return None
    return Tls(said["cafile"], said["certfile"], said["keyfile"])
