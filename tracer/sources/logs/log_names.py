"""Names of logs, and the programs that file and folder names stand for."""

from __future__ import annotations

import re
from pathlib import Path

from tracer.model import participants
from tracer.model.service_names import PROJECTS, SHORT_NAMES

_SUFFIXES = (
    ".gz", ".xz", ".zst", ".bz2", ".log", ".txt", ".out", ".export", ".jsonl", ".json", ".ndjson", ".csv",
)  # fmt: skip
#: Suffixes that name a log, a packed one, or an archive that may hold some.
_LOGS = frozenset({".log", ".txt", ".export", ".gz", ".xz", ".zst", ".bz2", ".zip", ".tar", ".tgz", ".txz"})
#: Names of logs without a suffix: the system's, and journals in sosreports.
_SYSTEM = ("messages", "syslog", "journalctl_")
#: A rotated log's number or date: ``.1``, ``.2013-12-18-112345``, ``-20240301``.
_ROTATED = re.compile(r"\.\d[\d-]*\Z|-\d{8}(-\d+)?\Z")
#: A file of a container in Kubernetes: POD_NAMESPACE_CONTAINER-ID.
_CONTAINER = re.compile(r"[^_]+_[^_]+_(?P<name>[^_]+)-[0-9a-f]{64}")
#: Decorations of a program's name: DevStack's, TripleO's, Debian's and Juju's prefixes.
_PREFIX = re.compile(r"(screen-|devstack@|openstack-|tripleo-|edpm-|unit-)+")
#: The end of a unit's or container's name: Juju's number, openstack-ansible's and Kubernetes' ids.
_SUFFIX = re.compile(r"(-container)?(-[0-9a-f]{8,10})?(-[0-9a-z]{5})?(-\d+)?\Z")
#: Folders above a log that may name its service.
_FOLDERS = 2


def name_of(path: Path) -> str:
    """Return a log's name without folder, suffixes, and rotation numbers and dates."""
    name = path.name
    while True:
        stem = _ROTATED.sub("", name) or name
        shorter = next((stem.removesuffix(suffix) for suffix in _SUFFIXES if stem.endswith(suffix)), stem) or stem
        if shorter == name:
            return name
        name = shorter


def is_log_name(path: Path) -> bool:
    """Return whether a file is named like a log."""
    current = _ROTATED.sub("", path.name)
    suffixes = {*path.suffixes, *Path(current).suffixes}
    return not _LOGS.isdisjoint(suffixes) or current.startswith(_SYSTEM)


def program(name: str) -> str:
    """Return the program that a file's, unit's or container's name stands for, "" where it is none."""
    container = _CONTAINER.fullmatch(name)
    name = (container["name"] if container else name).lower().replace("_", "-")
    name = _PREFIX.sub("", name).removesuffix(".service")
    name = SHORT_NAMES.get(name, name)
    return name if participants.of_command(name) != "client" else ""


def of_folder(name: str, path: Path) -> str:
    """Return the program that a log called ``name`` in a project's folder is of: glance/api.log is glance-api's."""
    folders = path.absolute().parent.parts[-_FOLDERS:]
    projects = [folder for folder in reversed(folders) if folder in PROJECTS]
    return program(f"{projects[0]}-{name}") if projects else ""


def of_unit_folder(path: Path) -> str:
    """Return the program that a folder stands for as a whole: a container's, a pod's or a unit's."""
    for folder in reversed(path.absolute().parent.parts[-_FOLDERS:]):
        words = _SUFFIX.sub("", folder.lower().replace("_", "-")).split("-")
        project = next((index for index, word in enumerate(words) if word in PROJECTS), None)
        if project is not None and all(map(str.isalpha, words[project:])):
            return program("-".join(words[project:]))
    return ""
