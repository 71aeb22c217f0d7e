"""Work on files of a service's user, done by a small process that is nobody else but that user.

Root does not touch a path that another user can write: with links, mounts of his own, or folders exchanged at the right
moment he would have root do what he may not. So a child of ours becomes him, without capabilities, and works from the
root directory of his process; what comes back through a pipe is bytes, bounded, and as untrusted as he is. It stays in
our own mount namespace and root directory: nothing that it loads can be his.
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

from tracer.attach.injection import ptrace
from tracer.files.folder import Folder

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_CAPABILITIES_VERSION = 0x20080522
_HEAD = struct.Struct("<cI")
_DATA, _END, _ERROR = b"d", b"e", b"x"
#: Bytes of a frame, seconds without any, and seconds of computing.
MAX_FRAME = 1 << 20
_PATIENCE = 5.0
_MAX_SECONDS = 300
_MAX_DESCRIPTOR, _FILES = 1 << 16, 64
#: How long an ended child is waited for. One that hangs in a file system of its user's is left to itself.
_SOON = 1.0

_LIMITS = {
    resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0, resource.RLIMIT_CPU: _MAX_SECONDS,
    resource.RLIMIT_NOFILE: _FILES,
}  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)

Work = Callable[[Folder], Iterable[bytes]]


@dataclass(frozen=True)
class Owner:
    """Whose files they are: the user and group of a process; ``pid`` and ``started`` are its own."""

    uid: int
    gid: int
    pid: int
    started: int


def run(owner: Owner, root: str, work: Work) -> Iterator[bytes]:
    """What ``work`` yields, called as the owner with the folder ``root``: "/", or the root of the owner's process.

    An OSError says what the owner could not do.
    """
    reading, writing = os.pipe()
    # Not while another process is stopped: it would wait for our memory to be copied.
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
    while True:
        kind, size = _HEAD.unpack(_read(reading, _HEAD.size))
        if size > MAX_FRAME or kind not in (_DATA, _END, _ERROR):
            raise OSError(errno.EPROTO, "what was read as its user makes no sense")
        data = _read(reading, size)
        if kind == _ERROR:
            raise OSError(errno.EACCES, data.decode(errors="replace"))
        if kind == _END:
            return
        yield data


def _read(reading: int, size: int) -> bytes:
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    found = b""
    while len(found) < size:
        if not poll.poll(_PATIENCE * 1000):
            raise TimeoutError(errno.ETIMEDOUT, "its file system does not answer")
        data = os.read(reading, size - len(found))
        if not data:
            raise OSError(errno.EIO, "its user has ended what was at work for it")
        found += data
    return found


def _end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    deadline = time.monotonic() + _SOON
    while os.waitpid(child, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.001)


def _work(owner: Owner, root: str, work: Work, writing: int) -> NoReturn:
    """In the child, which never returns."""
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
        except Exception as error:  # noqa: BLE001 - said in the parent
            _send(writing, _ERROR, repr(error).encode(errors="replace")[:MAX_FRAME])
    finally:
        os._exit(0)


def _root(owner: Owner, root: str) -> Folder:
    found = Folder(os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), Path("/"))
    if root != "/":
        started = Path(f"/proc/{owner.pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
        if int(started) != owner.started:
            raise ProcessLookupError(errno.ESRCH, "it has ended")
    return found


def _become(owner: Owner, folder: Folder, writing: int) -> None:
    """The owner, with no more rights than his and no descriptor of ours but these two."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    os.umask(0o077)
    last = 0
    for kept in sorted((folder.descriptor, writing)):
        os.closerange(last, kept)
        last = kept + 1
    os.closerange(last, max(last, _MAX_DESCRIPTOR))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(owner.gid, owner.gid, owner.gid)
        os.setresuid(owner.uid, owner.uid, owner.uid)
    if (os.getuid(), os.geteuid()) != (owner.uid, owner.uid):
        raise PermissionError(errno.EPERM, "only root may keep files for another user's process")
    _drop_capabilities()
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)
    for kind, limit in _LIMITS.items():
        resource.setrlimit(kind, (limit, limit))


def _drop_capabilities() -> None:
    """All: root in a container is an owner, too."""
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
