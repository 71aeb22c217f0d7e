"""A path resolved step by step by descriptors: each step is the very file that was checked.

A symbolic link is followed only if no other user can have created it: it and its folder belong to the caller or root,
and only they may write to the folder. So /var/run is followed to /run, and a link in /tmp is refused.
"""

from __future__ import annotations

import enum
import errno
import os
import stat
from pathlib import Path

from tracer.files.trust import UnsafeError, is_shared, is_trusted, owner

STEP = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_MAX_LINKS = 40


class Way(enum.IntEnum):
    """The checks of the folders on a path; each value includes the checks of those before it."""

    #: To content that is not trusted anyway: only links are checked.
    INPUT = 0
    #: To a file to write: in a folder that several may write to, the next step is the caller's or root's, and stays so.
    OUTPUT = 1
    #: To content that is trusted: each folder belongs to the caller or to root.
    OWN = 2


class Walk:
    """A walk along a path. At its end ``descriptor`` is the last folder, and ``name`` the entry of the path in it."""

    def __init__(self, path: Path, way: Way) -> None:
        if "\0" in str(path):
            raise OSError(errno.EINVAL, "not a file name: it contains a NUL byte")
        # Trusted content is opened by its absolute path later, so the whole of it is checked.
        whole = Path.cwd() / path if way is Way.OWN else path
        self.descriptor = os.open("/" if whole.is_absolute() else ".", _FOLDER)
        self.name = "."
        self._way = way
        self._links = 0
        try:
            self._go(list(whole.parts[1:] if whole.is_absolute() else whole.parts))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the last folder."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1

    def _go(self, parts: list[str]) -> None:
        here = os.fstat(self.descriptor)
        self._check_folder(here)
        while parts:
            self.name = parts.pop(0)
            try:
                step = os.open(self.name, STEP, dir_fd=self.descriptor)
            except FileNotFoundError:
                if parts:
                    raise
                return
            about = os.fstat(step)
            if stat.S_ISLNK(about.st_mode):
                parts = self._target(step, about, here) + parts
                here = os.fstat(self.descriptor)
            elif parts or self.name == "..":
                here = self._enter(step, about, here)
            else:
                os.close(step)

    def _target(self, step: int, about: os.stat_result, here: os.stat_result) -> list[str]:
        try:
            self._check_link(about, here)
            target = Path(os.readlink("", dir_fd=step))
        finally:
            os.close(step)
        self.name = "."
        if not target.is_absolute():
            return list(target.parts)
        root = os.open("/", _FOLDER)
        self._replace(root)
        return list(target.parts[1:])

    def _enter(self, step: int, about: os.stat_result, here: os.stat_result) -> os.stat_result:
        if not stat.S_ISDIR(about.st_mode):
            os.close(step)
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        try:
            if self.name != "..":
                self.check_step(about, here)
        except BaseException:
            os.close(step)
            raise
        self._replace(step)
        self._check_folder(about)
        self.name = "."
        return about

    def _replace(self, descriptor: int) -> None:
        os.close(self.descriptor)
        self.descriptor = descriptor

    def _check_link(self, about: os.stat_result, here: os.stat_result) -> None:
        if here.st_dev == os.stat("/proc/self").st_dev and here.st_ino != os.stat("/proc").st_ino:
            raise UnsafeError(f"{self.name} is a link of /proc; name its target")
        self._links += 1
        if self._links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if not is_trusted(about):
            raise UnsafeError(f"{self.name} is a symbolic link owned by {owner(about)}; name its target")
        if not is_trusted(here) or is_shared(self.descriptor, here):
            raise UnsafeError(f"{self.name} is a symbolic link in a folder that others may write to; name its target")

    def check_step(self, about: os.stat_result, here: os.stat_result) -> None:
        """Refuse a step that others may have created in a shared folder, or may exchange there."""
        if self._way < Way.OUTPUT or not is_shared(self.descriptor, here):
            return
        if not here.st_mode & stat.S_ISVTX:
            raise UnsafeError(f"the folder of {self.name} is writable by others and has no sticky bit")
        if not is_trusted(about):
            raise UnsafeError(f"{self.name} belongs to {owner(about)}, in a folder that others may write to")

    def _check_folder(self, here: os.stat_result) -> None:
        if self._way is Way.OWN and not is_trusted(here):
            raise UnsafeError(f"{self.shown()} belongs to {owner(here)}, who may exchange its contents")

    def check_end(self, descriptor: int) -> None:
        """Refuse an opened folder, the last step of the walk, that does not pass the checks."""
        about = os.fstat(descriptor)
        if self.name != ".":
            self.check_step(about, os.fstat(self.descriptor))
        if self._way is Way.OWN and not is_trusted(about):
            raise UnsafeError(f"it belongs to {owner(about)}")

    def shown(self) -> str:
        """Return the last folder's path for a message."""
        return os.readlink(f"/proc/self/fd/{self.descriptor}")
