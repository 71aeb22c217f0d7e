"""Where a process records to: the capture itself, or a folder in its own reach that is brought into the capture later.

A service runs as a user of its own, maybe in a container, and a capture is its owner's alone. So where the process is
another user's, or sees other files than we do, a spool of the capture is a folder of that user's in the process's own
/var/tmp. All that is done there is done as that user (tracer.attach.deputy), and nothing that is read there is trusted.
Its name cannot be foreseen, so nobody else has made it before.
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
from tracer.files import folder as folders
from tracer.files.folder import Folder
from tracer.sources.hooks.tally import Tally

LEASE, SEGMENTS, PARTS = spools.LEASE, spools.SEGMENTS, "parts"
#: In a capture: what the names of its parts are made of, so that nobody can foresee them.
_KEY = "parts.key"
_PREFIX = "bootseq-"
_key_lock = threading.Lock()


@dataclass(frozen=True)
class Spool:
    """A folder to record into: ``path`` is where we see it, ``inner`` where the process does.

    The ``owner`` is the user whose folder it is; None where it is the capture itself, our own.
    """

    path: Path
    inner: str
    owner: Owner | None = field(default=None, compare=False)

    @property
    def root(self) -> str:
        """The root directory, as we see it, from which ``inner`` leads there."""
        return str(self.path).removesuffix(self.inner) or "/"

    def prepare(self) -> None:
        """Have in it what is recorded into."""
        self._do(spools.prepare)

    def grant(self, seconds: float) -> None:
        """Have its lease end so many seconds from now."""
        self._do(lambda folder: spools.grant(folder, time.time() + seconds))

    def until(self) -> float | None:
        """When its lease ends, None where there is none."""
        found = self._do(spools.until)
        return float(found) if isinstance(found, int | float) else None

    def end_lease(self) -> None:
        """Have nobody record into it any more."""
        self._do(spools.end)

    def tally(self, pattern: str) -> Tally:
        """How much was recorded into it by the processes whose files match the pattern."""
        found = self._do(lambda folder: [*vars(spools.tally(folder, pattern)).values()])
        if not isinstance(found, list) or any(type(each) is not int for each in found):
            return Tally()
        return Tally(*found[:3])

    def remove(self) -> None:
        """Remove it, where it is not the capture."""
        if self.owner is None:
            return
        *way, name = self.inner.strip("/").split("/")

        def work(root: Folder) -> Iterator[bytes]:
            with spools.step_by_step(root, way) as above:
                spools.remove(above, name)
            yield from ()

        for _ in deputy.run(self.owner, self.root, work):
            pass

    def contents(self) -> Iterator[bytes]:
        """What is in it, as spools.contents gives it."""
        assert self.owner is not None

        def work(root: Folder) -> Iterator[bytes]:
            with self._opened(root) as folder:
                yield from spools.contents(folder)

        return deputy.run(self.owner, self.root, work)

    def _do(self, work: Callable[[Folder], Any]) -> Any:
        """What work in its folder gives, as far as JSON can say it."""
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
    """The one small value that a deputy gives; it is as untrusted as the user that it is."""
    try:
        return json.loads(b"".join(answer)[: 1 << 16] or b"null")
    except (ValueError, RecursionError):
        return None


def owner(process: Process) -> Owner:
    """The process as the owner of files."""
    return Owner(process.uid, process.gid, process.pid, process.started)


def of(capture: Path, process: Process) -> Spool:
    """The spool for a process, ready to be recorded into."""
    if is_ours(process):
        spool = Spool(capture, str(capture))
        spool.prepare()
        return spool
    root = root_of(process)
    name = _name(_key(capture), process.uid, _namespace(process.pid))
    try:
        inner = _loaded(deputy.run(owner(process), root, lambda folder: spools.packed(spools.make(folder, name))))
    except OSError as error:
        raise RefusedError(f"there is no folder that it could record into ({error.strerror})") from None
    if inner not in (f"/var/tmp/{name}", f"/tmp/{name}"):
        raise RefusedError("there is no folder that it could record into")
    return locate(process, inner)


def locate(process: Process, inner: str) -> Spool:
    """The folder that a process calls ``inner``, whatever there is."""
    if is_ours(process):
        return Spool(Path(inner), inner)
    return Spool(Path(root_of(process).rstrip("/") + inner), inner, owner(process))


def remembered(path: str, inner: str, user: Owner) -> Spool:
    """A spool as it was when its process was attached."""
    ours = user.uid == os.geteuid() and path == inner
    return Spool(Path(path), inner, None if ours else user)


def root_of(process: Process) -> str:
    """The root directory of the process, as we see it."""
    return "/" if _sees_the_same(process) else f"/proc/{process.pid}/root"


def is_ours(process: Process) -> bool:
    """Whether the process is of our own user and sees the files that we see, so that it may write into a capture."""
    return process.uid == os.geteuid() and _sees_the_same(process)


def _sees_the_same(process: Process) -> bool:
    """Only links of /proc are read: a root directory of somebody else's may not answer."""
    try:
        same_root = os.readlink(f"/proc/{process.pid}/root") == os.readlink("/proc/self/root")
    except OSError:
        return False
    return same_root and _namespace(process.pid) == _namespace("self") != "0"


def belongs(capture: Path, spool: Spool) -> bool:
    """Whether a spool is one of the capture's, or the capture itself."""
    if spool.owner is None:
        return spool.path == capture
    try:
        key = _key(capture, make=False)
    except OSError:
        return False
    name = _name(key, spool.owner.uid, _namespace(spool.owner.pid))
    return bool(key) and secrets.compare_digest(os.path.basename(spool.inner).encode(errors="replace"), name.encode())


def _key(capture: Path, make: bool = True) -> bytes:
    with _key_lock, folders.opened(capture) as folder:
        if not folder.has(_KEY) and make:
            with folder.write(_KEY) as file:
                file.write(secrets.token_bytes(32))
        return folder.read(_KEY, 32, own=True) if folder.has(_KEY) else b""


def _name(key: bytes, uid: int, namespace: str) -> str:
    return _PREFIX + hashlib.blake2b(f"{uid}-{namespace}".encode(), key=key, digest_size=12).hexdigest()


def label(process: Process) -> str:
    """What to call the process's spool within the capture."""
    return f"{process.uid}-{_namespace(process.pid)}"


def _namespace(pid: int | str) -> str:
    """The number of its mount namespace."""
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt").strip("mnt:[]")
    except OSError:
        return "0"


def gather(capture: Path, spool: Spool, name: str) -> int:
    """Bring what was recorded apart into the capture, under ``name``; how many files it had no room for."""
    if spool.owner is None:
        return 0
    with folders.opened(capture) as folder:
        return collect.bring(folder, PARTS, name, spool.contents())
