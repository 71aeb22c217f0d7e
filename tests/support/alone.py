"""Isolated scenes for commands that act on the whole machine: only a scene's own processes exist in it."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from functools import cache

from tests.support import confinement
from tests.support.attackers import bootseq
from tracer.attach.injection import payload

_NEW_NAMESPACES = 0x20000000 | 0x00020000  # processes, mounts
_PRIVATE = 1 << 18 | 1 << 14
#: For attackers and services: a Python that every user can start.
PYTHON = "/usr/bin/python3"
#: Seconds after which a scene has failed.
_LONGEST = 170


def alone(scene: Callable[[], object]) -> None:
    """Play a scene in its own process and mount namespaces, with an empty /run. It fails as a test does."""
    _prepare()
    child = os.fork()
    if not child:
        os._exit(_unshared(scene))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    # The guards have ended with the scene, as have the processes they watched.
    shutil.rmtree(os.environ[confinement.HOME], ignore_errors=True)
    assert code == 0


@cache
def _prepare() -> None:
    """Compile the payloads once; each command of a scene, a fork of this process, would do so again."""
    for hooks in (payload.COMPILED, payload.SOURCES):
        payload.text("attach", {}, 0, hooks)


def _unshared(scene: Callable[[], object]) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NAMESPACES):
        raise OSError(ctypes.get_errno(), "unshare")
    first = os.fork()
    if not first:
        os._exit(_played(scene, libc))
    return os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])


def _played(scene: Callable[[], object], libc: ctypes.CDLL) -> int:
    signal.alarm(_LONGEST)
    confinement.below = lambda pid, root: True
    libc.mount(b"none", b"/", None, _PRIVATE, None)
    for kind, folder in ((b"proc", b"/proc"), (b"tmpfs", b"/run"), (b"tmpfs", b"/var/tmp")):
        assert libc.mount(b"none", folder, kind, 0, None) == 0
    os.chmod("/var/tmp", 0o1777)
    try:
        scene()
    except BaseException:  # noqa: BLE001 - the process ends here
        traceback.print_exc()
        sys.stderr.flush()
        return 1
    return 0


def tool(*arguments: object) -> tuple[int, str]:
    """Run bootseq as root and return its exit code and output, which must not contain control characters."""
    code, out, error = bootseq(0, *map(str, arguments))
    assert code in (0, 1, 2), error
    # An unexpected exception is reported by act() under its class name.
    assert error.startswith("bootseq:") or not error, error
    assert all(character.isprintable() or character == "\n" for character in out + error)
    return code, out


def start(user: int, program: str, *arguments: object, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start a Python program as a user, and return it once it has written a line."""
    started = subprocess.Popen(
        [*before, PYTHON, "-S", "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE, text=True, user=user, group=user, extra_groups=[], cwd="/",
    )  # fmt: skip
    assert started.stdout is not None
    assert started.stdout.readline()
    return started
