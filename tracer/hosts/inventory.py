"""The hosts of an inventory: Ansible's, read by the operator's own ansible-inventory, or a plain list."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tracer.errors import TracerError
from tracer.files import read
from tracer.hosts import address
from tracer.hosts.address import Address

_PATIENCE = 120.0
_MAX_OUTPUT = 64 << 20
_YES = ("true", "yes", "1", "on", "y", "t")


def addresses(inventory: Path | None, hosts: tuple[str, ...], limit: str) -> list[Address]:
    """Return the hosts of an inventory and those named beside it, without duplicates, that the limit selects."""
    everything = [
        *(_read(inventory) if inventory is not None else []),
        *((item, ()) for item in map(address.parse, hosts)),
    ]
    selected = [item for item, groups in everything if _is_selected(item.name, groups, limit)]
    by_name = {item.name: item for item in selected}
    if not by_name:
        where = f" in {inventory}" if inventory is not None else ""
        raise TracerError(f"no host{where}" + (f" matches --limit {limit}" if limit else ""))
    return list(by_name.values())


def _is_selected(name: str, groups: tuple[str, ...], limit: str) -> bool:
    """Return whether patterns like ``compute*:control:!cmp7`` select a host, by its name or one of its groups."""
    patterns = [pattern for part in limit.split(",") for pattern in part.split(":") if pattern]
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]

    def matches(pattern: str) -> bool:
        return any(fnmatchcase(text, pattern) for text in (name, *groups))

    excluded = any(matches(pattern[1:]) for pattern in patterns if pattern.startswith("!"))
    return not excluded and (not wanted or any(map(matches, wanted)))


def _read(path: Path) -> list[tuple[Address, tuple[str, ...]]]:
    """Return each host of the file with its groups."""
    text = read.small_text(path)
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    if lines and all(_is_plain(line) for line in lines):
        return [(address.parse(line), ()) for line in lines]
    program = shutil.which("ansible-inventory")
    if program is None:
        raise TracerError(f"{path}: an Ansible inventory, which needs ansible-inventory; or write a host a line")
    return _of_ansible(path, _listed(path, program))


def _is_plain(line: str) -> bool:
    """Return whether it is a line of a plain list: one word, no section, no variable, no key of YAML."""
    return len(line.split()) == 1 and line[0] not in "[-{" and "=" not in line and not line.endswith(":")


def _listed(path: Path, program: str) -> dict[str, Any]:
    command = [program, "-i", str(path.absolute()), "--list"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TracerError(f"{path}: ansible-inventory failed: {error}") from None
    try:
        content = json.loads(done.stdout[:_MAX_OUTPUT])
        content["_meta"]["hostvars"].items()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise TracerError(f"{path}: ansible-inventory failed: {reason[-1] if reason else 'no JSON'}") from None
    return dict(content)


def _of_ansible(path: Path, content: dict[str, Any]) -> list[tuple[Address, tuple[str, ...]]]:
    groups: dict[str, list[str]] = {}
    for group in content:
        for name in _members(content, group, set()):
            groups.setdefault(name, []).append(group)
    hostvars = content["_meta"]["hostvars"]
    if not groups:
        raise TracerError(f"{path}: no host in it")
    return [(_address(name, hostvars.get(name) or {}), tuple(names)) for name, names in groups.items()]


def _members(content: dict[str, Any], group: str, passed: set[str]) -> list[str]:
    """Return the hosts of a group and of the groups in it."""
    about = content.get(group)
    if group in passed or group == "_meta" or not isinstance(about, dict):
        return []
    passed.add(group)
    inner = [host for child in about.get("children", ()) for host in _members(content, child, passed)]
    return list(dict.fromkeys([*map(str, about.get("hosts", ())), *inner]))


def _address(name: str, variables: dict[str, Any]) -> Address:
    """Return a host's address by the variables that concern the connection; no other is looked at."""

    def text(*names: str) -> str:
        values = (variables.get(f"ansible_{name}") for name in names)
        return next((str(value) for value in values if value not in (None, "") and "{{" not in str(value)), "")

    words = [word for key in ("ssh_common_args", "ssh_extra_args") for word in shlex.split(text(key))]
    python = text("python_interpreter")
    port = text("port", "ssh_port")
    return Address(
        name, host=text("host", "ssh_host"), user=text("user", "ssh_user"), port=int(port) if port.isdecimal() else 0,
        key=text("ssh_private_key_file", "private_key_file"), options=tuple(words),
        python=python if python.startswith("/") else "python3", become=text("become").lower() in _YES,
        is_local=text("connection") == "local",
    )  # fmt: skip
