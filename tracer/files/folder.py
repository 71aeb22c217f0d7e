"""An opened folder: operations act on this very folder, even if its path now leads elsewhere."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from tracer.files import remove as files_remove
from tracer.files.trust import UnsafeError, is_mine, is_shared, kind, owner
from tracer.files.walk import Walk, Way

_OPEN = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

#: Default limits: names listed from a folder, and bytes read from a file.
MAX_NAMES = 100_000
MAX_BYTES = 64 << 20


class Folder:
    """A folder behind a descriptor; its entries are single names. ``path`` is for messages and for other programs."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self.descriptor = descriptor
        self.path = path

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1

    def about(self, name: str = "") -> os.stat_result:
        """Return the status of the folder or of an entry; a link is not followed."""
        if not name:
            return os.fstat(self.descriptor)
        return os.stat(_single(name), dir_fd=self.descriptor, follow_symlinks=False)

    def has(self, name: str) -> bool:
        """Return whether there is an entry of this name."""
        try:
            self.about(name)
        except FileNotFoundError:
            return False
        return True

    def names(self, limit: int = MAX_NAMES) -> list[str]:
        """Return the sorted names in it; raise OSError if there are more than ``limit``."""
        names, more = self.first_names(limit)
        if more:
            raise OSError(errno.EFBIG, f"more than {limit} files in it")
        return names

    def first_names(self, limit: int) -> tuple[list[str], int]:
        """At most ``limit`` names in it, sorted, and how many more there are."""
        descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.descriptor)
        try:
            with os.scandir(descriptor) as entries:
                names = sorted(entry.name for entry in islice(entries, limit))
                return names, sum(1 for _ in entries)
        finally:
            os.close(descriptor)

    def folder(self, name: str) -> Folder:
        """Open a folder in it."""
        return Folder(os.open(_single(name), _OPEN, dir_fd=self.descriptor), self.path / name)

    def make(self, name: str) -> Folder:
        """Create a folder in it that only the caller may use, whatever the umask."""
        if self.is_shared() and not self.about().st_mode & stat.S_ISVTX:
            raise UnsafeError(f"{self.path} is writable by others and has no sticky bit")
        os.mkdir(_single(name), 0o700, dir_fd=self.descriptor)
        inner = self.folder(name)
        try:
            inner.make_private()
        except BaseException:
            inner.close()
            raise
        return inner

    def private_folder(self, name: str) -> Folder:
        """Open a folder in it that only the caller may use; create it if it is missing."""
        with suppress(FileExistsError):
            return self.make(name)
        inner = self.folder(name)
        try:
            inner.check_private()
        except BaseException:
            inner.close()
            raise
        return inner

    def make_private(self) -> None:
        """Set the mode of the caller's own folder to 0700; refuse another user's."""
        about = self.about()
        if not is_mine(about):
            raise UnsafeError(f"{self.path} belongs to {owner(about)}")
        if stat.S_IMODE(about.st_mode) != 0o700:
            os.chmod(f"/proc/self/fd/{self.descriptor}", 0o700)

    def check_private(self) -> None:
        """Refuse a folder that others own or may use."""
        about = self.about()
        if not is_mine(about):
            raise UnsafeError(f"{self.path} belongs to {owner(about)}")
        if about.st_mode & 0o077:
            raise UnsafeError(f"{self.path} is accessible to others; run: chmod 700")

    def real(self) -> Path:
        """Return its current path without links."""
        return Path(os.readlink(f"/proc/self/fd/{self.descriptor}"))

    def is_shared(self) -> bool:
        """Return whether others than its owner may write to it."""
        return is_shared(self.descriptor, self.about())

    def open(self, name: str, *, own: bool = False) -> BufferedReader:
        """Open a regular file in it for reading, with ``own`` only the caller's; never blocks, follows no link."""
        descriptor = os.open(_single(name), _READ, dir_fd=self.descriptor)
        try:
            about = os.fstat(descriptor)
            if stat.S_ISDIR(about.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if not stat.S_ISREG(about.st_mode):
                raise OSError(errno.EINVAL, f"{kind(about)}, not a file")
            if own and not is_mine(about):
                raise UnsafeError(f"{name} belongs to {owner(about)}")
            return os.fdopen(descriptor, "rb")
        except BaseException:
            os.close(descriptor)
            raise

    def read(self, name: str, limit: int = MAX_BYTES, *, own: bool = False) -> bytes:
        """Return the bytes of a regular file in it; OSError (EFBIG) for more than ``limit``."""
        with self.open(name, own=own) as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(limit + 1) if size <= limit else b""
        if max(size, len(data)) > limit:
            raise OSError(errno.EFBIG, f"more than {limit} bytes")
        return data

    def append(self, name: str) -> int:
        """Open the caller's own regular file for appending, created 0600 if missing; return its descriptor."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(_single(name), flags, 0o600, dir_fd=self.descriptor)
        about = os.fstat(descriptor)
        if stat.S_ISREG(about.st_mode) and is_mine(about):
            return descriptor
        os.close(descriptor)
        raise UnsafeError(f"{name} is {kind(about)} owned by {owner(about)}, not the caller's own file")

    @contextmanager
    def write(self, name: str, mode: int = 0o600, *, replace: bool = True) -> Iterator[BinaryIO]:
        """Yield a file that becomes ``name`` at the end; until then, and on failure, ``name`` is unchanged.

        Only the caller's own regular file is replaced; without ``replace`` no file is.
        """
        self.check_free(_single(name), replace=replace)
        draft = f".{name[:100]}.{os.urandom(8).hex()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(draft, flags, 0o600, dir_fd=self.descriptor), "wb") as file:
                os.fchmod(file.fileno(), mode)
                yield file
            self.check_free(name, replace=replace)
            os.rename(draft, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except BaseException:
            self.remove(draft)
            raise

    def write_durably(self, name: str, content: BinaryIO) -> None:
        """Write a file as ``write`` does, and return when it is on the disk, name and all."""
        with self.write(name) as file:
            shutil.copyfileobj(content, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
        self.sync()

    def check_free(self, name: str, *, replace: bool = True) -> None:
        """Refuse an existing entry that is not the caller's own regular file; without ``replace`` any entry."""
        try:
            about = self.about(name)
        except FileNotFoundError:
            return
        if stat.S_ISDIR(about.st_mode):
            raise IsADirectoryError(errno.EISDIR, "a folder, not a file")
        if not stat.S_ISREG(about.st_mode):
            raise UnsafeError(f"{kind(about)}, not a file")
        if not is_mine(about):
            raise UnsafeError(f"it belongs to {owner(about)}; name another file, or remove it first")
        if not replace:
            raise FileExistsError(errno.EEXIST, "it exists; name another file, or replace it with --force")

    def sync(self) -> None:
        """Wait until its entries are on the disk."""
        descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.descriptor)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, name: str) -> None:
        """Remove a file in it, if there is one."""
        with suppress(FileNotFoundError):
            os.unlink(_single(name), dir_fd=self.descriptor)

    def remove_tree(self, name: str) -> None:
        """Remove a folder of the caller's with its contents; other mounts and the targets of links stay."""
        files_remove.tree(self.descriptor, _single(name))


