"""Files of /proc about other processes, read up to a bound: their content is a stranger's, and may be endless."""

from __future__ import annotations

import errno
from collections.abc import Iterator

_MAX_MAPS = 32 << 20
#: A command line that is longer is cut: what a process is stands at its beginning.
_MAX_WORDS, _MAX_COMMAND = 400, 1 << 16
_MAX_TEXT = 1 << 20


def text(pid: int, name: str) -> str:
    """A small file."""
    return data(pid, name, _MAX_TEXT).decode(errors="replace")


def data(pid: int, name: str, limit: int) -> bytes:
    """A file, up to so many bytes."""
    with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
        found = b""
        while len(found) < limit and (more := file.read(min(limit - len(found), 1 << 16))):
            found += more
    return found


def maps(pid: int) -> Iterator[str]:
    """The lines of its memory map; an OSError where there is no end to them."""
    left = _MAX_MAPS
    with open(f"/proc/{pid}/maps", "rb") as file:
        for line in file:
            left -= len(line)
            if left < 0:
                raise OSError(errno.EFBIG, "its memory map is too long")
            yield line.decode(errors="surrogateescape").rstrip("\n")


def command_line(pid: int) -> tuple[str, ...]:
    """The first words of it."""
    raw = data(pid, "cmdline", _MAX_COMMAND).decode(errors="replace").rstrip("\0")
    return tuple(raw.split("\0", _MAX_WORDS)[:_MAX_WORDS]) if raw else ()
