"""Python environments, built on demand from lock files and stored in the cache."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from examples.embedded.errors import EmbeddedError

HERE = Path(__file__).resolve().parent
#: The length of an error of uv, in characters: its reasons may be long.
_ERROR = 600


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
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    return _once(name, digest, lambda folder: _build(folder, lock, python))


def layered(name: str, base: Path, wheel: Path) -> Path:
    """Build an environment with a wheel over those of `base`, the bin folder of another; return its bin folder.

    It needs neither the time nor the disk of a second copy of these packages; the wheel's are imported first.
    """
    return _once(name, str(base), lambda folder: _layer(folder, base, wheel))


def _once(name: str, contents: str, build: Callable[[Path], None]) -> Path:
    """Build an environment unless its mark names these contents; return its bin folder."""
    folder = cache() / name
    mark = folder / "complete"
    with locked(cache() / f"{name}.lock"):
        if not mark.exists() or mark.read_text() != contents:
            print(f"building the environment {name} in {folder} …", file=sys.stderr)
            build(folder)
            mark.write_text(contents)
    return folder / "bin"


def _layer(folder: Path, base: Path, wheel: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    log = folder.with_name(f"{folder.name}.log")
    log.unlink(missing_ok=True)
    python = str(folder / "bin" / "python")
    _uv(log, "venv", "--no-python-downloads", "--python", str(base / "python"), str(folder))
    _uv(log, "pip", "install", "--python", python, "--no-deps", str(wheel))
    (below,) = (base.parent / "lib").glob("python*/site-packages")
    (own,) = (folder / "lib").glob("python*/site-packages")
    # Only what services import: most of a wheel's modules may be its tests.
    compiling = [python, "-m", "compileall", "-q", "-x", "/tests/", str(own)]
    subprocess.run(compiling, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # The folder's own .pth files count, too.
    (own / "base.pth").write_text(f"import site; site.addsitedir({str(below)!r})\n")


def uv(*arguments: str, text: str = "", variables: dict[str, str] | None = None) -> str:
    """Run uv with `text` as standard input and more environment variables; return its output. Its error is one line."""
    environment = os.environ | (variables or {})
    command = [_find_uv(), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, input=text, env=environment)
    if done.returncode:
        raise EmbeddedError(f"uv {arguments[0]}: {_one_line(done.stderr)}")
    return done.stdout


def _one_line(error: str) -> str:
    """Return uv's error, a tree over several lines, as one line."""
    words = " ".join(error.replace("×", " ").replace("╰─▶", " ").replace("│", " ").split())
    return words[:_ERROR] + (" …" if len(words) > _ERROR else "")


def _build(folder: Path, lock: Path, python: tuple[str, ...]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    log = folder.with_name(f"{folder.name}.log")
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
