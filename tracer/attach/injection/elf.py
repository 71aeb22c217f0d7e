"""The ELF images that a process has mapped, the addresses of their symbols, and free ranges, read from its memory.

From memory and not from the files: so it makes no difference whether a file was replaced by an upgrade, deleted, or
is in another mount namespace.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from tracer.attach import proc
from tracer.attach.injection.ptrace import RefusedError

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_DYNAMIC_ENTRY = struct.Struct("<qQ")
_X86_64 = 62
_FIXED = 2
_LOAD, _DYNAMIC = 1, 2
_HASH, _STRINGS, _SYMBOLS, _GNU_HASH = 4, 5, 6, 0x6FFFFEF5
_INDIRECT = 10
_MAX_DYNAMIC = 1 << 14
#: Of an image's tables and code; libpython has 3,000 symbols and 3 MB of code.
_MAX_SEGMENTS, _MAX_CODE, _MAX_READS = 256, 64 << 20, 300_000
_PAGE = 4096
#: Bytes kept free around a new range, so that it has a line of its own in /proc/PID/maps.
_APART = 1 << 24


@dataclass(frozen=True)
class Mapping:
    """A line of /proc/PID/maps."""

    start: int
    end: int
    access: str
    offset: int
    path: str


def mappings(pid: int) -> list[Mapping]:
    """Return the memory map of the process."""
    mapped = []
    for line in proc.maps(pid):
        span, access, offset, _, _, *path = line.split(None, 5)
        start, end = (int(number, 16) for number in span.split("-"))
        mapped.append(Mapping(start, end, access, int(offset, 16), path[0] if path else ""))
    return mapped


@dataclass
class Image:
    """A mapped executable or library; ``memory`` is the process's /proc/PID/mem."""

    memory: int
    path: str
    base: int
    #: The reads left for all images of a process: their tables are claims, and may be endless.
    reads: Iterator[int]
    code: list[Mapping] = field(default_factory=list)
    _tables: dict[int, int] | None = None
    _bias: int = 0

    def symbol(self, name: str) -> int | None:
        """Return the address of a symbol that it defines, None if it does not."""
        if self._tables is None:
            self._tables = self._find_tables()
        tables = self._tables
        if _SYMBOLS not in tables or _STRINGS not in tables:
            return None
        wanted = name.encode() + b"\0"
        numbers = self._gnu_candidates(name) if _GNU_HASH in tables else self._all_numbers()
        for number in numbers:
            text, info, _, section, value, _ = _SYMBOL.unpack(self._read(tables[_SYMBOLS] + number * 24, 24))
            if section and info & 15 != _INDIRECT and self._read(tables[_STRINGS] + text, len(wanted)) == wanted:
                return self._bias + int(value)
        return None

    def find(self, *patterns: bytes) -> list[int | None]:
        """Return the address of each pattern in its code, None if absent."""
        addresses: list[int | None] = [None] * len(patterns)
        left = _MAX_CODE
        for mapping in self.code:
            text = self._read(mapping.start, min(mapping.end - mapping.start, left))
            left -= len(text)
            for number, pattern in enumerate(patterns):
                offset = text.find(pattern)
                if addresses[number] is None and offset >= 0:
                    addresses[number] = mapping.start + offset
        return addresses

    def machine(self) -> tuple[bool, int]:
        """Return whether it has 64 bits, and the number of its architecture."""
        header = _HEADER.unpack(self._read(self.base, _HEADER.size))
        return header[0][4] == 2, header[2]

    def _find_tables(self) -> dict[int, int]:
        header = _HEADER.unpack(self._read(self.base, _HEADER.size))
        kind, offset, size, count = header[1], header[5], header[9], header[10]
        if header[0][:5] != b"\x7fELF\x02" or header[2] != _X86_64 or size != _SEGMENT.size or count > _MAX_SEGMENTS:
            return {}
        table = self._read(self.base + offset, size * count)
        segments = [_SEGMENT.unpack_from(table, size * number) for number in range(count)]
        loads = [segment for segment in segments if segment[0] == _LOAD]
        dynamic = next((segment for segment in segments if segment[0] == _DYNAMIC), None)
        if not loads or dynamic is None:
            return {}
        self._bias = 0 if kind == _FIXED else self.base - (loads[0][3] & ~0xFFF)
        entries = _DYNAMIC_ENTRY.iter_unpack(self._read(self._bias + dynamic[3], min(dynamic[6], _MAX_DYNAMIC) & ~15))
        # The dynamic linker of glibc puts addresses in place of offsets, that of musl does not.
        return {tag: value if value >= self.base else value + self._bias for tag, value in entries}

    def _gnu_candidates(self, name: str) -> Iterator[int]:
        """Yield the numbers of the symbols with the hash of the name."""
        wanted = 5381
        for byte in name.encode():
            wanted = wanted * 33 + byte & 0xFFFFFFFF
        assert self._tables is not None
        start = self._tables[_GNU_HASH]
        buckets, first, bloom, _ = struct.unpack("<4I", self._read(start, 16))
        if not buckets:
            return
        table = start + 16 + bloom * 8
        number = self._number(table + wanted % buckets * 4)
        while number >= first:
            hashed = self._number(table + buckets * 4 + (number - first) * 4)
            if hashed | 1 == wanted | 1:
                yield number
            if hashed & 1:
                return
            number += 1

    def _all_numbers(self) -> Iterator[int]:
        assert self._tables is not None
        table = self._tables.get(_HASH)
        yield from range(self._number(table + 4) if table is not None else 0)

    def _number(self, address: int) -> int:
        return int.from_bytes(self._read(address, 4), "little")

    def _read(self, address: int, size: int) -> bytes:
        if next(self.reads, None) is None:
            raise RefusedError("its programs are larger than any known Python")
        try:
            return os.pread(self.memory, size, address).ljust(size, b"\0")
        except (OSError, OverflowError):
            return bytes(size)


def _is_image(memory: int, address: int) -> bool:
    try:
        return os.pread(memory, 4, address) == b"\x7fELF"
    except OSError:  # unmapped since its line was read, or a file that has been cut
        return False


def images(pid: int, memory: int) -> list[Image]:
    """Return the images that the process has mapped, in the order of their addresses."""
    by_path: dict[str, Image] = {}
    reads = iter(range(_MAX_READS))
    for mapping in mappings(pid):
        if not mapping.path.startswith("/"):
            continue
        if mapping.offset == 0 and mapping.path not in by_path and _is_image(memory, mapping.start):
            by_path[mapping.path] = Image(memory, mapping.path, mapping.start, reads)
        if "x" in mapping.access and mapping.path in by_path:
            by_path[mapping.path].code.append(mapping)
    return list(by_path.values())


def pages(size: int) -> int:
    """Return the size of the whole pages that hold ``size`` bytes and a terminating zero."""
    return size + _PAGE & ~(_PAGE - 1)


def free_range(pid: int, size: int) -> int:
    """Return a free address far from all mappings, so that they do not grow together; RefusedError if there is none."""
    mapped = mappings(pid)
    for before, after in zip(mapped, mapped[1:]):
        free = (after.start - before.end - size - 2 * _APART) // _PAGE
        if free > 0:
            return before.end + _APART + random.randrange(free) * _PAGE
    raise RefusedError("it has no address space left for the hooks")


def is_mapped(pid: int, start: int, size: int) -> bool:
    """Return whether the process has mapped exactly this range."""
    return any(mapping.start == start and mapping.end == start + size for mapping in mappings(pid))