def _single(name: str) -> str:
    if not name or "/" in name or name in (".", ".."):
        raise OSError(errno.EINVAL, f"{name!r} is not a file name")
    return name


def opened(path: Path, way: Way = Way.OWN) -> Folder:
    """Open the folder at a path that no other user controls."""
    walk = Walk(path, way)
    try:
        step = os.open(walk.name, _OPEN, dir_fd=walk.descriptor)
        folder = Folder(step, path)
        try:
            walk.check_end(step)
            return folder
        except BaseException:
            folder.close()
            raise
    finally:
        walk.close()


def private(path: Path, *, parents: bool = False) -> Folder:
    """Open the caller's own folder at ``path``, created 0700 if missing; with ``parents`` its parents as well."""
    try:
        folder = opened(path)
    except FileNotFoundError:
        return _create(path, parents)
    try:
        folder.check_private()
    except BaseException:
        folder.close()
        raise
    return folder


def _create(path: Path, parents: bool) -> Folder:
    above = path.absolute().parent
    try:
        parent = opened(above)
    except FileNotFoundError:
        if not parents:
            raise
        parent = _create(above, parents)
    with parent:
        try:
            folder = parent.make(path.name)
        except FileExistsError:  # another bootseq command has just created it
            folder = parent.folder(path.name)
    folder.path = path
    try:
        folder.check_private()
    except BaseException:
        folder.close()
        raise
    return folder


def fresh(above: Path, prefix: str) -> Folder:
    """Create a private folder with an unpredictable name."""
    with opened(above) as parent:
        return parent.make(f"{prefix}{os.urandom(8).hex()}")


def remove(path: Path) -> None:
    """Remove the caller's own folder at ``path`` with its contents, if there is one."""
    with suppress(FileNotFoundError), opened(path.parent) as parent:
        parent.remove_tree(path.name)
