"""Scripts run in Python 3.14 and later through its remote debugging (PEP 768), from outside.

The offsets of the fields are in the process itself, in the ``_Py_DebugOffsets`` at the start of its ``_PyRuntime``, so
the tool's Python need not be of the same version. Nothing is stopped. A main thread that waits does not run the
script: for that, in all versions, there is tracer.attach.injection.inject.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

from tracer.attach import proc
from tracer.attach.injection.interpreter import Interpreter
from tracer.attach.injection.ptrace import RefusedError

FIRST = (3, 14)
_COOKIE = b"xdebugpy"
_VARIABLE = b"PYTHON_DISABLE_REMOTE_DEBUG="
#: Words of the table: where its first ones stand, and how its last part ends: offsets of the flag and the path within
#: their structure, and the size of the path. What stands between has changed from version to version.
_WORDS = 128
_VERSION, _INTERPRETERS_HEAD, _THREADS_MAIN = 1, 5, 10
_END = (0, 4, 512)
_PLEASE_STOP = 1 << 5
_MAX_OFFSET = 1 << 20
_MAX_ENVIRONMENT = 4 << 20


@dataclass(frozen=True)
class RemoteExec:
    """Addresses of the remote execution fields in the process."""

    eval_breaker: int
    flag: int
    path: int
    path_size: int


def is_disabled(pid: int) -> bool:
    """Return whether remote debugging is disabled in the environment of the process."""
    try:
        environment = proc.data(pid, "environ", _MAX_ENVIRONMENT).split(b"\0")
    except OSError:
        return False
    return any(entry.startswith(_VARIABLE) and entry != _VARIABLE for entry in environment)


def find(python: Interpreter) -> RemoteExec:
    """Return the addresses; RefusedError if remote debugging is off or its layout unknown."""
    runtime = python.image.symbol("_PyRuntime")
    if runtime is None:
        raise RefusedError("its Python does not say where its state is")
    words = _table(python.memory, runtime)
    support = _support(words)
    interpreter = _word(python.memory, runtime + words[_INTERPRETERS_HEAD])
    thread = _word(python.memory, interpreter + words[_THREADS_MAIN])
    breaker, structure, enabled = words[support : support + 3]
    if max(breaker, structure, enabled) > _MAX_OFFSET or not interpreter or not thread:
        raise RefusedError("its Python keeps its state in a way we do not know")
    if os.pread(python.memory, 4, interpreter + enabled) != b"\1\0\0\0":
        raise RefusedError("its Python was started or built without remote debugging")
    flag, path, size = (words[support + 3 + number] for number in range(3))
    return RemoteExec(thread + breaker, thread + structure + flag, thread + structure + path, size)


def _table(memory: int, runtime: int) -> tuple[int, ...]:
    data = os.pread(memory, 8 * _WORDS, runtime)
    if not data.startswith(_COOKIE):
        raise RefusedError("its Python keeps its state in a way we do not know")
    return struct.unpack(f"<{len(data) // 8}Q", data[: len(data) // 8 * 8])


def _support(words: tuple[int, ...]) -> int:
    """Return the index of the debugger offsets: eval breaker, structure and switch, then those of ``_END``."""
    for index in range(_THREADS_MAIN + 1, len(words) - 5):
        if words[index + 3 : index + 6] == _END:
            return index
    raise RefusedError("its Python keeps its state in a way we do not know")


def _word(memory: int, address: int) -> int:
    return int.from_bytes(os.pread(memory, 8, address), "little")


def run(python: Interpreter, remote_exec: RemoteExec, script: str) -> None:
    """Make it run the file ``script``, a path in the process's own namespace, as soon as it can."""
    path = os.fsencode(script) + b"\0"
    if len(path) > remote_exec.path_size:
        raise RefusedError(f"the path of the script is too long for it: {len(path)} of {remote_exec.path_size} bytes")
    os.pwrite(python.memory, path, remote_exec.path)
    os.pwrite(python.memory, (1).to_bytes(4, "little"), remote_exec.flag)
    breaker = _word(python.memory, remote_exec.eval_breaker)
    os.pwrite(python.memory, (breaker | _PLEASE_STOP).to_bytes(8, "little"), remote_exec.eval_breaker)
