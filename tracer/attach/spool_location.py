"""The spool of a process: the capture itself, or a folder the process can reach that is copied into the capture later.

A service runs as a user of its own, maybe in a container, and a capture is its owner's alone. So if the process is
another user's, or has another view of the file system, its spool is a folder of that user's in the process's own
/var/tmp, /tmp or /dev/shm. All work there is done as that user (tracer.attach.deputy), and nothing read there is
trusted. Its name is unpredictable, so that no other user can have created it before.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracer.attach import collect, deputy
from tracer.attach import spool as spools
from tracer.attach.deputy import Owner
from tracer.attach.injection.ptrace import RefusedError
from tracer.attach.processes import Process
from tracer.attach.spool import Room
from tracer.files import folder as folders
from tracer.files.folder import Folder
from tracer.sources.hooks.tally import Tally

LEASE, SEGMENTS, PARTS = spools.LEASE, spools.SEGMENTS, "parts"
#: The file in a capture with the secret that makes the names of its spools unpredictable.
_KEY = "parts.key"
_PREFIX = "bootseq-"
_key_lock = threading.Lock()


@dataclass(frozen=True)
class Spool:
    """A folder to record into: ``path`` is its path for us, ``inner`` for the process.

    The ``owner`` is its user, None if it is the capture itself.
    """

    path: Path
    inner: str
    owner: Owner | None = field(default=None, compare=False)

    @property
    def root(self) -> str:
        """The path, for us, of the root directory of ``inner``."""
        return str(self.path).removesuffix(self.inner) or "/"

    def bounded(self, cap: int) -> int:
        """Return the bytes that its segments may take: few in /dev/shm, the memory of a container."""
        return min(cap, spools.MEMORY_CAP) if self.owner is not None and self.inner.startswith("/dev/shm/") else cap

    def prepare(self) -> None:
        """Create its folder for segments."""
        self._do(spools.prepare)

    def grant(self, seconds: float) -> None:
        """Set the end of its lease, in seconds from now."""
        self._do(lambda folder: spools.grant(folder, time.time() + seconds))

    def until(self) -> float | None:
        """Return the end of its lease, None if there is none."""
        end = self._do(spools.until)
        return float(end) if isinstance(end, (int, float)) else None

    def seconds_left(self) -> float:
        """Return the seconds left of its lease, 0 if the lease has ended or is missing."""
        try:
            return max(0.0, (self.until() or 0.0) - time.time())
        except OSError:
            return 0.0

    def end_lease(self) -> None:
        """End its lease, so that no process records into it any more."""
        self._do(spools.end)

    def tally(self, pattern: str) -> Tally:
        """Count the events of the processes whose files match the pattern."""
        counts = self._do(lambda folder: [*vars(spools.tally(folder, pattern)).values()])
        if not isinstance(counts, list) or any(type(count) is not int for count in counts):
            return Tally()
        return Tally(*counts[:3])

    def remove(self) -> None:
        """Remove it, unless it is the capture."""
        if self.owner is None:
            return
        *way, name = self.inner.strip("/").split("/")

        def work(root: Folder) -> Iterator[bytes]:
            with spools.step_by_step(root, way) as above:
                spools.remove(above, name)
            yield from ()

        for _ in deputy.run(self.owner, self.root, work):
            pass

    def contents(self, room: Room) -> Iterator[bytes]:
        """Yield its files that fit as tracer.attach.spool.contents does, in a process with its copy of ``room``."""
        return self.read(lambda folder: spools.contents(folder, room))

    def read(self, work: Callable[[Folder], Iterator[bytes]]) -> Iterator[bytes]:
        """Yield what ``work`` yields for its folder: bytes of its user, who is not trusted."""
        if self.owner is None:
            with folders.opened(self.path) as folder:
                yield from work(folder)
            return

        def working(root: Folder) -> Iterator[bytes]:
            with self._opened(root) as folder:
                yield from work(folder)

        yield from deputy.run(self.owner, self.root, working)

    def _do(self, work: Callable[[Folder], Any]) -> Any:
        """Return the result of ``work`` in its folder, as JSON types if done by a deputy."""
        if self.owner is None:
            with folders.opened(self.path) as folder:
                return work(folder)

        def working(root: Folder) -> Iterator[bytes]:
            with self._opened(root) as folder:
                yield from spools.packed(work(folder))

        return _loaded(deputy.run(self.owner, self.root, working))

    def _opened(self, root: Folder) -> Folder:
        folder = spools.step_by_step(root, self.inner.strip("/").split("/"))
        folder.check_private()
        return folder


def _loaded(answer: Iterator[bytes]) -> Any:
    """Return the small value of a deputy, None if invalid; it is as untrusted as the deputy's user."""
    try:
        return json.loads(b"".join(answer)[: 1 << 16] or b"null")
    except (ValueError, RecursionError):
        return None


