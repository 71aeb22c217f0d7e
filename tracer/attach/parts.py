"""Where a process records to: the capture itself, or a folder in its own reach that is brought into the capture later.

A service runs as a user of its own, maybe in a container, and a capture is its owner's alone. So where the process is
another user's, or sees other files than we do, a part of the capture is a folder of that user's in the process's own
/var/tmp. Nothing there is trusted: no link is followed on the way, and only plain files are taken along.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from tracer.attach.processes import Process
from tracer.attach.ptrace import RefusedError

LEASE, SEGMENTS, PARTS = "lease", "segments", "parts"
_TEMPORARY = (("var", "tmp"), ("tmp",))
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_COPIED = (".seg", ".open", ".log")


@dataclass(frozen=True)
class Part:
    """A folder to record into: ``path`` is where we see it, ``inner`` where the process does."""

    path: Path
    inner: str

    def make(self, uid: int, gid: int) -> None:
        """Have its folders there, the process's user's own."""
        folder = self.path / SEGMENTS
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if os.geteuid() != uid:
                os.chown(folder, uid, gid, follow_symlinks=False)


def of(capture: Path, process: Process) -> Part:
    """The part for a process, ready to be recorded into."""
    if process.uid == os.geteuid() and _same(capture, Path(f"/proc/{process.pid}/root{capture}")):
        part = Part(capture, str(capture))
    else:
        part = _apart(capture, process)
    part.make(process.uid, process.gid)
    return part


def _same(one: Path, other: Path) -> bool:
    try:
        return os.path.samestat(one.stat(), other.stat())
    except OSError:
        return False


def _apart(capture: Path, process: Process) -> Part:
    name = f"{_stem(capture)}{process.uid}"
    problem = "no /var/tmp and no /tmp"
    for way in _TEMPORARY:
        try:
            _make_folder(process, way, name)
        except OSError as error:
            problem = f"/{'/'.join(way)}: {error.strerror}"
            continue
        inner = "/" + "/".join((*way, name))
        return Part(
            Path(inner if _namespace("self") == _namespace(process.pid) else f"/proc/{process.pid}/root{inner}"), inner
        )
    raise RefusedError(f"there is no folder that it could record into ({problem})")


def _stem(capture: Path) -> str:
    """How the names of its parts begin."""
    found = capture.stat()
    return f"bootseq-{found.st_dev:x}-{found.st_ino:x}-"


def belongs(capture: Path, part: Part) -> bool:
    """Whether a part is one of the capture's, or the capture itself."""
    return _same(capture, part.path) or part.inner.rpartition("/")[2].startswith(_stem(capture))


def label(process: Process) -> str:
    """What to call the process's part within the capture."""
    return f"{process.uid}-{_namespace(process.pid)}"


def _namespace(pid: int | str) -> str:
    """The number of its mount namespace."""
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt").strip("mnt:[]")
    except OSError:
        return "0"


def _make_folder(process: Process, way: tuple[str, ...], name: str) -> None:
    """``name`` in the process's own folder ``way``, without following a link anywhere: those would lead out to ours."""
    descriptor = os.open(f"/proc/{process.pid}/root", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for step in way:
            inner = os.open(step, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=descriptor)
            os.chown(name, process.uid, process.gid, dir_fd=descriptor, follow_symlinks=False)
        made = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        if not stat.S_ISDIR(made.st_mode) or made.st_uid != process.uid or made.st_mode & 0o077:
            raise PermissionError(0, f"{name} is there and somebody else's")
    finally:
        os.close(descriptor)


def gather(capture: Path, part: Part, name: str) -> None:
    """Bring what was recorded apart into the capture, under ``name``; nothing to do where that is the same folder."""
    if _same(capture, part.path):
        return
    target = capture / PARTS / name
    (target / SEGMENTS).mkdir(mode=0o700, parents=True, exist_ok=True)
    for source, kept in ((part.path / SEGMENTS, target / SEGMENTS), (part.path, target)):
        for name in sorted(os.listdir(source)):
            if name.endswith(_COPIED):
                _copy(source / name, kept / name)


def _copy(source: Path, target: Path) -> None:
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
        draft.replace(target)


def remove(capture: Path, part: Part) -> None:
    """Take a folder away that was made apart, once nobody records into it and its files have been brought in."""
    if not _same(capture, part.path):
        shutil.rmtree(part.path, ignore_errors=True)
