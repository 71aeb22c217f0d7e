"""The files of a store and their names, which carry digests of their bytes.

    fleet.json                                      format and versions
    steps/day=D/CONTENT.NONCE.STEPS.parquet         rows of steps; CONTENT and STEPS are digests, of rows and of bytes
    boots/day=D/CONTENT.NONCE.STEPS.BOOTS.parquet   rows of boots, written last and removed first
    keys/BYTES.parquet                              the keys that were new

A segment is the pair with one CONTENT, NONCE and STEPS; it exists if its boots file does. Two commands that add the
same boots at once write two segments, each with files of its own, so that removing one never breaks the other.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import BinaryIO

STEPS, BOOTS, KEYS = "steps", "boots", "keys"
_HEX = "[0-9a-f]{16}"
_BOOTS = re.compile(rf"({_HEX})\.({_HEX})\.({_HEX})\.({_HEX})\.parquet")
_STEPS = re.compile(rf"{_HEX}\.{_HEX}\.{_HEX}\.parquet")
_KEYS = re.compile(rf"{_HEX}\.parquet")
_DAY = re.compile(r"day=(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """The boots of a day that were written together."""

    day: date
    content: str
    nonce: str
    steps_digest: str
    boots_digest: str

    @property
    def folder(self) -> str:
        """The name of the day's folder."""
        return day_folder(self.day)

    @property
    def steps(self) -> str:
        """The name of the file with the rows of steps."""
        return f"{self.content}.{self.nonce}.{self.steps_digest}.parquet"

    @property
    def boots(self) -> str:
        """The name of the file with the rows of boots."""
        return f"{self.content}.{self.nonce}.{self.steps_digest}.{self.boots_digest}.parquet"


def day_folder(day: date) -> str:
    """Return the name of a day's folder, which engines read as a column."""
    return f"day={day.isoformat()}"


def day_of(folder: str) -> date | None:
    """Return the day of a folder's name, None if it is none of ours."""
    match = _DAY.fullmatch(folder)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def started_day(microseconds: int) -> date:
    """Return the day, in UTC, of a time since the epoch."""
    return datetime.fromtimestamp(microseconds // 10**6, UTC).date()


def segment(day: date, name: str) -> Segment | None:
    """Return the segment of a boots file's name, None if it is none of ours."""
    match = _BOOTS.fullmatch(name)
    return Segment(day, *match.groups()) if match else None


def is_steps(name: str) -> bool:
    """Return whether it is the name of a file with rows of steps."""
    return _STEPS.fullmatch(name) is not None


def is_keys(name: str) -> bool:
    """Return whether it is the name of a file with keys."""
    return _KEYS.fullmatch(name) is not None


def bytes_digest(name: str) -> str:
    """Return the digest of the bytes that a file's name promises."""
    return name.removesuffix(".parquet").rpartition(".")[2]


def part(content: str, nonce: str) -> int:
    """Return the number of a segment in its rows."""
    return int(digest_of_text(content + nonce), 16) >> 1


def digest_of_file(file: BinaryIO) -> str:
    """Return the digest of an opened file's bytes from its start."""
    file.seek(0)
    digest = hashlib.blake2b(digest_size=8)
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def digest_of_text(text: str) -> str:
    """Return the digest that names a segment's content."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
