"""Room in the memory of another process for what it is to run: an address where nothing is, and whether it has come."""

from __future__ import annotations

import itertools
import random

from tracer.attach.injection import elf
from tracer.attach.injection.ptrace import RefusedError

_PAGE = 4096
#: Around it nothing else may lie, so that it is seen by itself in /proc/PID/maps.
_APART = 1 << 24


def pages(size: int) -> int:
    """As many bytes in whole pages, and one at least beyond them: it ends with a zero."""
    return size + _PAGE & ~(_PAGE - 1)


def find(pid: int, size: int) -> int:
    """An address far from everything that is mapped, so that it does not grow together with it."""
    mapped = elf.mappings(pid)
    for before, after in itertools.pairwise(mapped):
        free = (after.start - before.end - size - 2 * _APART) // _PAGE
        if free > 0:
            return before.end + _APART + random.randrange(free) * _PAGE
    raise RefusedError("it has no memory left for the hooks")


def is_mapped(pid: int, at: int, size: int) -> bool:
    """Whether the process has mapped just that."""
    return any(each.start == at and each.end == at + size for each in elf.mappings(pid))
