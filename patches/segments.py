"""A process's files in a capture: segments, file after file, and the table of calls that are open.

Every change by a hook is a single C call under the GIL (``mmap.write``, ``deque.pop``), so threads and greenlets need
no lock, and written records survive ``kill -9``.
"""

from __future__ import annotations

import marshal
import os
import sys
import time
from collections import deque
from itertools import count
from typing import Any, Callable
from zlib import crc32

from . import faults, lease
from .memory_files import create
from .record_format import FRAME, HEADER_SIZE, MAGIC, OPEN_HEAD, SCRATCH, SLOT

#: Bytes of the first segment; the next ones grow by GROWTH, up to the size of a segment. Most processes record little.
FIRST_SIZE = 1 << 16
GROWTH = 4

#: Records that wait while another thread creates the next segment; more are dropped.
MAX_BACKLOG = 100_000

_pack_frame = FRAME.pack
_dumps = marshal.dumps
_clock = time.monotonic_ns  # read now: eventlet replaces it in its module later


def _no_segment(data: bytes) -> int:
    """Refuse a record, as the ``write`` of a full segment does: there is no segment yet."""
    raise ValueError


class Segments:
    """The recording side of a capture for one process: ``write`` a payload, or count a drop.

    ``directory`` is the capture's ``segments`` folder, ``stem`` names this process's files, ``about`` is a flat tuple
    of pairs for the header, ``size`` the bytes of a segment, ``cap`` the bytes all files of the capture may take.
    The first record creates the first segment. The open table, which shows that a process records, is created by
    ``open`` or then: most children of a fork exec at once and never write a record.
    """

    def __init__(self, directory: str, stem: str, about: tuple[Any, ...], size: int, cap: int) -> None:
        self._path = os.path.join(directory, stem)
        self._directory = directory
        self._about = about
        self._size = size
        self._cap = cap
        self._number = 0
        self._full = False
        self._has_table = False
        # Records without room, and a token: the thread that takes it creates the next segment and writes them.
        self._backlog: deque[bytes] = deque()
        self._tokens = deque([1])
        self._drops = count(1).__next__
        self._failures = count(1).__next__
        self.dropped = self.failures = self._closed = 0
        self.table: Any = bytearray(SCRATCH + SLOT.size)
        #: The identity of this recording for users whose reference to it would keep its files mapped.
        self.era = object()
        # Offsets of the open table's free slots.
        free = deque(range(OPEN_HEAD.size, SCRATCH, SLOT.size))
        #: Take an offset in ``table`` for a SLOT, IndexError where none is free; and return it.
        self.take_slot, self.give_slot = free.pop, free.append
        #: Append a framed record; ValueError where there is no room, then ``roll`` takes it.
        self.append: Callable[[bytes], object] = _no_segment

    def open(self) -> None:
        """Create the open table now; OSError where that fails."""
        path = self._path + ".open"
        self.table = self._create(path, SCRATCH + SLOT.size)
        self._has_table = True
        self._update_head()

    def write(self, payload: tuple[Any, ...]) -> None:
        """Append one record, unless the lease is over."""
        now = _clock()
        if now >= lease.look_at:
            lease.look(now)
        data = _dumps(payload, 2)
        data = _pack_frame(len(data), crc32(data)) + data
        try:
            self.append(data)
        except ValueError as error:
            faults.pass_on(error)
            self.roll(data)

    def roll(self, data: bytes) -> None:
        """Write a framed record without room into the next segment, or count a drop; waits for nobody."""
        if self._full or len(data) > self._size - HEADER_SIZE or len(self._backlog) >= MAX_BACKLOG:
            self._drop()
            return
        self._backlog.append(data)
        while self._backlog:
            try:
                token = self._tokens.pop()
            except IndexError as error:
                faults.pass_on(error)
                return  # the thread that has it looks at the backlog again after its return
            try:
                self._write_backlog()
            except BaseException:  # the host's
                self._drop()
                raise
            finally:
                self._tokens.append(token)

    def failed(self) -> None:
        """Count a failure of a hook of ours."""
        self.failures = self._failures()
        self._update_head()

    def close(self) -> None:
        """Mark the files as complete: calls in flight may keep them mapped for long."""
        self._closed = 1
        self._update_head()

    def abandon(self) -> None:
        """Drop the files: records that are still written (by calls in flight, after a fork or the lease) are lost."""
        self.append = len
        self.table = bytearray(SCRATCH + SLOT.size)

    def _write_backlog(self) -> None:
        while self._backlog:
            data = self._backlog.popleft()
            while not self._written(data):
                try:
                    self.append = self._next_segment(len(data))
                except OSError as error:
                    faults.pass_on(error)
                    # Disk or capture full: the disk is not tried again at every event.
                    self._full = True
                    self._drop()
                    while self._backlog:
                        self._backlog.popleft()
                        self._drop()
                    return

    def _written(self, data: bytes) -> bool:
        """Append a record; return whether there was room: other threads may fill even a new segment."""
        try:
            self.append(data)
        except ValueError as error:
            faults.pass_on(error)
            return False
        return True

    def _drop(self) -> None:
        self.dropped = self._drops()
        self._update_head()

    def _update_head(self) -> None:
        OPEN_HEAD.pack_into(self.table, 0, MAGIC, self.dropped, self.failures, self._closed)

    def _next_segment(self, room: int) -> Callable[[bytes], object]:
        """Return the ``write`` of a new segment with room for that many bytes of records."""
        if not self._has_table:
            self.open()
        size = max(FIRST_SIZE * GROWTH**self._number, HEADER_SIZE + room)
        segment: Any = self._create("%s-%04d.seg" % (self._path, self._number), min(size, self._size))
        self._number += 1
        about = _dumps(self._about, 2)
        segment[: len(MAGIC) + FRAME.size + len(about)] = MAGIC + _pack_frame(len(about), crc32(about)) + about
        segment.seek(HEADER_SIZE)
        write: Callable[[bytes], object] = segment.write
        return write

    def _create(self, path: str, size: int) -> Any:
        """Return a new mapped file; OSError where the capture is full."""
        try:
            file = create(path, size)
        except FileExistsError as error:  # created when a signal handler of the host's raised, and never used
            faults.pass_on(error)
            os.unlink(path)
            file = create(path, size)
        # Counted with this one, or processes that start together would all see room for another.
        if self._used() > self._cap:
            os.unlink(path)
            raise OSError("the capture is full")
        return file

    def _used(self) -> int:
        """Return the bytes of all files of the capture."""
        size = 0
        with os.scandir(self._directory) as entries:
            for entry in entries:
                try:
                    size += entry.stat().st_size
                except FileNotFoundError as error:  # the capture was full, and another process removed its file again
                    faults.pass_on(error)
        return size


def about_process(more: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the header's description of this process, a flat tuple of pairs; ``more`` likewise."""
    return (
        "pid", os.getpid(),
        "host", os.uname().nodename,
        "python", sys.version.split()[0],
        "wall", time.time_ns(),
        "monotonic", time.monotonic_ns(),
    ) + more  # fmt: skip
