"""Other users of this machine, and folders that they share with the user who runs bootseq."""

from __future__ import annotations

import importlib
import os
import pkgutil
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

import tracer
from tracer.cli import main

#: The attacker's user id, and the victim's where that is not root.
MALLORY, ALICE = 65534, 65533
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


def act(user: int, do: Callable[[], object], umask: int = 0o022) -> tuple[int, str, str]:
    """Call ``do`` in a process of the user's; return exit code, stdout, stderr. An exception is code 1.

    The process is forked, since the Python that runs the tests may be in a folder that only root can enter.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as error:
        child = os.fork()
        if not child:
            _become(user, umask, out.fileno(), error.fileno())
            os._exit(_done(do))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        error.seek(0)
        return code, out.read(), error.read()


def _become(user: int, umask: int, out: int, error: int) -> None:
    os.dup2(out, 1)
    os.dup2(error, 2)
    sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: SIM115 - the process's
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    os.umask(umask)
    os.chdir("/")
    signal.alarm(60)  # ends a call that hangs


def _done(do: Callable[[], object]) -> int:
    try:
        do()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException as raised:  # noqa: BLE001 - the process ends here
        sys.stderr.write(f"{type(raised).__name__}: {raised}\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


@cache
def _import_all() -> None:
    """Import what a command imports only when it runs: the user may have no access to Python's own folder."""
    for module in pkgutil.walk_packages(tracer.__path__, "tracer."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def bootseq(user: int, *arguments: str | Path, umask: int = 0o022) -> tuple[int, str, str]:
    """Run the tool as this user; return exit code, stdout, stderr."""
    _import_all()
    return act(user, lambda: main(list(map(str, arguments))), umask)


def shell(user: int, script: str) -> None:
    """Run a script as the user; it must succeed."""
    subprocess.run(["/bin/sh", "-ec", script], check=True, user=user, group=user, extra_groups=[], cwd="/")


@contextmanager
def ground(mode: int = 0o1777) -> Iterator[Path]:
    """Yield a folder like /tmp, or of another mode, that every user can reach."""
    above = Path(tempfile.mkdtemp(prefix="bootseq-ground-", dir="/tmp"))
    above.chmod(0o755)
    folder = above / "shared"
    folder.mkdir()
    folder.chmod(mode)
    try:
        yield folder
    finally:
        shutil.rmtree(above)


def everything(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Return owner, mode, inode and content of everything in a folder, by path."""
    state = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        plain = path.is_file() and not path.is_symlink()
        state[str(path)] = (about.st_uid, about.st_mode, about.st_ino, path.read_bytes() if plain else b"")
    return state
