"""What differs from boot to boot in a name, a path or an argument, replaced by a placeholder."""

from __future__ import annotations

import re

_UUID = r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"
_IDS = re.compile(rf"(?:req-|instance-)?{_UUID}|instance-[0-9a-f]{{8}}|\b[0-9a-f]{{32,64}}\b|\b0x[0-9a-f]+\b")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\[[0-9a-fA-F:]+\](?::\d+)?")
#: As tempfile names things.
_TEMPORARY = re.compile(r"-[a-z0-9_]{8}$")
_VERSION = re.compile(r"v\d+(?:\.\d+)?$")


def plain(text: str) -> str:
    """Ids and network addresses out; a text of one line, as words."""
    return _ADDRESS.sub("{address}", _IDS.sub("{id}", text))


def route(path: str) -> str:
    """A request's path as a template: ``/v2.1/servers/{id}``; an API's version stays."""
    return "/".join(part if _VERSION.match(part) else _part(part) for part in path.split("/"))


def _part(part: str) -> str:
    # A part with a number in it is an id (a project, a flavor, a host); names of collections have none.
    said = plain(part)
    return "{id}" if said == part and _NUMBER.fullmatch(part) else said


def database(name: str) -> str:
    """A database's name: of a file without its folder and suffix, and without what makes a temporary one its own."""
    said = plain(name.rpartition("/")[2].removesuffix(".sqlite").replace(" ", "_"))
    return _TEMPORARY.sub("-{id}", said)


def argument(text: str) -> str:
    """A command's argument: paths, numbers, ids are placeholders, the words stay."""
    key, equals, value = text.partition("=")
    if equals and key.lstrip("-").replace("-", "").replace("_", "").isalnum():
        return f"{key}={argument(value)}"
    if "/" in text:
        return "{path}"
    said = plain(text)
    return "{number}" if _NUMBER.fullmatch(said) else said.replace(" ", "_")
