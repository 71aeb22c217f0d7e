"""Files mapped into the host's memory, without any descriptor of theirs left in the host.

The host may close all its descriptors (a daemon does) and get their numbers again for files and sockets of its own. So
nothing of ours may close a number later on. Before Python 3.13 an ``mmap`` has a duplicate and closes its number when
it dies: here the number is erased from the object, and where that is impossible the object never dies.
"""

from __future__ import annotations

import datetime
import itertools
import mmap
import os
import struct
import sys
from posix import close, fstat, pread, pwrite
from typing import Any, Tuple

from . import faults, unpatched

Identity = Tuple[int, int]

#: Fields of CPython's mmap_object from 3.8 to 3.12 after its data: size, position, offset, exports; then comes fd.
_FIELDS = struct.Struct("nnqi" if sys.version_info < (3, 9) else "nnqn")
_NUMBER = struct.Struct("i")
#: Descriptors looked through for the duplicate, which is the lowest number that was free.
_MAX_NUMBER = 1 << 16

#: Descriptors that are open for a moment: number -> device and inode.
_in_hand: dict[int, Identity] = {}


def create(path: str, size: int) -> mmap.mmap:
    """Return a new mapped file, allocated on disk now: a sparse file on a full disk would kill the host by SIGBUS."""
    descriptor = _open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC)
    try:
        os.posix_fallocate(descriptor, 0, size)
        return _mapped(descriptor, size)
    except BaseException:
        os.unlink(path)
        raise
    finally:
        _close(descriptor)


def close_in_hand() -> None:
    """Close, in a forked child, what another thread of the parent had open at that moment."""
    for number in list(_in_hand):
        _close(number)


def _mapped(descriptor: int, size: int) -> mmap.mmap:
    if sys.version_info >= (3, 13):
        return mmap.mmap(descriptor, size, trackfd=False)
    mapping = mmap.mmap(descriptor, size)
    number = _duplicate_of(descriptor)
    try:
        if not _erase_number(mapping, size, number):
            _leak(mapping)
    finally:
        _close(number)
    return mapping


def _open(path: str, flags: int) -> int:
    number: int = unpatched.open(path, flags, 0o600)
    _in_hand[number] = _identity(number)
    return number


def _close(number: int) -> None:
    """Close a descriptor that is open for a moment, unless somebody has closed it and the number is another file's."""
    identity = _in_hand.pop(number, None)
    try:
        if identity is not None and _identity(number) == identity:
            close(number)
    except OSError as error:
        faults.pass_on(error)


def _identity(number: int) -> Identity:
    status = fstat(number)
    return status.st_dev, status.st_ino


def _duplicate_of(descriptor: int) -> int:
    """Return the other descriptor of this file, which nobody else has open; -1 where it was closed already."""
    identity = _in_hand[descriptor]
    for number in itertools.chain((descriptor + 1,), range(_MAX_NUMBER)):
        try:
            if number != descriptor and _identity(number) == identity:
                _in_hand[number] = identity
                return int(number)
        except OSError as error:
            faults.pass_on(error)
    return -1


def _erase_number(mapping: mmap.mmap, size: int, number: int) -> bool:
    """Erase the descriptor's number in the object; False where its memory is not writable or not as expected."""
    if sys.implementation.name != "cpython" or number < 0:
        return False
    address = id(mapping) + object.__basicsize__ + struct.calcsize("P")
    position = size - 1
    expected = _FIELDS.pack(size, position, 0, 0) + _NUMBER.pack(number)
    try:
        memory = _open("/proc/self/mem", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:  # the process has changed its user
        faults.pass_on(error)
        return False
    try:
        mapping.seek(position)
        if pread(memory, len(expected), address) != expected:
            return False
        return pwrite(memory, _NUMBER.pack(-1), address + _FIELDS.size) == _NUMBER.size
    except OSError as error:
        faults.pass_on(error)
        return False
    finally:
        mapping.seek(0)
        _close(memory)


class _Anchor(datetime.tzinfo):
    """A reference in a cycle that the collector never frees: it does not see what a datetime refers to."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing
        self.cycle = datetime.datetime.min.replace(tzinfo=self)


def _leak(mapping: mmap.mmap) -> None:
    """Let the object outlive the interpreter: its end would close the number, which may be another file's by then."""
    _Anchor(mapping)  # type: ignore[abstract]
