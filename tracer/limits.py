"""Bounded reading of small text files."""

from __future__ import annotations

from pathlib import Path

from tracer.errors import TracerError
from tracer.files import read

#: Bytes of a file that people write by hand, or of one with a few entries.
SMALL = 1 << 20


def text(path: Path, most: int = SMALL) -> str:
    """Return the text of a UTF-8 file of at most ``most`` bytes; TracerError with the reason if it cannot be read."""
    try:
        data = read.contents(path, most)
        return data.decode("utf-8")
    except OSError as error:
        raise TracerError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TracerError(f"{path}:{line}: not a text file: invalid UTF-8") from None
