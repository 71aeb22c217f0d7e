"""Nova's releases, and an environment for each, built on demand from its lock file and kept in the cache."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.embedded.errors import EmbeddedError

HERE = Path(__file__).resolve().parent
INSIDE = HERE / "inside"


@dataclass(frozen=True)
class Release:
    """`threads` names the kinds that Nova's services can run with; the first is what they run with by default.

    Services in `eventlet_only` run on eventlet whatever is asked for: the release cannot do otherwise.
    """

    name: str
    python: str
    threads: tuple[str, ...]
    eventlet_only: tuple[str, ...] = ()

    @property
    def lock(self) -> Path:
        return HERE / "locks" / f"nova-{self.name}.txt"

    def check_threads(self, threads: str) -> str:
        if threads not in ("default", *self.threads):
            raise EmbeddedError(f"Nova {self.name} has no {threads} threads: it has {', '.join(self.threads)}")
        return threads

    def variables(self, service: str, threads: str) -> dict[str, str]:
        """What chooses a service's threads in its environment."""
        if threads == "default" or (threads == "native" and service in self.eventlet_only):
            return {}
        return {"OS_NOVA_DISABLE_EVENTLET_PATCHING": "1" if threads == "native" else "0"}


RELEASES = {
    "34": Release("34", "3.11", ("native", "eventlet")),
    "32": Release("32", "3.11", ("eventlet", "native"), eventlet_only=("nova-compute",)),
    "29": Release("29", "3.11", ("eventlet",)),
}


def find_release(name: str) -> Release:
    if name not in RELEASES:
        raise EmbeddedError(f"no release {name} of Nova here: there are {', '.join(RELEASES)}")
    return RELEASES[name]


def cache() -> Path:
    folder = Path(os.environ.get("BOOTSEQ_CACHE") or HERE.parents[1] / ".cache").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time: tests that run side by side build nothing twice. The kernel frees a dead owner's lock."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def environment(release: Release) -> Path:
    """The Python of the release's environment, which counts as built only with the mark of its lock file."""
    folder = cache() / f"nova-{release.name}"
    mark = folder / "complete"
    digest = hashlib.sha256(release.lock.read_bytes()).hexdigest()
    with locked(cache() / f"nova-{release.name}.lock"):
        if not mark.exists() or mark.read_text() != digest:
            print(f"building Nova {release.name}'s environment in {folder} …", file=sys.stderr)
            _build(release, folder)
            mark.write_text(digest)
    return folder / "bin" / "python"


def _build(release: Release, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    log = folder.with_suffix(".log")
    _uv(log, "venv", "--no-python-downloads", "--python", release.python, str(folder))
    # Without compiled bytecode the first import of each service takes 20 to 80 seconds.
    _uv(log, "pip", "sync", "--python", str(folder / "bin" / "python"), "--compile-bytecode", str(release.lock))


def _uv(log: Path, *arguments: str) -> None:
    with log.open("a") as file:
        done = subprocess.run([_find_uv(), *arguments], check=False, stdout=file, stderr=file, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise EmbeddedError(f"uv {arguments[0]} failed while building Nova's environment; its log: {log}")


def _find_uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise EmbeddedError("no uv beside this Python nor on PATH: it builds Nova's environment (pip install uv)")
    return found
