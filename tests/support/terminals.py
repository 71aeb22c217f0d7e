"""A command on a terminal of its own: a pseudo-terminal of a given width."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_READ = 1 << 16


@dataclass(frozen=True, slots=True)
class Screen:
    """The exit code of a command, and what it wrote to its terminal, with lines that end as in a file."""

    code: int
    text: str


def bootseq(
    *arguments: str | Path, columns: int = 80, rows: int = 500, environ: Mapping[str, str] | None = None
) -> Screen:
    """Run ``bootseq`` on a terminal; ``environ`` is added to the environment."""
    return run([sys.executable, "-m", "tracer", *map(str, arguments)], columns, rows, environ or {})


def run(command: list[str], columns: int, rows: int, environ: Mapping[str, str]) -> Screen:
    """Run a command whose stdin, stdout and stderr are a terminal of this size."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    inherited["TERM"] = "xterm-256color"
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env={**inherited, **environ})
    os.close(theirs)
    written = b""
    try:
        while part := _read(ours):
            written += part
    finally:
        os.close(ours)
    return Screen(process.wait(), written.decode().replace("\r\n", "\n"))


def _read(descriptor: int) -> bytes:
    """Return what was written; b"" where the last process closed the terminal, which Linux reports as an error."""
    try:
        return os.read(descriptor, _READ)
    except OSError:
        return b""
