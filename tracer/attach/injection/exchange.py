"""The file in memory through which a visitor and the process that it visits exchange a request and its answer.

The process creates it (memfd_create, in its main thread) and closes it after its answer; the visitor opens the very
same file through /proc/PID/fd. It has no name in any folder, so no other user can replace it. The visitor checks what
it opens first, and reads and writes anonymous files in memory only.

The request is claimed under a record lock: either the process claims it, and answers, or the visitor withdraws it, and
a withdrawn request is not run later. A file that neither has closed is closed by the next visit.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from functools import cache

from tracer.attach import proc
from tracer.attach.injection.ptrace import BusyError, RefusedError

#: Of memfd_create: closed where the process starts another program.
CLOSE_ON_EXEC = 1
_PREFIX = "bootseq-visit-"
#: The head is a comment, so that Python can run the whole file: its state, and later the size of the answer. Then
#: comes the text for those that run it from here, and later in its place the answer.
_HEAD = 64
_STATE_AT, _SIZE_AT, _VISITOR_AT = 1, 8, 32
_WANTED, _WITHDRAWN, _ANSWERED = b"w", b"x", b"a"
_MAX_ANSWER = 8 << 20
#: The placeholder in a text for the exchange's numbers.
ROOM = b"@" * 160
_LOOK = 0.001
_SOON = 1.0
_STALE = 3


class Exchange:
    """An exchange with process ``pid``; usable from ``connect`` to ``close``."""

    def __init__(self, pid: int) -> None:
        self._folder = f"/proc/{pid}/fd"
        self.name = f"{_PREFIX}{secrets.token_hex(8)}"
        #: Of the file, for the process itself.
        self.path = ""
        self._descriptor = -1
        self._numbers = b""

    def connect(self) -> None:
        """Wait until the process has created the file, and open it too."""
        deadline = time.monotonic() + _SOON
        while True:
            links = _links(self._folder)
            number = next((number for number, link in links.items() if link == _link(self.name)), None)
            if number is not None:
                self._open(number, links)
                return
            if time.monotonic() > deadline:
                raise RefusedError("it could create no file in memory; maybe it has no descriptor left")
            time.sleep(_LOOK)

    def _open(self, number: str, links: dict[str, str]) -> None:
        self.path = f"/proc/self/fd/{number}"
        self._descriptor = _opened(f"{self._folder}/{number}", self.name)
        try:
            os.pwrite(self._descriptor, (b"#" + _WANTED).ljust(_HEAD - 1) + b"\n", 0)
        except OSError as error:
            raise RefusedError(f"its file in memory cannot be written: {error.strerror}") from None
        _lock(self._descriptor, _VISITOR_AT, os.F_TLOCK)
        about = os.fstat(self._descriptor)
        files = [(int(number), about.st_ino), *_abandoned(self._folder, {**links, number: ""})[:_STALE]]
        self._numbers = f"{about.st_dev}, {files}".encode()

    def fill(self, text: bytes) -> bytes:
        """Return ``text`` with the placeholder replaced by the numbers of the file, at the same length."""
        return text.replace(ROOM, self._numbers.ljust(len(ROOM)))

    def lay_down(self, text: bytes) -> None:
        """Write ``text`` into the file, which then is a Python script as a whole."""
        os.pwrite(self._descriptor, text, _HEAD)

    def answered(self) -> bool:
        """Return whether the process has answered and closed the file."""
        head = os.pread(self._descriptor, _STATE_AT + 1, 0)
        return head[_STATE_AT:] == _ANSWERED and _lock(self._descriptor, 0, os.F_TEST)

    def answer(self) -> bytes:
        """Return the bytes of its answer; RefusedError if it is too long."""
        head = os.pread(self._descriptor, _HEAD, 0)
        size = int.from_bytes(head[_SIZE_AT : _SIZE_AT + 8], "little")
        if size > _MAX_ANSWER:
            raise RefusedError(f"its answer is too long: {size} bytes")
        return os.pread(self._descriptor, size, _HEAD)

    def withdraw(self) -> bool:
        """Withdraw the request; return False if the process has claimed it, and is about to answer."""
        if not _lock(self._descriptor, 0, os.F_TLOCK):
            return False
        try:
            if os.pread(self._descriptor, 1, _STATE_AT) == _ANSWERED:
                return False
            os.pwrite(self._descriptor, _WITHDRAWN, _STATE_AT)
            return True
        finally:
            _lock(self._descriptor, 0, os.F_ULOCK)

    def close(self) -> None:
        """Withdraw an unanswered request, and close the file."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                self.withdraw()
            os.close(self._descriptor)
            self._descriptor = -1


def _link(name: str) -> str:
    """Return the target of a link in /proc to a file in memory."""
    return f"/memfd:{name} (deleted)"


def _links(folder: str) -> dict[str, str]:
    """Return the link targets of a process's descriptors by their numbers."""
    try:
        numbers = os.listdir(folder)
    except FileNotFoundError:
        raise RefusedError("it has ended") from None
    return {number: _read_link(f"{folder}/{number}") for number in numbers}


def _read_link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _opened(path: str, name: str) -> int:
    """Open the file that a process claims to have created: pinned, checked, and opened by the pin."""
    try:
        pinned = proc.pin(path)
    except OSError:
        raise BusyError("it has closed its file in memory") from None
    try:
        about = os.fstat(pinned)
        if not stat.S_ISREG(about.st_mode) or about.st_dev != _device() or about.st_size > _HEAD + _MAX_ANSWER:
            raise RefusedError("what it has created for us is not a file in memory")
        if os.readlink(f"/proc/self/fd/{pinned}") != _link(name):
            raise RefusedError("what it has created for us is another file")
        return proc.reopen(pinned)
    finally:
        os.close(pinned)


@cache
def _device() -> int:
    """Return the device of anonymous files in memory, which cannot be mounted and holds nothing else."""
    descriptor = os.memfd_create("bootseq", os.MFD_CLOEXEC)
    try:
        return os.fstat(descriptor).st_dev
    finally:
        os.close(descriptor)


def _abandoned(folder: str, links: dict[str, str]) -> list[tuple[int, int]]:
    """Return descriptor and inode of files of visits whose visitor has died."""
    files = []
    for number, link in links.items():
        name = link.removeprefix("/memfd:").removesuffix(" (deleted)")
        if name.startswith(_PREFIX):
            with contextlib.suppress(OSError, RefusedError, BusyError):
                descriptor = _opened(f"{folder}/{number}", name)
                if _lock(descriptor, _VISITOR_AT, os.F_TEST):
                    files.append((int(number), os.fstat(descriptor).st_ino))
                os.close(descriptor)
    return files


def _lock(descriptor: int, offset: int, what: int) -> bool:
    """Take, release or test the lock of a byte; return whether that succeeded."""
    os.lseek(descriptor, offset, os.SEEK_SET)
    try:
        os.lockf(descriptor, what, 1)
    except OSError:
        return False
    return True
