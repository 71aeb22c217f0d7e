"""The description of a process in its segments' header: its command line and the releases it runs."""

from __future__ import annotations

import os
import sys

from . import faults, values

#: Distributions whose version is recorded, by the names of their .dist-info folders.
_DISTRIBUTIONS = (
    "nova", "openstack_placement", "keystone", "glance", "neutron", "cinder", "python_novaclient", "openstacksdk",
    "python_openstackclient", "SQLAlchemy", "sqlalchemy", "oslo.messaging", "oslo_messaging", "oslo.db", "oslo_db",
    "eventlet", "libvirt_python",
)  # fmt: skip


def about() -> tuple[str, ...]:
    """Return a flat tuple of pairs: ``argv`` (masked, as a text), ``boot``, and ``version:NAME`` of distributions."""
    return ("argv", _command_line(), "executable", sys.executable or "", "boot", _boot()) + _versions()


def _boot() -> str:
    """Return the id of the machine's boot, whose uptime the monotonic clock counts."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError as error:
        faults.pass_on(error)
        return ""


def _command_line() -> str:
    """Return it from /proc, since ``sys.argv`` does not exist yet where sitecustomize runs."""
    try:
        with open("/proc/self/cmdline", "rb") as file:
            raw = file.read().decode(errors="replace")
    except OSError as error:
        faults.pass_on(error)
        return ""
    return values.masked_text(raw.replace("\0", " ").strip())


def _versions() -> tuple[str, ...]:
    """Return versions by the folders' names: importlib.metadata would bring a dozen modules into the service."""
    pairs = []
    for folder in sys.path:
        try:
            entries = os.listdir(folder) if folder.endswith("-packages") else ()
        except OSError as error:
            faults.pass_on(error)
            continue
        for entry in entries:
            name, _, rest = entry.partition("-")
            if name in _DISTRIBUTIONS and rest.endswith(".dist-info"):
                pairs.append("version:" + name.lower().replace("_", "."))
                pairs.append(rest[: -len(".dist-info")])
    return tuple(pairs)
