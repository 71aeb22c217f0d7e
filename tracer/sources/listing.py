"""The files below folders and behind patterns, within bounds; below a folder no link to a folder is followed."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

from tracer.errors import TracerError

#: Files and folders that a command lists in all: a site's logs are some thousands.
MAX_ENTRIES = 100_000
MAX_DEPTH = 64
_ANY_DEPTH = "**"
_Entry = TypeVar("_Entry")


class Listing:
    """A command's listing of folders, which ends with a TracerError at its bounds."""

    def __init__(self) -> None:
        self._count = 0

    def files(self, folder: Path) -> list[Path]:
        """Return the files below a folder, sorted."""
        return sorted(path for path in self._below(folder) if path.is_file())

    def matches(self, pattern: Path) -> list[Path]:
        """Return the files and folders that match a pattern, sorted; ``**`` matches folders at any depth."""
        fixed = tuple(takewhile(lambda part: part != _ANY_DEPTH, pattern.parts))
        rest = pattern.parts[len(fixed) :]
        starts = self._counted(map(Path, glob.iglob(str(Path(*fixed)))), pattern)
        if not rest:
            return sorted(starts)
        return sorted(
            path
            for start in starts
            for path in (start, *self._below(start))
            if _fits(path.parts[len(start.parts) :], rest)
        )

    def _below(self, folder: Path) -> Iterator[Path]:
        stack = [(os.fspath(folder), 1)]
        while stack:
            path, depth = stack.pop()
            if depth > MAX_DEPTH:
                raise TracerError(f"{folder}: folders nested more than {MAX_DEPTH} deep; name the logs in it")
            try:
                with os.scandir(path) as entries:
                    for entry in self._counted(entries, folder):
                        if entry.is_dir(follow_symlinks=False):
                            stack.append((entry.path, depth + 1))
                        yield Path(entry.path)
            except (PermissionError, FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise TracerError(f"{folder}: cannot be read: {error.strerror}") from None

    def _counted(self, entries: Iterable[_Entry], source: Path) -> Iterator[_Entry]:
        for entry in entries:
            self._count += 1
            if self._count > MAX_ENTRIES:
                raise TracerError(f"{source}: more than {MAX_ENTRIES:,} files and folders; name the logs among them")
            yield entry


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Return whether a path's parts match a pattern's; hidden names match only parts that begin with a dot."""
    if not pattern:
        return not parts
    if pattern[0] == _ANY_DEPTH and _fits(parts, pattern[1:]):
        return True
    if not parts or (parts[0].startswith(".") and not pattern[0].startswith(".")):
        return False
    if pattern[0] == _ANY_DEPTH:
        return _fits(parts[1:], pattern)
    return fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])
