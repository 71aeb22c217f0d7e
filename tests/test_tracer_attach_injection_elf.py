"""Symbols of mapped images, read from a process's memory."""

from __future__ import annotations

import ctypes
import os

import pytest

from tests.support.victims import VERSIONS, Victim, interpreter
from tracer.attach.injection import elf
from tracer.attach.injection import interpreter as interpreters
from tracer.attach.injection.ptrace import RefusedError


def address(name: str) -> int:
    """Return a symbol's address in this process, as resolved by the dynamic linker."""
    return ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value or 0


@pytest.mark.parametrize("name", ["Py_AddPendingCall", "PyRun_SimpleString", "PyGILState_Check", "lsearch", "munmap"])
def test_a_symbol_has_the_address_of_the_dynamic_linker(name: str) -> None:
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    try:
        addresses = [image.symbol(name) for image in elf.images(os.getpid(), memory)]
    finally:
        os.close(memory)
    assert address(name) in addresses


def test_a_missing_symbol_is_none() -> None:
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    try:
        images = elf.images(os.getpid(), memory)
        assert [image.symbol("no_such_symbol_of_anybody") for image in images] == [None] * len(images)
        assert images[0].find(b"no such bytes in anybody's code") == [None]
    finally:
        os.close(memory)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_interpreter_of_every_python_is_located(version: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    with Victim("sleep", python) as victim:
        located = interpreters.find(victim.pid)
        located.close()
    assert located.version == tuple(map(int, version.split(".")))
    assert len(located.functions) == 6


def test_a_process_without_python_is_refused() -> None:
    import subprocess

    with subprocess.Popen(["sleep", "60"]) as process:
        with pytest.raises(RefusedError, match="no Python process"):
            interpreters.find(process.pid)
        process.kill()
