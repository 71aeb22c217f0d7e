"""Placeholders for ids, addresses and numbers, which differ from boot to boot, in names, paths and arguments."""

from __future__ import annotations

import re

_UUID = r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"
_IDS = re.compile(
    rf"(?:req-|instance-)?{_UUID}|instance-[0-9a-f]{{8}}|\b[0-9a-f]{{32,64}}\b|\b0x[0-9a-f]+\b"
    # the interface of a port
    r"|(?<=\btap|\bqvo|\bqvb|\bqbr|\bqvm)[0-9a-f]{8}-[0-9a-f]{2}\b"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\[[0-9a-fA-F:]+\](?::\d+)?")
#: The suffix of tempfile's names.
_TEMPORARY = re.compile(r"-[a-z0-9_]{8}$")
_VERSION = re.compile(r"v\d+(?:\.\d+)?$")


def plain(text: str) -> str:
    """Replace ids and network addresses in a text."""
    return _ADDRESS.sub("{address}", _IDS.sub("{id}", text))


def route(path: str) -> str:
    """Turn a request's path into a template, ``/v2.1/servers/{id}``; the API's version stays."""
    return "/".join(part if _VERSION.match(part) else _part(part) for part in path.split("/"))


def _part(part: str) -> str:
    # A part with a number in it is an id (a project, a flavor, a host); names of collections have none.
    scrubbed = plain(part)
    return "{id}" if scrubbed == part and _NUMBER.fullmatch(part) else scrubbed


def database(name: str) -> str:
    """Return a database's name; of a file without folder, suffix and the random part of a temporary name."""
    scrubbed = plain(name.rpartition("/")[2].removesuffix(".sqlite").replace(" ", "_"))
    return _TEMPORARY.sub("-{id}", scrubbed)


def argument(text: str) -> str:
    """Replace paths, numbers and ids in a command's argument; words stay."""
    key, equals, value = text.partition("=")
    if equals and key.lstrip("-").replace("-", "").replace("_", "").isalnum():
        return f"{key}={argument(value)}"
    if "/" in text:
        return "{path}"
    scrubbed = plain(text)
    return "{number}" if _NUMBER.fullmatch(scrubbed) else scrubbed.replace(" ", "_")
