"""A free range in the memory of another process for the text it is to run."""

from __future__ import annotations

import itertools
import random

from tracer.attach.injection import elf
from tracer.attach.injection.ptrace import RefusedError

_PAGE = 4096
#: Bytes kept free around it, so that it has a line of its own in /proc/PID/maps.
_APART = 1 << 24


def pages(size: int) -> int:
    """Return the size of the whole pages that hold ``size`` bytes and a terminating zero."""
    return size + _PAGE & ~(_PAGE - 1)


def find(pid: int, size: int) -> int:
    """Return a free address far from all mappings, so that they do not grow together; RefusedError if there is none."""
    mapped = elf.mappings(pid)
    for before, after in itertools.pairwise(mapped):
        free = (after.start - before.end - size - 2 * _APART) // _PAGE
        if free > 0:
            return before.end + _APART + random.randrange(free) * _PAGE
    raise RefusedError("it has no address space left for the hooks")


def is_mapped(pid: int, start: int, size: int) -> bool:
    """Return whether the process has mapped exactly this range."""
    return any(mapping.start == start and mapping.end == start + size for mapping in elf.mappings(pid))
