"""A journald of our own, for a moment: what it keeps of some services' output, as journalctl writes it out.

It runs in name spaces of its own, with /run and /var/log of its own, and ends with them. Needs root.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import wait_until

JOURNALD = Path("/lib/systemd/systemd-journald")
FORMS = ("export", "json", "short", "short-precise", "short-iso", "short-full", "short-unix")
_SETUP = r"""
set -e
mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/log
mkdir -p /run/systemd/journal /run/systemd/journald.conf.d /run/log/journal
printf '[Journal]\nRateLimitIntervalSec=0\nReadKMsg=no\nAudit=no\n' > /run/systemd/journald.conf.d/own.conf
exec "$@"
"""
#: Seconds until it listens, and until it has written what it was told.
_PATIENCE = 20
_LATE = "journald did not come so far"

needs_journald = pytest.mark.skipif(
    os.geteuid() != 0
    or not JOURNALD.exists()
    or not shutil.which("journalctl")
    or not Path("/etc/machine-id").exists(),
    reason="needs root, systemd-journald and a machine id",
)


def export(stdout: dict[str, bytes], native: list[bytes], folder: Path) -> dict[str, bytes]:
    """What journalctl writes, by its form, of these services' output and of native messages.

    ``folder`` is left with the input and the output.
    """
    for name, data in stdout.items():
        (folder / f"{name}.out").write_bytes(data)
    for place, data in enumerate(native):
        (folder / f"{place}.native").write_bytes(data)
    entries = len(native) + sum(1 for data in stdout.values() for line in data.splitlines() if line.strip())
    inside = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", _SETUP, "-"]
    subprocess.run(
        [*inside, sys.executable, "-m", "tests.support.journald", str(folder), str(entries)], check=True, timeout=100
    )
    return {form: (folder / form).read_bytes() for form in FORMS}


def _run(folder: Path, entries: int) -> None:
    with subprocess.Popen([JOURNALD], stderr=subprocess.DEVNULL) as journald:
        wait_until(Path("/run/systemd/journal/stdout").exists, _PATIENCE, lambda: _LATE)
        for path in sorted(folder.glob("*.out")):
            with path.open("rb") as said:
                subprocess.run(["systemd-cat", "-t", path.stem, "cat"], stdin=said, check=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            for path in sorted(folder.glob("*.native")):
                out.sendto(path.read_bytes(), "/run/systemd/journal/socket")
        wait_until(lambda: _written("export").count(b"__CURSOR=") >= entries, _PATIENCE, lambda: _LATE)
        for form in FORMS:
            (folder / form).write_bytes(_written(form))
        journald.terminate()


def _written(form: str) -> bytes:
    # Without the names of this machine's programs and folders.
    fields = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_PID,_HOSTNAME,_TRANSPORT,_STREAM_ID,_LINE_BREAK,"
    fields += "_SOURCE_REALTIME_TIMESTAMP,LOGGER_NAME,LOGGER_LEVEL,REQUEST_ID,CODE_FILE,CODE_LINE,CODE_FUNC"
    command = ["journalctl", "--directory=/run/log/journal", "--no-pager", "--quiet", "--all", "-o", form]
    return subprocess.run([*command, f"--output-fields={fields}"], capture_output=True, check=True).stdout


if __name__ == "__main__":
    _run(Path(sys.argv[1]), int(sys.argv[2]))
