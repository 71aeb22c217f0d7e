"""Work on files of a service's user, done by a small child process that runs as that user.

Root does not touch a path that another user can write: with links, mounts of their own, or folders exchanged at the
right moment, that user could have root do what the user may not. So a child process takes on the user, without
capabilities, and works from the root directory of the user's process; what it returns through a pipe is bytes, bounded
and untrusted. It stays in our own mount namespace and root directory: nothing that it loads is the user's.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import os
import resource
import select
import signal
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tracer.attach import proc
from tracer.attach.injection import ptrace
from tracer.files.folder import Folder

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_CAPABILITIES_VERSION = 0x20080522
_HEAD = struct.Struct("<cI")
_DATA, _END, _ERROR = b"d", b"e", b"x"
#: Bytes of a frame, seconds without any, seconds in all, and seconds of computing.
MAX_FRAME = 1 << 20
_PATIENCE, _LONGEST = 5.0, 300.0
_MAX_SECONDS = 300
_MAX_DESCRIPTOR, _FILES = 1 << 16, 64
#: How long to wait for an ended child. One that hangs in a file system of its user is left alone.
_SOON = 1.0

_LIMITS = {
    resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0, resource.RLIMIT_CPU: _MAX_SECONDS,
    resource.RLIMIT_NOFILE: _FILES,
}  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)

Work = Callable[[Folder], Iterable[bytes]]


@dataclass(frozen=True)
class Owner:
    """The owner of files: user and group of a process, whose ``pid`` and start time ``started`` are here too."""

    uid: int
    gid: int
    pid: int
    started: int


def run(owner: Owner, root: str, work: Work) -> Iterator[bytes]:
    """Yield what ``work`` yields, called as the owner with the folder ``root``: "/", or that of the owner's process.

    Raises OSError with what the owner could not do.
    """
    reading, writing = os.pipe()
    # Not while another process is stopped: it would stay stopped while our memory is copied.
    with ptrace.nothing_stopped:
        child = os.fork()
    if child == 0:
        _work(owner, root, work, writing)
    os.close(writing)
    try:
        yield from _received(reading)
    finally:
        os.close(reading)
        _end(child)


def _received(reading: int) -> Iterator[bytes]:
    deadline = time.monotonic() + _LONGEST
    while True:
        if time.monotonic() > deadline:  # its user delays each answer
            raise TimeoutError(errno.ETIMEDOUT, "its file system is too slow")
        kind, size = _HEAD.unpack(_read(reading, _HEAD.size))
        if size > MAX_FRAME or kind not in (_DATA, _END, _ERROR):
            raise OSError(errno.EPROTO, "invalid data from the process that reads as its user")
        data = _read(reading, size)
        if kind == _ERROR:
            raise OSError(errno.EACCES, data.decode(errors="replace"))
        if kind == _END:
            return
        yield data


def _read(reading: int, size: int) -> bytes:
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    data = b""
    while len(data) < size:
        if not poll.poll(_PATIENCE * 1000):
            raise TimeoutError(errno.ETIMEDOUT, "its file system does not answer")
        more = os.read(reading, size - len(data))
        if not more:
            raise OSError(errno.EIO, "its user has ended the process that reads as this user")
        data += more
    return data


def _end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    deadline = time.monotonic() + _SOON
    while os.waitpid(child, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.001)


def _work(owner: Owner, root: str, work: Work, writing: int) -> NoReturn:
    """Do the work in the child, which never returns."""
    gc.disable()
    try:
        try:
            with _root(owner, root) as folder:
                _become(owner, folder, writing)
                for data in work(folder):
                    _send(writing, _DATA, data)
            _send(writing, _END, b"")
        except OSError as error:
            _send(writing, _ERROR, (error.strerror or str(error)).encode(errors="replace")[:MAX_FRAME])
        except Exception as error:  # noqa: BLE001 - raised in the parent
            _send(writing, _ERROR, repr(error).encode(errors="replace")[:MAX_FRAME])
    finally:
        os._exit(0)


def _root(owner: Owner, root: str) -> Folder:
    folder = Folder(proc.root(root), Path("/"))
    if root != "/":
        started = proc.text(owner.pid, "stat").rpartition(")")[2].split()[19]
        if int(started) != owner.started:
            raise ProcessLookupError(errno.ESRCH, "it has ended")
    return folder


def _become(owner: Owner, folder: Folder, writing: int) -> None:
    """Take on the owner, with only the owner's rights and no descriptor of ours but these two."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    os.umask(0o077)
    last = 0
    for descriptor in sorted((folder.descriptor, writing)):
        os.closerange(last, descriptor)
        last = descriptor + 1
    os.closerange(last, max(last, _MAX_DESCRIPTOR))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(owner.gid, owner.gid, owner.gid)
        os.setresuid(owner.uid, owner.uid, owner.uid)
    if (os.getuid(), os.geteuid()) != (owner.uid, owner.uid):
        raise PermissionError(errno.EPERM, "only root may write files for another user's process")
    _drop_capabilities()
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)
    for kind, limit in _LIMITS.items():
        resource.setrlimit(kind, (limit, limit))


def _drop_capabilities() -> None:
    """Drop all capabilities, since root in a container may be the owner."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _send(writing: int, kind: bytes, data: bytes) -> None:
    left = _HEAD.pack(kind, len(data)) + data
    while left:
        left = left[os.write(writing, left) :]
