"""The Python in a process: which it is, and the addresses of what is called in it."""

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
        """Whether the process has ended, or runs another program now."""
        try:
            return not os.pread(self.memory, 1, self.image.base)
        except OSError:
            return True

    def close(self) -> None:
        """Let go of its memory."""
        os.close(self.memory)


def find(pid: int) -> Interpreter:
    """The Python in the process; RefusedError where there is none that can be entered."""
    memory = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)
    try:
        return _find(pid, memory)
    except BaseException:
        os.close(memory)
        raise


def _find(pid: int, memory: int) -> Interpreter:
    found = images(pid, memory)
    if found and found[0].machine() != (True, _X86_64):
        raise RefusedError("it is no x86_64 program, and other architectures are not supported yet")
    if platform.machine() != "x86_64":
        raise RefusedError(f"this machine is {platform.machine()}, and only x86_64 is supported yet")
    image, functions = _python(found)
    if image.symbol("_Py_MergeZeroLocalRefcount") is not None:
        raise RefusedError("its Python is a free-threaded build, which is not supported yet")
    library, lsearch, munmap = _c_library(found)
    sigreturn, system_call = library.find(_SIGRETURN, _SYSTEM_CALL)
    if sigreturn is None or system_call is None:
        raise RefusedError(f"its C library is none we know: {library.path}")
    writable = tuple(mapping for mapping in mappings(pid) if mapping.access.startswith("rw"))
    version = _version(image, found)
    return Interpreter(pid, memory, version, image, functions, lsearch, munmap, sigreturn, system_call, writable)


def _python(found: list[Image]) -> tuple[Image, dict[str, int]]:
    likely = sorted(found, key=lambda image: "libpython" not in image.path and image is not found[0])
    for image in likely:
        if image.symbol(_NEEDED[0]) is not None:
            functions = {name: image.symbol(name) for name in _NEEDED}
            return image, {name: address for name, address in functions.items() if address is not None}
    raise RefusedError("it is no Python process, or its Python exports no symbols")


def _c_library(found: list[Image]) -> tuple[Image, int, int]:
    likely = sorted(found, key=lambda image: re.search(r"/(libc[.-]|ld-musl)", image.path) is None)
    for image in likely:
        lsearch, munmap = image.symbol("lsearch"), image.symbol("munmap")
        if lsearch is not None and munmap is not None:
            return image, lsearch, munmap
    raise RefusedError("its C library exports no symbols")


def _version(image: Image, found: list[Image]) -> tuple[int, int]:
    """By the name of the library or the executable, else by what stands in it."""
    for path in (image.path, *(each.path for each in found)):
        named = _VERSION.search(path.rpartition("/")[2]) or _VERSION.search(path)
        if named:
            major, minor = named[1].split(".")
            return int(major), int(minor)
    return (3, 0)


def readable_version(pid: int) -> str:
    """The version as far as /proc tells it without any right to enter the process; "" where it does not."""
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
