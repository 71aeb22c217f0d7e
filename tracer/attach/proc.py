"""Files of /proc about other processes, read up to a bound: their content is untrusted, and may be endless."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

_MAX_MAPS = 32 << 20
#: A longer command line is cut: its beginning identifies the process.
_MAX_WORDS, _MAX_COMMAND = 400, 1 << 16
_MAX_TEXT = 1 << 20


def text(pid: int | str, name: str) -> str:
    """Return the text of a small file in the folder of a process, which may be "self"."""
    return data(pid, name, _MAX_TEXT).decode(errors="replace")


def data(pid: int | str, name: str, limit: int) -> bytes:
    """Return the first ``limit`` bytes of a file in the folder of a process."""
    with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
        content = b""
        while len(content) < limit and (more := file.read(min(limit - len(content), 1 << 16))):
            content += more
    return content


def is_own() -> bool:
    """Return whether /proc numbers the processes as the calling process's own pid namespace does."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def has_proc(pid: int) -> bool:
    """Return whether the process finds a /proc below its root directory; nothing of the process's is opened."""
    lines = (line.partition(" - ") for line in text(pid, "mountinfo").splitlines())
    return any(mount.split()[4:5] == ["/proc"] and about.startswith("proc ") for mount, _, about in lines)


def setting(name: str) -> str:
    """Return the value of a kernel setting, as kernel/yama/ptrace_scope."""
    with open(f"/proc/sys/{name}", encoding="ascii") as file:
        return file.read(_MAX_TEXT).strip()


def memory(pid: int, *, write: bool = False) -> int:
    """Open the memory of a process and return the descriptor; OSError without the rights to ptrace it."""
    return os.open(f"/proc/{pid}/mem", (os.O_RDWR if write else os.O_RDONLY) | os.O_CLOEXEC)


def root(path: str) -> int:
    """Open the root directory of a process, ``/`` or ``/proc/PID/root``, without read access; return the descriptor."""
    return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def pin(path: str) -> int:
    """Open a file of a process, ``/proc/PID/fd/N``, for its status only; return the descriptor."""
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def reopen(pinned: int) -> int:
    """Open the very file behind a pinned descriptor for reading and writing; return the new descriptor."""
    return os.open(f"/proc/self/fd/{pinned}", os.O_RDWR | os.O_CLOEXEC)


def maps(pid: int) -> Iterator[str]:
    """Yield the lines of its memory map; OSError (EFBIG) for too many."""
    left = _MAX_MAPS
    with open(f"/proc/{pid}/maps", "rb") as file:
        for line in file:
            left -= len(line)
            if left < 0:
                raise OSError(errno.EFBIG, "its memory map is too long")
            yield line.decode(errors="surrogateescape").rstrip("\n")


def command_line(pid: int) -> tuple[str, ...]:
    """Return the first words of its command line."""
    raw = data(pid, "cmdline", _MAX_COMMAND).decode(errors="replace").rstrip("\0")
    return tuple(raw.split("\0", _MAX_WORDS)[:_MAX_WORDS]) if raw else ()


def open_file(pid: int, descriptor: int) -> int:
    """Open the very file behind a descriptor of a process for reading, without waiting; return the descriptor."""
    return os.open(f"/proc/{pid}/fd/{descriptor}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
