"""Removal of a tree by descriptors: no link is followed, no mount is entered, and its root is the caller's own."""

from __future__ import annotations

import errno
import os
import stat

from tracer.files.trust import UnsafeError, is_mine, owner

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: No folder of bootseq is nearly as deep; each level holds a descriptor.
_MAX_DEPTH = 32


def tree(folder: int, name: str) -> None:
    """Remove ``name``, a folder of the caller's, with its contents from an opened folder."""
    descriptor = os.open(name, _OPEN, dir_fd=folder)
    try:
        about = os.fstat(descriptor)
        if not is_mine(about):
            raise UnsafeError(f"{name} belongs to {owner(about)}")
        _check_same_mount(descriptor, folder, name)
        _empty(descriptor, _MAX_DEPTH)
        _check_same(folder, name, about)
    finally:
        os.close(descriptor)
    os.rmdir(name, dir_fd=folder)


def _empty(folder: int, depth: int) -> None:
    if not depth:
        raise OSError(errno.ELOOP, "folders nested too deep to be bootseq's")
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
    for name in names:
        about = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISDIR(about.st_mode):
            os.unlink(name, dir_fd=folder)
            continue
        descriptor = os.open(name, _OPEN, dir_fd=folder)
        try:
            _check_same_mount(descriptor, folder, name)
            _empty(descriptor, depth - 1)
        finally:
            os.close(descriptor)
        os.rmdir(name, dir_fd=folder)


def _check_same(folder: int, name: str, about: os.stat_result) -> None:
    """Refuse to remove a folder that has been exchanged meanwhile."""
    if not os.path.samestat(os.stat(name, dir_fd=folder, follow_symlinks=False), about):
        raise UnsafeError(f"{name} was exchanged meanwhile")


def _check_same_mount(descriptor: int, folder: int, name: str) -> None:
    if mount_id(descriptor) != mount_id(folder):
        raise UnsafeError(f"something is mounted on {name}")


def mount_id(descriptor: int) -> int:
    """Return the id of the mount an opened file is reached by: a bind mount has the device of its source."""
    # As bytes: a process that has changed its user cannot load a codec any more.
    with open(f"/proc/self/fdinfo/{descriptor}", "rb") as file:
        for line in file:
            if line.startswith(b"mnt_id:"):
                return int(line.split()[1])
    raise OSError(errno.ENOSYS, "the kernel does not report the mount of a file")
