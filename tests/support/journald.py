"""A private, short-lived journald, which receives services' output and exports it through journalctl.

It runs in its own namespaces, with its own /run and /var/log, and ends with them. Needs root.
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
#: Seconds until it listens, and until it has written its input.
_PATIENCE = 20
_LATE = "journald did not get this far in time"

needs_journald = pytest.mark.skipif(
    os.geteuid() != 0
    or not JOURNALD.exists()
    or not shutil.which("journalctl")
    or not Path("/etc/machine-id").exists(),
    reason="needs root, systemd-journald and a machine id",
)


def export(stdout: dict[str, bytes], native: list[bytes], folder: Path) -> dict[str, bytes]:
    """Return the output of journalctl, by form, for these services' output and native messages.

    ``folder`` holds the input and the output afterwards.
    """
    for name, data in stdout.items():
        (folder / f"{name}.out").write_bytes(data)
    for number, data in enumerate(native):
        (folder / f"{number}.native").write_bytes(data)
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
            with path.open("rb") as output:
                subprocess.run(["systemd-cat", "-t", path.stem, "cat"], stdin=output, check=True)
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
