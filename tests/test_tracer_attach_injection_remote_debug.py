"""The remote debugging interface of Python 3.14: located by the interpreter's own table of offsets, and written to."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.victims import Victim, interpreter
from tracer.attach.injection import remote_debug, visits
from tracer.attach.injection.ptrace import RefusedError

#: The layout of 3.14: 106 words, of which the last six are about debuggers.
_RUNTIME, _INTERPRETER, _THREAD = 0, 0x1000, 0x2000
_BREAKER, _SUPPORT, _ENABLED = 24, 400, 640


class Fake:
    """A process with one thread, whose memory is a buffer."""

    def __init__(self, **wrong: Any) -> None:
        self.memory = os.open("/proc/self/mem", os.O_RDWR)
        self.buffer = ctypes.create_string_buffer(0x4000)
        self.base = ctypes.addressof(self.buffer)
        words = [0] * 106
        words[1], words[5], words[10] = 0x030E00F0, 0x800, 0x40
        words[-6:] = [_BREAKER, _SUPPORT, _ENABLED, 0, 4, wrong.get("size", 512)]
        table = struct.pack("<106Q", *words)
        self.put(_RUNTIME, wrong.get("cookie", b"xdebugpy") + table[8:])
        self.put(0x800, struct.pack("<Q", self.base + _INTERPRETER))
        self.put(_INTERPRETER + 0x40, struct.pack("<Q", self.base + _THREAD))
        self.put(_INTERPRETER + _ENABLED, struct.pack("<i", wrong.get("enabled", 1)))
        self.put(_THREAD + _BREAKER, struct.pack("<Q", 0x300))
        self.image = self

    def symbol(self, name: str) -> int:  # noqa: ARG002 - the signature of Image
        return self.base

    def put(self, offset: int, data: bytes) -> None:
        ctypes.memmove(self.base + offset, data, len(data))

    def get(self, offset: int, size: int) -> bytes:
        return self.buffer.raw[offset : offset + size]


@pytest.fixture
def fake() -> Iterator[Any]:
    process = Fake()
    yield process
    os.close(process.memory)


def test_the_script_and_both_flags_are_written(fake: Any) -> None:
    remote_debug.run(fake, remote_debug.find(fake), "/tmp/script.py")
    support = _THREAD + _SUPPORT
    assert fake.get(support, 4) == b"\1\0\0\0"
    assert fake.get(support + 4, 15) == b"/tmp/script.py\0"
    assert fake.get(_THREAD + _BREAKER, 8) == struct.pack("<Q", 0x320)


def test_a_path_that_does_not_fit_is_refused(fake: Any) -> None:
    with pytest.raises(RefusedError, match="too long"):
        remote_debug.run(fake, remote_debug.find(fake), "/" + "x" * 511)
    assert fake.get(_THREAD + _SUPPORT, 4) == bytes(4)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"cookie": b"xxxxxxxx"}, "do not know"),
        ({"size": 500}, "do not know"),
        ({"enabled": 0}, "without remote debugging"),
    ],
)
def test_an_unknown_or_disabled_interface_is_refused(wrong: dict[str, Any], reason: str) -> None:
    fake: Any = Fake(**wrong)
    try:
        with pytest.raises(RefusedError, match=reason):
            remote_debug.find(fake)
    finally:
        os.close(fake.memory)


def test_a_disabled_interface_is_recognised() -> None:
    command = [sys.executable, "-c", "print(1, flush=True); input()"]
    for value, closed in (("1", True), ("", False)):
        environment = {**os.environ, "PYTHON_DISABLE_REMOTE_DEBUG": value}
        with subprocess.Popen(command, stdin=-1, stdout=-1, env=environment) as process:
            assert process.stdout is not None
            process.stdout.readline()
            assert remote_debug.is_disabled(process.pid) is closed
            process.kill()


def test_the_interface_of_a_real_3_14_is_located() -> None:
    python = interpreter("3.14")
    if python is None:
        pytest.skip("no Python 3.14 here: tested with a fake table only")
    with Victim("naps", python) as victim:
        entered = visits._entered(victim)  # type: ignore[arg-type]
        remote_debug.find(entered)
        entered.close()
