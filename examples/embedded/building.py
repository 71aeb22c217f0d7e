"""Python environments, built on demand from lock files and stored in the cache."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from examples.embedded.errors import EmbeddedError

HERE = Path(__file__).resolve().parent


def cache() -> Path:
    folder = Path(os.environ.get("BOOTSEQ_CACHE") or HERE.parents[1] / ".cache").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock, so that concurrent tests build nothing twice. The kernel releases a dead owner's lock."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def built(name: str, lock: Path, *python: str) -> Path:
    """Build the environment `name` unless it has the mark of its lock file; return its bin folder.

    `python` are `uv venv`'s options for the interpreter.
    """
    folder = cache() / name
    mark = folder / "complete"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    with locked(cache() / f"{name}.lock"):
        if not mark.exists() or mark.read_text() != digest:
            print(f"building the environment {name} in {folder} …", file=sys.stderr)
            _build(folder, lock, python)
            mark.write_text(digest)
    return folder / "bin"


def _build(folder: Path, lock: Path, python: tuple[str, ...]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    log = folder.with_suffix(".log")
    log.unlink(missing_ok=True)
    _uv(log, "venv", *python, str(folder))
    # Without compiled bytecode the first import of each service takes 20 to 80 seconds.
    _uv(log, "pip", "sync", "--python", str(folder / "bin" / "python"), "--compile-bytecode", str(lock))


def _uv(log: Path, *arguments: str) -> None:
    with log.open("a") as file:
        done = subprocess.run([_find_uv(), *arguments], check=False, stdout=file, stderr=file, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise EmbeddedError(f"uv {arguments[0]} failed while building an environment; its log: {log}")


def _find_uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    path = str(beside) if beside.exists() else shutil.which("uv")
    if path is None:
        raise EmbeddedError("no uv beside this Python nor on PATH; it builds the environments (make install)")
    return path
