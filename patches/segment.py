"""One process's files in a capture: segments that grow by whole files, and the table of calls that are open.

Everything a hook touches is one C call under the GIL (``mmap.write``, ``deque.pop``), so threads and greenlets need no
lock, and what was written survives ``kill -9``.
"""

import marshal
import mmap
import os
import sys
import time
from collections import deque
from zlib import crc32

from .record import FRAME, HEADER_SIZE, MAGIC, OPEN_HEAD, SCRATCH, SLOT

def create(path, size):
    """A new file of ``size`` bytes, allocated on disk now (a sparse file on a full disk would kill the host by SIGBUS), mapped."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)
        return mmap.mmap(descriptor, size)
    except BaseException:
        os.unlink(path)
        raise
    finally:
        os.close(descriptor)


class Segments:
    """The recording side of a capture for one process: ``write`` a payload, or count a drop.

    ``directory`` is the capture's ``segments`` folder, ``stem`` names this process's files, ``about`` is a flat tuple of
    pairs for the header, ``size`` the bytes of a segment, ``cap`` the bytes all segments of the capture may take together.
    """

    def __init__(self, directory, stem, about, size, cap):
        self._path = os.path.join(directory, stem)
        self._directory = directory
        self._about = about
        self._size = size
        self._cap = cap
        self._number = 0
        # A token to take before making the next file: whoever finds none counts a drop rather than wait.
        self._tokens = deque([1])
        self.table = create(self._path + ".open", SCRATCH + SLOT.size)
        self.dropped = self.failures = 0
        #: Offsets of the open table's free slots; hooks pop one, pack SLOT into ``table``, and put it back.
        self.free = deque(range(OPEN_HEAD.size, SCRATCH, SLOT.size))
        self._tell()
        self.append = self._next_segment()

    def write(self, payload):
        """Append one record, a tuple."""
        self.write_bytes(marshal.dumps(payload, 2))

    def write_bytes(self, data):
        """Append one record that is packed already."""
        data = FRAME.pack(len(data), crc32(data)) + data
        try:
            self.append(data)
        except ValueError:  # how mmap.write says that the segment has no room for it
            self.roll(data)

    def failed(self):
        """Count a failure of a hook of ours."""
        self.failures += 1
        self._tell()

    def _tell(self):
        OPEN_HEAD.pack_into(self.table, 0, MAGIC, self.dropped, self.failures)

    def _drop(self):
        self.dropped += 1
        self._tell()

    def roll(self, data):
        """Put a framed record into the next segment, or count a drop."""
        if len(data) > self._size - HEADER_SIZE:
            return self._drop()
        try:
            token = self._tokens.pop()
        except IndexError:
            return self._drop()
        try:
            append = self._next_segment()
        except OSError:
            # Disk or capture full: the token stays taken, so that nobody asks the disk again at every event.
            return self._drop()
        append(data)
        self.append = append
        self._tokens.append(token)

    def _next_segment(self):
        taken = sum(entry.stat().st_size for entry in os.scandir(self._directory))
        if taken + self._size > self._cap:
            raise OSError("the capture is full")
        segment = create("%s-%04d.seg" % (self._path, self._number), self._size)
        self._number += 1
        about = marshal.dumps(self._about, 2)
        segment[: len(MAGIC) + FRAME.size + len(about)] = MAGIC + FRAME.pack(len(about), crc32(about)) + about
        segment.seek(HEADER_SIZE)
        return segment.write


def about_process(versions):
    """What the header says of this process, as a flat tuple of pairs; ``versions`` likewise."""
    return (
        "pid", os.getpid(),
        "host", os.uname().nodename,
        "python", sys.version.split()[0],
        "wall", time.time_ns(),
        "monotonic", time.monotonic_ns(),
    ) + versions  # fmt: skip
