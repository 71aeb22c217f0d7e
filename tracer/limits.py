"""Limits: the text of a file that is small where it is what it should be, read no further than it may be long."""

from __future__ import annotations

from pathlib import Path

from tracer.errors import TracerError
from tracer.files import read

#: Bytes of a file that people write by hand, or that we keep a few entries in.
SMALL = 1 << 20


def text(path: Path, most: int = SMALL) -> str:
    """What a file of at most so many bytes says; a TracerError says why it is none, whatever is in its place."""
    try:
        data = read.contents(path, most)
        return data.decode("utf-8")
    except OSError as error:
        raise TracerError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TracerError(f"{path}:{line}: not a text file: no UTF-8") from None