def owner(process: Process) -> Owner:
    """Return the process as the owner of files."""
    return Owner(process.uid, process.gid, process.pid, process.started)


def of(capture: Path, process: Process) -> Spool:
    """Return the spool of a process for a capture, ready to record into; RefusedError if there can be none."""
    if is_ours(process):
        spool = Spool(capture, str(capture))
        spool.prepare()
        return spool
    name = _name(_key(capture), process.uid, _view(process.pid))
    return locate(process, _prepared(process, name, spools.make))


def try_out(process: Process) -> None:
    """Create and remove a spool as ``of`` would create it; RefusedError if there can be none."""
    if not is_ours(process):
        _prepared(process, _PREFIX + secrets.token_hex(12), spools.try_out)


def _prepared(process: Process, name: str, prepare: Callable[[Folder, str], str]) -> str:
    """Return the path, for the process, of a spool that ``prepare`` creates as its user."""
    try:
        answer = deputy.run(owner(process), root_of(process), lambda folder: spools.packed(prepare(folder, name)))
        path = _loaded(answer)
    except OSError as error:
        raise RefusedError(f"there is no folder that it could record into ({error.strerror})") from None
    if not spools.is_path(path, name):
        raise RefusedError("there is no folder that it could record into")
    return str(path)


def within(process: Process, path: str) -> str:
    """Return a path of its memory map as the process sees it: the kernel writes it below our root, maybe a chroot's."""
    try:
        root = os.readlink(f"/proc/{process.pid}/root").rstrip("/")
    except OSError:
        return path
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


def locate(process: Process, inner: str) -> Spool:
    """Return the folder at the path ``inner`` of a process as a spool, without checks."""
    if is_ours(process):
        return Spool(Path(inner), inner)
    return Spool(Path(root_of(process).rstrip("/") + inner), inner, owner(process))


def remembered(path: str, inner: str, user: Owner) -> Spool:
    """Return the spool of a registered process."""
    ours = user.uid == os.geteuid() and path == inner
    return Spool(Path(path), inner, None if ours else user)


def root_of(process: Process) -> str:
    """Return the path, for us, of the root directory of the process."""
    return "/" if _sees_the_same(process) else f"/proc/{process.pid}/root"


def is_ours(process: Process) -> bool:
    """Return whether the process has our user and our view of the file system, and may write into a capture."""
    return process.uid == os.geteuid() and _sees_the_same(process)


def _sees_the_same(process: Process) -> bool:
    """Compare by links of /proc alone, since another user's root directory may not respond."""
    try:
        same_root = os.readlink(f"/proc/{process.pid}/root") == os.readlink("/proc/self/root")
    except OSError:
        return False
    return same_root and _namespace(process.pid) == _namespace("self") != "0"


def belongs(capture: Path, spool: Spool) -> bool:
    """Return whether a spool belongs to the capture, or is the capture itself."""
    if spool.owner is None:
        return spool.path == capture
    try:
        key = _key(capture, make=False)
    except OSError:
        return False
    name = _name(key, spool.owner.uid, _view(spool.owner.pid))
    return bool(key) and secrets.compare_digest(os.path.basename(spool.inner).encode(errors="replace"), name.encode())


def _key(capture: Path, make: bool = True) -> bytes:
    with _key_lock, folders.opened(capture) as folder:
        if not folder.has(_KEY) and make:
            with folder.write(_KEY) as file:
                file.write(secrets.token_bytes(32))
        return folder.read(_KEY, 32, own=True) if folder.has(_KEY) else b""


def _name(key: bytes, uid: int, view: str) -> str:
    return _PREFIX + hashlib.blake2b(f"{uid}-{view}".encode(), key=key, digest_size=12).hexdigest()


def label(process: Process) -> str:
    """Return the name of the process's spool within the capture."""
    return f"{process.uid}-{_view(process.pid)}"


def _view(pid: int) -> str:
    """Return a text that differs where two processes have different root directories."""
    try:
        root = os.readlink(f"/proc/{pid}/root")
    except OSError:
        root = "/"
    within = "" if root == "/" else f"-{hashlib.blake2b(os.fsencode(root), digest_size=4).hexdigest()}"
    return _namespace(pid) + within


def _namespace(pid: int | str) -> str:
    """Return the number of the process's mount namespace, "0" if unknown."""
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt").strip("mnt:[]")
    except OSError:
        return "0"


def gather(capture: Path, spool: Spool, name: str) -> None:
    """Copy a spool into the capture, under ``name``."""
    if spool.owner is None:
        return
    with folders.opened(capture) as folder:
        collect.bring(folder, PARTS, name, spool.contents)
