"""The owner of a file, and the other users who may change it."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat

_ACL = "system.posix_acl_access"


class UnsafeError(PermissionError):
    """A path that another user may have prepared, or may change while it is used."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EPERM, reason)


def is_mine(about: os.stat_result) -> bool:
    """Return whether it belongs to the effective user."""
    return about.st_uid == os.geteuid()


def is_trusted(about: os.stat_result) -> bool:
    """Return whether it belongs to the effective user or to root."""
    return about.st_uid in (0, os.geteuid())


def is_shared(descriptor: int, about: os.stat_result) -> bool:
    """Return whether others than its owner and root may write to the opened file."""
    if about.st_mode & stat.S_IWOTH:
        return True
    return bool(about.st_mode & stat.S_IWGRP) and (_has_list(descriptor) or not _is_private_group(about.st_gid))


def _has_list(descriptor: int) -> bool:
    """Return whether it has an access list, whose users and groups the mode does not show."""
    try:
        return bool(os.getxattr(f"/proc/self/fd/{descriptor}", _ACL))
    except OSError:
        return False


def _is_private_group(gid: int) -> bool:
    """Return whether the caller is the only member of the group, as most distributions create one for each user."""
    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    return user.pw_gid == gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def owner(about: os.stat_result) -> str:
    """Return the owner's name for a message."""
    return user_name(about.st_uid)


def user_name(uid: int) -> str:
    """Return a user's name for a message."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def kind(about: os.stat_result) -> str:
    """Return the kind of a file for a message, with its article."""
    kinds = {
        stat.S_IFDIR: "a folder", stat.S_IFREG: "a file", stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a disk",
    }  # fmt: skip
    return kinds.get(stat.S_IFMT(about.st_mode), "something unknown")
