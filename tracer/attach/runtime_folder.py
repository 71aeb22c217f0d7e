"""The caller's runtime folder for bootseq: it lasts as long as the machine's uptime, and no other user can write to it.

Root's is in /run, another user's in the runtime folder that the system creates for each user. HOME is not used, since
it may be another user's (sudo may keep it).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracer.attach import proc
from tracer.errors import TracerError
from tracer.files import folder as folders
from tracer.files.folder import Folder


def path() -> Path:
    """Return its path, existing or not."""
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
    """Open the folder, created if missing."""
    where = path()
    try:
        return folders.private(where)
    except OSError as error:
        raise _unusable(where, error) from None


@contextmanager
def opened() -> Iterator[Folder | None]:
    """Yield the folder, None if there is none."""
    where = path()
    try:
        folder = folders.opened(where)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise _unusable(where, error) from None
    with folder:
        try:
            folder.check_private()
        except OSError as error:
            raise _unusable(where, error) from None
        yield folder


def _unusable(where: Path, error: OSError) -> TracerError:
    return TracerError(f"{where}: cannot hold the list of what is attached: {error.strerror or error}")


def boot_id() -> str:
    """Return the id of the machine's uptime."""
    return proc.setting("kernel/random/boot_id")


def boot_time() -> float:
    """Return the seconds of this uptime, including sleep."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
