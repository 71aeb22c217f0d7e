"""Another user of this machine, and the folders in which he and the one who runs bootseq meet."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tracer.cli import main

#: Who attacks, and who is attacked where that is not root.
MALLORY, ALICE = 65534, 65533
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


def act(user: int, do: Callable[[], object], umask: int = 0o022) -> tuple[int, str, str]:
    """What came of it in a process of this user's: exit code, stdout, stderr. 1 with its name is an error.

    The process is forked: the Python that runs the tests may be where only root can start it.
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
    signal.alarm(60)  # what waits for ever ends by a signal


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


def bootseq(user: int, *arguments: str | Path, umask: int = 0o022) -> tuple[int, str, str]:
    """The tool as this user runs it: exit code, stdout, stderr."""
    return act(user, lambda: main(list(map(str, arguments))), umask)


def shell(user: int, script: str) -> None:
    """Have the user run a script, which must work."""
    subprocess.run(["/bin/sh", "-ec", script], check=True, user=user, group=user, extra_groups=[], cwd="/")


@contextmanager
def ground(mode: int = 0o1777) -> Iterator[Path]:
    """A folder like /tmp, or of another mode, that everybody can reach."""
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
    """Owner, mode, kind and content of all that is in a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        plain = path.is_file() and not path.is_symlink()
        found[str(path)] = (about.st_uid, about.st_mode, about.st_ino, path.read_bytes() if plain else b"")
    return found
