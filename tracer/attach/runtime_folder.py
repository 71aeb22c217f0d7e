"""The caller's runtime folder for bootseq: gone with the machine's uptime, and nobody else's to write.

It is root's in /run, another user's in the runtime folder that the system gives each user. HOME is not asked, since it
may be somebody else's (a sudo that keeps it).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracer.errors import TracerError
from tracer.files import folder as folders
from tracer.files.folder import Folder


def path() -> Path:
    """Where it is, or is to be made."""
    uid = os.geteuid()
    if uid == 0:
        return Path("/run/bootseq")
    for runtime in (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{uid}"):
        if runtime and _is_private(runtime, uid):
            return Path(runtime, "bootseq")
    return Path(f"/tmp/bootseq-{uid}")  # used only where it is the caller's own and private


def _is_private(folder: str, uid: int) -> bool:
    try:
        about = os.lstat(folder)
    except OSError:
        return False
    return about.st_uid == uid and not about.st_mode & 0o077


def create() -> Folder:
    """The folder, made where there is none."""
    where = path()
    try:
        return folders.private(where)
    except OSError as error:
        raise _unusable(where, error) from None


@contextmanager
def opened() -> Iterator[Folder | None]:
    """The folder, None where there is none."""
    where = path()
    try:
        found = folders.opened(where)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise _unusable(where, error) from None
    with found:
        try:
            found.check_private()
        except OSError as error:
            raise _unusable(where, error) from None
        yield found


def _unusable(where: Path, error: OSError) -> TracerError:
    return TracerError(f"{where}: cannot hold the list of what is attached: {error.strerror or error}")


def boot_id() -> str:
    """Which uptime of the machine this is."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def boot_time() -> float:
    """Seconds of this uptime, those that the machine slept too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
