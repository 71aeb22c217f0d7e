"""Symbols of what a process has mapped, read from its memory."""

from __future__ import annotations

import ctypes
import os

import pytest

from tests.support.victims import VERSIONS, Victim, interpreter
from tracer.attach.injection import elf
from tracer.attach.injection import interpreter as interpreters
from tracer.attach.injection.ptrace import RefusedError


def address(name: str) -> int:
    """Where the dynamic linker has put a symbol in this process."""
    return ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value or 0


@pytest.mark.parametrize("name", ["Py_AddPendingCall", "PyRun_SimpleString", "PyGILState_Check", "lsearch", "munmap"])
def test_symbols_are_where_the_linker_has_put_them(name: str) -> None:
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    try:
        found = [image.symbol(name) for image in elf.images(os.getpid(), memory)]
    finally:
        os.close(memory)
    assert address(name) in found


def test_what_is_not_there_is_none() -> None:
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    try:
        images = elf.images(os.getpid(), memory)
        assert [image.symbol("no_such_symbol_of_anybody") for image in images] == [None] * len(images)
        assert images[0].find(b"no such bytes in anybody's code") == [None]
    finally:
        os.close(memory)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_interpreter_of_every_python(version: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    with Victim("sleep", python) as victim:
        found = interpreters.find(victim.pid)
        found.close()
    assert found.version == tuple(map(int, version.split(".")))
    assert len(found.functions) == 6


def test_a_process_without_python_is_refused() -> None:
    import subprocess

    with subprocess.Popen(["sleep", "60"]) as process:
        with pytest.raises(RefusedError, match="no Python process"):
            interpreters.find(process.pid)
        process.kill()
