"""Private keys that a program logs line by line: the lines after the first have no sign of their own."""

from __future__ import annotations

import re
from typing import Hashable

from .secret_ends import MASK

_BEGIN, _END = "-----BEGIN", "-----END"
#: A line of a key's body, or of the headers before it.
_is_line = re.compile(r"\s*(?:[A-Za-z0-9+/=]{1,80}|(?:Proc-Type|DEK-Info|Comment|Version): [^\n]{1,200})\s*").fullmatch
#: Records after which a key is not expected to continue, and sources that may have begun one.
_MAX_RECORDS = 200
_MAX_SOURCES = 64


class OpenKeys:
    """The sources (of any kind: threads, loggers) whose last lines began a key and did not end it."""

    def __init__(self) -> None:
        #: source -> its records that may still belong to the key
        self.records: dict[Hashable, int] = {}

    def mask(self, source: Hashable, text: str, masked: str) -> str:
        """Return what to show of a record's ``text``: ``masked``, or nothing of it if it continues a key."""
        left = self.records.pop(source, 0)
        begin = text.rfind(_BEGIN)
        if begin >= 0:
            left = 0 if text.find(_END, begin) >= 0 else _MAX_RECORDS
        elif _END in text:
            left = 0
        if left and len(self.records) < _MAX_SOURCES:
            self.records[source] = left - 1
        return MASK if left and begin < 0 and _is_line(text) else masked
