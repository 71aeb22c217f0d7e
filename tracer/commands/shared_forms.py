"""The forms of a file to share, as lines of text: a trace file, a log, a journal's export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tracer import trace_file
from tracer.anonymize.learn import Learner
from tracer.anonymize.replace import Replacer
from tracer.anonymize.verify import Verifier
from tracer.commands.shared_masking import LineMasking, object_of, object_without_secrets, text_without_secrets
from tracer.sources.logs import blocks, journal, journal_fields
from tracer.sources.logs.blocks import Text

_SAMPLE = 1 << 16
_HEADER = f'{{"format":"{trace_file.FORMAT}"'.encode()


class Form:
    """A file's form: its content as lines, each a JSON object or text, and the bytes that a line becomes."""

    def lines(self) -> Iterator[str]:
        """Yield the content, masked."""
        raise NotImplementedError

    def learn(self, learner: Learner, line: str) -> None:
        """Add a line's originals."""
        value = object_of(line)
        if value is None:
            learner.line(line)
        else:
            learner.value(value)

    def replaced(self, replacer: Replacer, line: str) -> str:
        """Return a line with its originals replaced."""
        value = object_of(line)
        return replacer.text(line) if value is None else _dumped(replacer.value(value), line)

    def remains(self, verifier: Verifier, line: str) -> Iterator[str]:
        """Yield the originals that occur in a line."""
        value = object_of(line)
        return verifier.remains(line) if value is None else verifier.value_remains(value)

    def encoded(self, line: str) -> bytes:
        """Return a line as it is in the file."""
        return to_bytes(line) + b"\n"


class _TraceFile(Form):
    """A trace file: its header, then its steps, masked when they were recorded."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lines(self) -> Iterator[str]:
        for line in trace_file.lines(trace_file.read(self._path)):
            yield trace_file.data_of(line).decode()

    def learn(self, learner: Learner, line: str) -> None:
        value = json.loads(line)
        if "format" in value:
            learner.header(value)
        else:
            learner.step(value)

    def replaced(self, replacer: Replacer, line: str) -> str:
        value = json.loads(line)
        return trace_file.data_of(replacer.header(value) if "format" in value else replacer.step(value)).decode()


class _Log(Form):
    """A log or any other text; lines that are JSON are masked as JSON."""

    def __init__(self, data: Text) -> None:
        self._data = data

    def lines(self) -> Iterator[str]:
        masking = LineMasking()
        for data in blocks.lines(self._data):
            line = data.decode("utf-8", "surrogateescape")
            value = object_of(line)
            if value is None:
                yield masking.line(line)
            else:
                clean = object_without_secrets(value)
                yield line if clean == value else _dumped(clean, line)


class _Export(Form):
    """A journal's export: every field is a line here, as a JSON object; an empty line ends an entry."""

    def __init__(self, data: Text) -> None:
        self._data = data

    def lines(self) -> Iterator[str]:
        for name, value in journal_fields.read(self._data):
            text = text_without_secrets(value.decode("utf-8", "surrogateescape"))
            yield json.dumps({name: text}) if name else ""

    def encoded(self, line: str) -> bytes:
        fields = object_of(line) or {}
        return b"".join(journal_fields.written(name, to_bytes(text)) for name, text in fields.items()) or b"\n"


def of(path: Path, data: Text) -> Form:
    """Return the form of a file."""
    sample = blocks.beginning(data, _SAMPLE)
    if sample.startswith(_HEADER):
        return _TraceFile(path)
    return _Export(data) if journal.matches(sample) else _Log(data)


def to_bytes(text: str) -> bytes:
    """Return the UTF-8 of a text, with bytes that were none as they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can hold
        return text.encode("utf-8", "backslashreplace")


def _dumped(value: Any, like: str) -> str:
    """Return a value as JSON with the blanks and escapes of the line that it was."""
    separators = (", ", ": ") if '": ' in like else (",", ":")
    return json.dumps(value, ensure_ascii=like.isascii(), separators=separators)
