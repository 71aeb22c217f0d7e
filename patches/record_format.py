"""The format of records: the fields of each type, as hooks write them and tracer.sources reads them.

A segment file is HEADER_SIZE bytes of header (MAGIC, length, checksum, marshalled pairs about the process), then
records: length and CRC-32 of the payload as two little-endian u32, then the payload, a tuple in marshal version 2. A
length of zero ends the segment. An open table (``.open``) holds OPEN_HEAD, then SLOTS fixed entries: the calls that
were running when the process last wrote. Times are CLOCK_MONOTONIC nanoseconds, one clock for all processes of a
machine.
"""

from __future__ import annotations

import struct

FORMAT_VERSION = 1
MAGIC = b"BOOTSEQ1"
HEADER_SIZE = 4096
FRAME = struct.Struct("<II")

# Payloads start with their type. Attributes are flat tuples: key, value, key, value …
BEGIN = 1  #: (BEGIN, id, parent, kind, thread, time, name, attributes)
END = 2  #: (END, id, time, error or None, attributes)
STEP = 3  #: (STEP, id, parent, kind, thread, start, end, name, error or None, attributes)
NOTE = 4  #: (NOTE, id, attributes): more attributes for a step that is open
NAME = 5  #: (NAME, number, text, attributes): a text that CALL and SQL refer to by its number
CALL = 6  #: (CALL, id, parent, thread, start, end, name number, error); without an error it is packed as PACKED_CALL
SQL = 7  #: (SQL, id, parent, thread, start, end, name number, error or None, rows, parameters, database, request ids)
LOG = 8  #: (LOG, id, parent, kind, thread, time, name number, message, attributes); the name's attributes: the origin

#: A call that raised nothing, by far the most frequent record: the byte C, id, parent, thread, start, end, name number.
#: In place of a CRC, which would be an eighth of its cost, it has PACKED_CHECK; where its tail is torn its end is 0.
PACKED_CALL = struct.Struct("<cQQQQQI")
PACKED_CHECK = 0x4C4C4143
#: The same with its frame before it, which is one constant.
FRAMED_CALL = struct.Struct("<QcQQQQQI")
CALL_FRAME = PACKED_CALL.size | PACKED_CHECK << 32

#: magic, dropped records, failures of our own, 1 once the process has stopped recording there
OPEN_HEAD = struct.Struct("<8sQII")
#: id (0: free), parent, thread, start, name number
SLOT = struct.Struct("<QQQQQ")
SLOTS = 1024
#: The offset of the slot that calls share which find no free one; its content means nothing.
SCRATCH = OPEN_HEAD.size + SLOTS * SLOT.size
