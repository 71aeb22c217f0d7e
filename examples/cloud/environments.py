"""The cloud's two Python environments, built on demand from lock files: the one of a Nova, and that of all the rest."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from examples.cloud.errors import CloudError
from examples.embedded.release import cache, locked

HERE = Path(__file__).resolve().parent
PYTHON = "3.11"


def lock_file(name: str) -> Path:
    """Of "services" (Keystone, Glance, Placement, Neutron and the client) or of "nova-34"."""
    return HERE / "locks" / f"{name}.txt"


def environment(name: str) -> Path:
    """Its bin folder. It counts as built only with the mark of its lock file."""
    folder = cache() / f"cloud-{name}"
    mark = folder / "complete"
    digest = hashlib.sha256(lock_file(name).read_bytes()).hexdigest()
    with locked(cache() / f"cloud-{name}.lock"):
        if not mark.exists() or mark.read_text() != digest:
            print(f"building the environment of {name} in {folder} …", file=sys.stderr)
            _build(name, folder)
            mark.write_text(digest)
    return folder / "bin"


def _build(name: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    log = folder.with_suffix(".log")
    log.unlink(missing_ok=True)
    _uv(log, "venv", "--python", PYTHON, str(folder))
    # Without compiled bytecode the first import of each service takes 20 to 80 seconds.
    _uv(log, "pip", "sync", "--python", str(folder / "bin" / "python"), "--compile-bytecode", str(lock_file(name)))


def _uv(log: Path, *arguments: str) -> None:
    with log.open("a") as file:
        done = subprocess.run([_find_uv(), *arguments], check=False, stdout=file, stderr=file, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CloudError(f"uv {arguments[0]} failed while building an environment; its log: {log}")


def _find_uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise CloudError("no uv beside this Python nor on PATH: it builds the environments (make install)")
    return found
