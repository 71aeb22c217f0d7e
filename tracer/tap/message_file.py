"""The file messages.jsonl of a capture: one write a line, so that what was recorded stays whatever happens."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from tracer.errors import TracerError
from tracer.files import folder

NAME = "messages.jsonl"


class Messages:
    """Lines are added to those of an earlier tap; the file is its owner's alone."""

    def __init__(self, capture: Path, cap: int) -> None:
        self.path = capture / NAME
        self.count = {"publish": 0, "deliver": 0}
        self._cap = cap
        try:
            with folder.opened(capture) as opened:
                self._file = opened.append(NAME)
            os.fchmod(self._file, 0o600)
            self._size = os.fstat(self._file).st_size
            if self._size and os.pread(self._file, 1, self._size - 1) != b"\n":
                self._write(b"\n")  # an earlier tap's disk was full in the middle of a line
        except OSError as error:
            raise TracerError(f"{self.path}: cannot be written: {error.strerror}") from None

    def add(self, kind: str, line: bytes) -> None:
        """``kind`` is publish or deliver. A TracerError says that there is no more room."""
        if self._size + len(line) > self._cap:
            raise TracerError(f"{self.path}: full ({self._cap >> 20} MB); ended. More: --cap")
        try:
            self._write(line)
        except OSError as error:
            raise TracerError(f"{self.path}: cannot be written: {error.strerror}") from None
        self.count[kind] = self.count.get(kind, 0) + 1

    def _write(self, line: bytes) -> None:
        written = os.write(self._file, line)
        self._size += written
        if written < len(line):  # the next write says why
            self._write(line[written:])

    @property
    def total(self) -> int:
        """How many were added."""
        return sum(self.count.values())

    def __enter__(self) -> Messages:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)
