"""The Python in a process: its version, and the addresses of the functions to call in it."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass

from tracer.attach import proc
from tracer.attach.injection.elf import Image, Mapping, images, mappings
from tracer.attach.injection.ptrace import RefusedError

#: ``mov $15, %rax; syscall``, to which signal handlers return in every C library of x86_64; and ``syscall; ret``.
_SIGRETURN = b"\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05"
_SYSTEM_CALL = b"\x0f\x05\xc3"
_X86_64 = 62
_NEEDED = (
    "Py_AddPendingCall", "PyRun_SimpleString", "Py_IsInitialized", "PyGILState_Check", "PyGILState_Ensure",
    "PyGILState_Release",
)  # fmt: skip
_VERSION = re.compile(r"python(3\.\d+)")
_VERSION_TEXT = re.compile(rb"\0(3\.\d{1,2})\.\d{1,2}(?:(?:a|b|rc)\d+)?\+?\0")


@dataclass(frozen=True)
class Interpreter:
    """Addresses in process ``pid``; ``memory`` is its /proc/PID/mem, open."""

    pid: int
    memory: int
    version: tuple[int, int]
    image: Image
    functions: dict[str, int]
    lsearch: int
    munmap: int
    sigreturn: int
    system_call: int
    writable: tuple[Mapping, ...]

    def is_gone(self) -> bool:
        """Return whether the process has ended, or runs another program now."""
        try:
            return not os.pread(self.memory, 1, self.image.base)
        except OSError:
            return True

    def close(self) -> None:
        """Close its memory."""
        os.close(self.memory)


def find(pid: int) -> Interpreter:
    """Return the Python in the process; RefusedError if there is none that can be entered."""
    memory = proc.memory(pid, write=True)
    try:
        return _find(pid, memory)
    except BaseException:
        os.close(memory)
        raise


def _find(pid: int, memory: int) -> Interpreter:
    mapped = images(pid, memory)
    if mapped and mapped[0].machine() != (True, _X86_64):
        raise RefusedError("it is no x86_64 program, and other architectures are not supported yet")
    if platform.machine() != "x86_64":
        raise RefusedError(f"this machine is {platform.machine()}, and only x86_64 is supported yet")
    image, functions = _python(mapped)
    if image.symbol("_Py_MergeZeroLocalRefcount") is not None:
        raise RefusedError("its Python is a free-threaded build, which is not supported yet")
    library, lsearch, munmap = _c_library(mapped)
    sigreturn, system_call = library.find(_SIGRETURN, _SYSTEM_CALL)
    if sigreturn is None or system_call is None:
        raise RefusedError(f"unknown C library: {library.path}")
    writable = tuple(mapping for mapping in mappings(pid) if mapping.access.startswith("rw"))
    version = _version(image, mapped)
    return Interpreter(pid, memory, version, image, functions, lsearch, munmap, sigreturn, system_call, writable)


def _python(mapped: list[Image]) -> tuple[Image, dict[str, int]]:
    likely = sorted(mapped, key=lambda image: "libpython" not in image.path and image is not mapped[0])
    for image in likely:
        if image.symbol(_NEEDED[0]) is not None:
            functions = {name: image.symbol(name) for name in _NEEDED}
            return image, {name: address for name, address in functions.items() if address is not None}
    raise RefusedError("it is no Python process, or its Python exports no symbols")


def _c_library(mapped: list[Image]) -> tuple[Image, int, int]:
    likely = sorted(mapped, key=lambda image: re.search(r"/(libc[.-]|ld-musl)", image.path) is None)
    for image in likely:
        lsearch, munmap = image.symbol("lsearch"), image.symbol("munmap")
        if lsearch is not None and munmap is not None:
            return image, lsearch, munmap
    raise RefusedError("its C library exports no symbols")


def _version(image: Image, mapped: list[Image]) -> tuple[int, int]:
    """Return the version by the name of the library or the executable, (3, 0) if that has none."""
    for path in (image.path, *(other.path for other in mapped)):
        named = _VERSION.search(path.rpartition("/")[2]) or _VERSION.search(path)
        if named:
            major, minor = named[1].split(".")
            return int(major), int(minor)
    return (3, 0)


def readable_version(pid: int) -> str:
    """Return the version that /proc shows without the right to enter the process, "" if unknown."""
    try:
        for path in (os.readlink(f"/proc/{pid}/exe"), *_mapped(pid)):
            named = _VERSION.search(path)
            if named:
                return named[1]
    except OSError:
        pass
    return ""


def _mapped(pid: int) -> list[str]:
    return [line.split()[-1] for line in proc.maps(pid) if "libpython" in line]
