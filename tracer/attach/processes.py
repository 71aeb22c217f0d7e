"""Running processes as /proc shows them, and the OpenStack service of each by its command line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tracer.attach import proc
from tracer.attach.injection.interpreter import readable_version
from tracer.files import read as files_read

_PROJECTS = "nova|placement|keystone|glance|neutron|cinder|heat|ironic|octavia|manila|barbican|magnum|designate"
_SCRIPT = re.compile(rf"(?:{_PROJECTS})(?:-[a-z0-9]+)+")
_MODULE = re.compile(rf"({_PROJECTS})((?:\.[a-z0-9_]+)+)(?::\w+)?")
#: Programs of these projects that are not services.
_TOOLS = re.compile(r".*-(manage|status|rootwrap|rootwrap-daemon|policy|api-paste|db|client|config)")
_SERVERS = re.compile(r"(uwsgi|apache2|httpd|gunicorn|mod_wsgi)")
_PYTHON = re.compile(r"(python|pypy)[\d.]*t?(-\w+)?")
_OPTIONS_WITH_VALUES = ("-W", "-X", "--check-hash-based-pycs")
#: Service names for scripts and modules that are called differently.
_NAMES = {
    "nova-osapi-compute": "nova-api", "nova-osapi_compute": "nova-api", "nova-metadata": "nova-api-metadata",
    "keystone-wsgi": "keystone", "keystone-public": "keystone", "keystone-api": "keystone",
    "keystone-wsgi-public": "keystone", "placement-wsgi": "placement-api",
}  # fmt: skip
_WSGI = re.compile(r"-(u?wsgi)$")
#: The daemon that does what its service has no rights for; the service starts it.
PRIVSEP = "privsep-helper"
#: Configuration files of a server that are read, and bytes of each.
_MAX_FILES, _MAX_FILE = 8, 1 << 16
#: Longer names are not names of services.
_MAX_NAME = 60


@dataclass(frozen=True)
class Process:
    """A process; ``inner_pid`` is its number in its own namespace, and its start time ``started`` identifies it."""

    pid: int
    inner_pid: int
    parent: int
    group: int
    started: int
    state: str
    uid: int
    gid: int
    tracer: int
    argv: tuple[str, ...]
    service: str
    python: str

    @property
    def name(self) -> str:
        """The name to print."""
        words = [word.rpartition("/")[2] for word in self.argv[:3] if not word.startswith("-")]
        return self.service or " ".join(words)[:60] or "?"

    def is_still(self) -> bool:
        """Return whether this very process still runs."""
        current = read(self.pid)
        return current is not None and current.started == self.started and current.state not in "ZX"


def read(pid: int) -> Process | None:
    """Return the process of this number, None if there is none."""
    try:
        stat = proc.text(pid, "stat").rpartition(")")[2].split()
        lines = proc.text(pid, "status").splitlines()
        argv = proc.command_line(pid)
    except OSError:
        return None
    status = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
    if len(stat) < 20 or not {"Uid", "Gid"} <= status.keys():  # it is just ending
        return None
    return Process(
        pid=pid,
        inner_pid=int(status.get("NSpid", [str(pid)])[-1]),
        parent=int(stat[1]),
        group=int(stat[2]),
        started=int(stat[19]),
        state=stat[0],
        uid=int(status["Uid"][1]),
        gid=int(status["Gid"][1]),
        tracer=int(status.get("TracerPid", ["0"])[0]),
        argv=argv,
        service=service(argv),
        python=readable_version(pid),
    )


def everything() -> Iterator[Process]:
    """Yield all processes, sorted by number."""
    for entry in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        process = read(entry)
        if process is not None:
            yield process


def services(pattern: str = "*") -> list[Process]:
    """Return the processes of OpenStack services whose name matches the glob: masters, workers, privileged daemons.

    A daemon stays in the process group of the service that it works for.
    """
    every = [process for process in everything() if process.service]
    matching = {process.pid for process in every if fnmatchcase(process.service, pattern)}
    groups = {process.group for process in every if process.pid in matching}
    return [
        process for process in every
        if process.pid in matching or (process.service == PRIVSEP and process.group in groups)
    ]  # fmt: skip


def service(argv: tuple[str, ...]) -> str:
    """Return the service that a command line runs (nova-compute, keystone, glance-api …), "" if it is not one."""
    if not argv or not argv[0]:
        return ""
    program = argv[0].rpartition("/")[2]
    if _PYTHON.fullmatch(program):
        return _of_python(argv[1:])
    if _SERVERS.match(program.lower()) or program.startswith("(wsgi:"):
        return _of_server(argv)
    return _of_title(argv[0])


def _of_python(words: tuple[str, ...]) -> str:
    """Return the service of ``python [options] script …`` or ``python [options] -m module …``."""
    index = 0
    while index < len(words) and words[index].startswith("-"):
        if words[index] in ("-c", "-"):
            return ""
        if words[index].startswith("-m"):
            module = words[index][2:] or (words[index + 1] if index + 1 < len(words) else "")
            return _of_module(module)
        index += 2 if words[index] in _OPTIONS_WITH_VALUES else 1
    if index >= len(words):
        return ""
    script = words[index].rpartition("/")[2].removesuffix(".py")
    return _of_script(script) or (_of_server(words[index:]) if _SERVERS.match(script) else "")


def _of_script(name: str) -> str:
    if len(name) > _MAX_NAME or not _SCRIPT.fullmatch(name) or _TOOLS.fullmatch(name):
        return name if name in ("keystone", PRIVSEP) else ""
    return _NAMES.get(name, _NAMES.get(_WSGI.sub("", name), _WSGI.sub("", name)))


def _of_module(name: str) -> str:
    """Return the service of ``nova.cmd.compute``, ``nova.wsgi.osapi_compute:application`` …"""
    match = _MODULE.fullmatch(name)
    if match is None:
        return ""
    last = match[2].rpartition(".")[2].removesuffix("_wsgi")
    return _of_script(_NAMES.get(f"{match[1]}-{last}", f"{match[1]}-{last.replace('_', '-')}"))


def _of_server(argv: tuple[str, ...]) -> str:
    """Return the service of a WSGI server, by its application, display name, or configuration file."""
    for word in argv:
        for part in re.split(r"[=\s\[\]()]+", word):
            name = part.rpartition("/")[2]
            stem = re.sub(r"\.(ini|ya?ml|xml|py|wsgi|conf)$", "", name).removeprefix("wsgi:")
            service = _of_script(stem) or _of_module(name.removesuffix(":application"))
            if service:
                return service
    files = [word for word in argv if word.endswith((".ini", ".yaml")) and word.startswith("/")]
    return next((service for file in files[:_MAX_FILES] if (service := _of_file(file))), "")


def _of_file(path: str) -> str:
    try:
        with files_read.opened(Path(path)) as file:
            text = file.read(_MAX_FILE).decode(errors="replace")
    except OSError:
        return ""
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key.strip() in ("module", "wsgi", "wsgi-file", "mount", "procname-prefix"):
            service = _of_server((value.strip(),))
            if service:
                return service
    return ""


def _of_title(title: str) -> str:
    """Return the service of a renamed process: ``nova-compute: worker 1``, ``nova-apiuWSGI worker 1``."""
    words = re.split(r"[\s:]|uWSGI", title, maxsplit=1)
    return _of_script(words[0].rpartition("/")[2]) if "/" not in words[0] else ""
