"""A packed tree like a sosreport of 32 services: four nodes with the logs of a real boot, and what else trees hold."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from tests.support.log_traces import nova34

NODES = 4
#: Where each log lies, by its name in tests/data.
_FOLDERS = {
    "glance.log": "var/log/glance/api.log", "keystone.log": "var/log/httpd/keystone_wsgi_public.log",
    "neutron.log": "var/log/neutron/server.log", "nova-api.log": "var/log/kolla/nova/nova-api.log",
    "nova-compute.log": "var/log/containers/nova/nova-compute.log",
    "nova-conductor.log": "var/log/nova/nova-conductor.log",
    "nova-scheduler.log": "logs/screen-n-sch.txt", "placement.log": "var/log/httpd/placement_wsgi_error.log",
}  # fmt: skip
SERVICES = NODES * len(_FOLDERS)
#: Seconds between two boots in the logs: the next begins when the last has ended.
_APART = 60
_IDS = re.compile(rb"(?<=\breq-)[0-9a-f]{4}|(?<=\b[0-9a-f]{28})[0-9a-f]{4}\b")
_INSTANCE = b"d7dc3b0e-3225"
_SECOND = re.compile(rb"^2026-11-22 \d\d:\d\d:\d\d", re.MULTILINE)


def write(path: Path, scratch: Path, megabytes: float) -> int:
    """Write a .tar.xz of about so many megabytes of logs, and return their bytes."""
    logs = {log.name: log.read_bytes() for log in sorted(nova34(scratch).glob("*.log"))}
    boots = max(1, round(megabytes * 1e6 / NODES / sum(map(len, logs.values()))))
    total = 0
    with tarfile.open(path, "w:xz", preset=1) as archive:
        for name, data in _others():
            _add(archive, name, data)
        for node in range(NODES):
            for log, member in _FOLDERS.items():
                data = b"".join(_boot(logs[log], node * boots + number, number) for number in range(boots))
                total += len(data)
                _add(archive, f"sosreport-node{node}-2026-11-22-abcdefg/{member}", data)
    return total


def _boot(log: bytes, boot: int, number: int) -> bytes:
    """Return a boot's log with ids and times of its own."""
    shift = timedelta(seconds=_APART * number)

    def later(match: re.Match[bytes]) -> bytes:
        return str(datetime.fromisoformat(match[0].decode()) + shift).encode()

    log = _IDS.sub(lambda match: b"%04x" % ((int(match[0], 16) + boot) % 65536), log)
    return _SECOND.sub(later, log.replace(_INSTANCE, b"d7dc3b0e-%04x" % (0x3225 + boot)))


def _others() -> Iterator[tuple[str, bytes]]:
    """Yield the members that a tree holds beside logs: prose, other programs' logs, and files that cannot be read."""
    top = "sosreport-node0-2026-11-22-abcdefg"
    for number in range(60):
        yield f"{top}/sos_commands/process/ps_{number}.txt", b"USER PID %CPU\nroot 1 0.0\n" * 40
    yield f"{top}/var/log/messages", b"Nov 22 07:55:00 node0 kernel: nothing of ours\n" * 400
    yield f"{top}/var/log/nova/nova-api.log.2.gz", b"\x1f\x8b" + b"damaged" * 9
    yield f"{top}/var/log/nova/nova-manage.log", b""
    yield f"{top}/var/log/journal/system.journal.gz", gzip.compress(b"LPKSHHRH" + bytes(900))
    yield f"{top}/proc/cpuinfo", b"processor: 0\n"


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(data), 1_795_334_400
    archive.addfile(info, io.BytesIO(data))
