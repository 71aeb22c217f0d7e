"""Packages that running processes import from: folders such as site-packages, and the sources of modules in them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from fnmatch import filter as matching
from pathlib import Path
from typing import TypeVar

from tracer.attach import proc
from tracer.files.folder import Folder

_FOLDER = re.compile(r"/.*/(?:site|dist)-packages(?=/)")
_DISTRIBUTION = re.compile(r"(?:python[_-]|openstack[_-])?([\w.]+?)-(\d+)[\w.+!]*\.(?:dist|egg)-info", re.ASCII)
_MAX_FOLDERS, _MAX_NAMES, _MAX_MODULES = 16, 20_000, 500
_MAX_SOURCE = 2 << 20

_Result = TypeVar("_Result")


class Packages:
    """A folder of installed packages. Anyone may own it: no link is followed, and sources are only read as text."""

    def __init__(self, folder: Folder, path: str) -> None:
        self.path = path
        self._folder = folder
        names, _ = folder.first_names(_MAX_NAMES)
        self._names = frozenset(names)
        matches = (_DISTRIBUTION.fullmatch(name) for name in names)
        self._releases = {match[1].replace(".", "_"): int(match[2]) for match in matches if match}

    def __enter__(self) -> Packages:
        return self

    def __exit__(self, *error: object) -> None:
        self._folder.close()

    def has(self, package: str) -> bool:
        """Return whether a top-level package or module is installed here."""
        return package in self._names or f"{package}.py" in self._names

    def release(self, package: str) -> int | None:
        """Return the major version of the distribution that has this package, None if unknown."""
        return self._releases.get(package)

    def sources(self, module: str) -> list[str]:
        """Return the sources of the modules that a dotted name or glob matches; unreadable ones are left out."""
        *parents, last = module.split(".")
        folders: list[tuple[str, ...]] = [()]
        for part in parents:
            folders = [(*path, name) for path in folders for name in self._matching(path, part)][:_MAX_MODULES]
        modules = [(*path, name) for path in folders for name in self._matching(path, f"{last}.py")]
        packages = [(*path, name, "__init__.py") for path in folders for name in self._matching(path, last)]
        texts = [self._source(path) for path in [*modules, *packages][:_MAX_MODULES]]
        return [text for text in texts if text is not None]

    def siblings(self, module: str) -> list[str]:
        """Return the names of the modules beside one that does not exist."""
        *parents, _ = module.split(".")
        prefix = ".".join(parents)
        names = {name.removesuffix(".py") for name in self._list(tuple(parents)) if not name.startswith("_")}
        return sorted(f"{prefix}.{name}" for name in names) if parents else []

    def _matching(self, path: tuple[str, ...], pattern: str) -> list[str]:
        is_glob = any(sign in pattern for sign in "*?[")
        return matching(self._list(path), pattern) if is_glob else [pattern]

    def _list(self, path: tuple[str, ...]) -> list[str]:
        return self._inside(path, lambda folder: folder.first_names(_MAX_NAMES)[0]) or []

    def _source(self, path: tuple[str, ...]) -> str | None:
        data = self._inside(path[:-1], lambda folder: folder.read(path[-1], _MAX_SOURCE))
        return None if data is None else data.decode(errors="replace")

    def _inside(self, path: tuple[str, ...], use: Callable[[Folder], _Result]) -> _Result | None:
        """Return the result for a folder below, None where it or its content cannot be read."""
        try:
            with _below(os.dup(self._folder.descriptor), path) as folder:
                return use(folder)
        except (OSError, ValueError):
            return None


def of_processes(pids: Iterable[int]) -> Iterator[Packages]:
    """Yield the folders of packages from which processes have loaded libraries, each folder once."""
    known = set()
    for pid in pids:
        for path in _paths(pid):
            with suppress(OSError, ValueError):
                folder = _below(proc.root(f"/proc/{pid}/root"), tuple(path.strip("/").split("/")))
                about = folder.about()
                if (about.st_dev, about.st_ino) in known:
                    folder.close()
                    continue
                known.add((about.st_dev, about.st_ino))
                if len(known) > _MAX_FOLDERS:
                    folder.close()
                    return
                yield Packages(folder, path)


def _paths(pid: int) -> list[str]:
    """Return the folders of packages in a process's memory map: services load compiled modules from theirs."""
    paths: dict[str, None] = {}
    with suppress(OSError):
        for line in proc.maps(pid):
            fields = line.split(None, 5)
            if len(fields) > 5 and (match := _FOLDER.match(fields[5])) and len(paths) < _MAX_FOLDERS:
                paths[match[0]] = None
    return list(paths)


def _below(descriptor: int, path: tuple[str, ...]) -> Folder:
    """Open the folder at a path below an opened one, which is closed; OSError where it cannot be opened."""
    folder = Folder(descriptor, Path("/"))
    for name in path:
        with folder:
            folder = folder.folder(name)
    return folder
