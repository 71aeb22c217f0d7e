"""The part of a spool that fits a capture: files with the names of a recording's, bounded in number and bytes.

The deputy that sends and the tool that receives calculate alike, so a file that does not fit is never sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Files of one spool, and bytes of one file.
MAX_FILES = 20_000
MAX_FILE = 256 << 20
_SEGMENT = re.compile(r"[\w.-]{1,200}-\d{1,10}-\d{1,20}(-\d{4,8}\.seg|\.open)", re.ASCII)
_LOG = re.compile(r"[\w.-]{1,50}\.log", re.ASCII)


@dataclass
class Room:
    """The free bytes, and the sizes of the files that exist and may be replaced, by (is a segment, name)."""

    bytes_left: int
    sizes: dict[tuple[bool, str], int]
    files_left: int = MAX_FILES

    def take(self, name: str, is_segment: bool, size: int) -> bool:
        """Return whether a file fits, and reserve its bytes if so."""
        left = self.bytes_left + self.sizes.get((is_segment, name), 0) - size
        fits = left >= 0 and size <= MAX_FILE and self.files_left > 0
        if not fits or not (_SEGMENT if is_segment else _LOG).fullmatch(name):
            return False
        self.bytes_left = left
        self.files_left -= 1
        self.sizes[is_segment, name] = size
        return True
