"""Reader of lines in any surroundings: prefixes of other programs, quotes, HTML, wrapped rows, prose between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tracer.sources.logs import blocks, json_lines, line_heads, oslo_formats, plain_lines, wrapped_rows, wrappers
from tracer.sources.logs.blocks import Buffer
from tracer.sources.logs.oslo_formats import Formats
from tracer.sources.logs.plain_lines import Line
from tracer.sources.logs.records import MAX_MESSAGE, Record
from tracer.sources.logs.skipped_lines import SkippedLines
from tracer.sources.logs.times import Clock
from tracer.sources.logs.wrappers import Stream, Wrapped

#: Names the file of the lines below: tail's, or ag's and ripgrep's.
_HEADER = re.compile(
    rb"==> (?P<tail>[^\n]{1,300}) <==\Z|(?P<file>[\w./+@~%=,-]{1,200}\.(?:log|txt|out)(?:\.\d{1,3})?(?:\.gz)?):?\Z"
)
#: Ends a record in a text that people wrote: fences, grep's separator, borders of tables, shell prompts.
_END = re.compile(rb"(?:```|~~~)[\w -]{0,30}\Z|--\Z|\+[-=+]{3,}\+?\Z")
_PROMPT = re.compile(rb"(?:\[?[\w.-]{1,40}@[\w.-]{1,80}[^\n$#]{0,100}[$#] |\$ |\(\w+\) \[?[\w.-]+@)")
#: Begins prose behind an empty line.
_PROSE = re.compile(rb"[A-Za-z#*=]")
_CHAIN = re.compile(rb"Traceback |During handling of |The above exception ")
_MARKUP = re.compile(rb"(?:```|~~~)[\w -]{0,30}\Z|--\Z")
#: An id's bracket that the line does not close.
_OPEN = re.compile(rb"\[(?:req-|None\b|instance:|-\s)[^\]\n]{0,300}\Z")
_BRACKET = re.compile(rb"\s*\[(?:req-|None |-\])")
_BARE_HEAD = re.compile(rb"(?:DEBUG|INFO|AUDIT|WARNING|WARN|ERROR|CRITICAL|TRACE) +[\w.]+\s*\Z")
#: Lines of a text that decide whether it is a journal's; journalctl begins with a header.
_FIRST = 4
#: Bytes that decide whether a text is escaped for HTML or cut at a width.
_SAMPLE = 1 << 14
#: Of lines that are no record's, although they contain no time: tail's headers, Markdown's fences.
_SIGNS = (b"\n==> ", b"\n```")
_FENCE = re.compile(rb"```[\w -]{0,30}\Z")
_CLOCK = re.compile(rb":\d\d:\d\d")
#: rsyslog's escapes of characters that would break a line.
_ESCAPED = re.compile(rb"#0(11|12|33)")
#: Records whose next lines may follow, at most: each name before a line may be one.
_MAX_STREAMS = 1000
#: Rows that are joined at most.
_MAX_LINE = MAX_MESSAGE + 4096


@dataclass(slots=True)
class _Begun:
    """A record whose next lines may follow."""

    number: int
    wrapped: Wrapped
    lines: list[bytes]
    length: int
    #: set if its last line continues in the next row or entry: what joins both
    open: bytes | None = None

    def add(self, line: bytes) -> None:
        """Append the next line, or the rest of the last one."""
        if self.length < MAX_MESSAGE:
            if self.open is None:
                self.lines.append(line)
            else:
                self.lines[-1] += self.open + line
            self.length += len(line) + 1


class PastedLines:
    """The reader of such lines; between two calls of finish(), lines that continue a record follow it."""

    def __init__(self, own: tuple[Formats, ...], clock: Clock, skipped: SkippedLines) -> None:
        self._own, self._clock, self._skipped = own, clock, skipped
        #: the name of the file that a header names
        self.file = ""
        self._streams: dict[Stream, _Begun] = {}
        self._last: _Begun | None = None
        self._blank = False
        self._width = 0
        self._full = False

    def read(self, text: bytes, number: int) -> Iterator[Record]:
        """Yield the records of whole lines, the first of which has this ``number``, as far as they are complete."""
        rows = text.removesuffix(b"\n").split(b"\n")
        lines = list(plain_lines.plain((number + index, row[:_MAX_LINE]) for index, row in enumerate(rows)))
        for line, width in zip(lines, wrapped_rows.widths([line for _, line in lines]), strict=True):
            yield from self._take(line, width or self._width)
            self._width = width

    def finish(self) -> Iterator[Record]:
        """Yield the records that no line will continue."""
        begun = list(self._streams.values())
        self._streams, self._last, self._blank, self._full = {}, None, False, False
        for record in begun:
            yield from self._record(record)

    def first(self, text: bytes, start: int, end: int) -> int:
        """Return the offset of the first line that does not continue the record before it; ``end`` without any.

        Prose behind an empty line is no part of the record if a fence follows it.
        """
        prose, is_behind_blank = -1, False
        while start < end:
            stop = text.find(b"\n", start, end)
            stop = end if stop < 0 else stop
            (_, line), *_ = plain_lines.plain([(0, text[start : min(stop, start + _MAX_LINE)])])
            marks = line_heads.is_dated(line, 0) or _HEADER.match(line) or _FENCE.match(line)
            if marks or wrappers.parse(line, self._own).head:
                return prose if prose >= 0 and _FENCE.match(line) else start
            if is_behind_blank and prose < 0 and _PROSE.match(line) and not _CHAIN.match(line):
                prose = start
            is_behind_blank = not line.strip()
            start = stop + 1
        return end

    def _take(self, line: Line, width: int) -> Iterator[Record]:
        number, text = line
        if not text:
            self._full = False
            if self._last is not None:
                self._blank = True
                self._last.open = None
                self._last.add(b"")
            return
        header = _HEADER.match(text)
        if header is not None:
            yield from self.finish()
            self.file = (header["tail"] or header["file"]).decode("utf-8", "replace").rpartition("/")[2]
            return
        full = self._full
        self._full = width > 0 and wrapped_rows.length(text) == width
        wrapped = wrappers.parse(text, self._own)
        is_json = text[wrapped.start : wrapped.start + 1] == b"{" and self._is_json(text[wrapped.start :])
        if wrapped.head or is_json:
            yield from self._begin(number, wrapped, text[wrapped.start :])
        else:
            yield from self._continue(line, wrapped, full)
        if self._last is not None:
            self._last.open = b"" if wrapped.cut or self._full else self._soft(self._last)

    def _begin(self, number: int, wrapped: Wrapped, text: bytes) -> Iterator[Record]:
        earlier = self._streams.pop(wrapped.stream, None)
        if earlier is not None:
            yield from self._record(earlier)
        if len(self._streams) >= _MAX_STREAMS:
            yield from self._record(self._streams.pop(next(iter(self._streams))))
        if wrapped.syslog and b"#0" in text:
            text = _ESCAPED.sub(lambda code: bytes([int(code[1], 8)]), text)
        self._last = self._streams[wrapped.stream] = _Begun(number, wrapped, [text], len(text))
        self._blank = False

    def _continue(self, line: Line, wrapped: Wrapped, full: bool) -> Iterator[Record]:
        number, text = line
        begun = self._last
        start, is_same = wrappers.strip(text, begun.wrapped.tokens) if begun is not None else (0, False)
        if begun is not None and full:
            start, _ = wrappers.strip(text, wrappers.constant(begun.wrapped.tokens))
            begun.add(text[start:])
            return
        if not is_same and wrapped.tokens and (wrapped.syslog or wrapped.stream in self._streams):
            begun = self._streams.get(wrapped.stream)
            start, _ = wrappers.strip(text, begun.wrapped.tokens) if begun is not None else (0, False)
        if begun is None:
            self._skip(number, text)
            self._last = None  # what continues this line is skipped too
            return
        rest = text[start:]
        if not rest.strip():
            self._blank = True
            begun.add(b"")
            return
        bare = start == 0 and wrappers.on_every_line(begun.wrapped.tokens)
        if begun.open is None and (bare or self._ends(rest) or line_heads.is_dated(rest, 0)):
            self._skip(number, text)
            yield from self.finish()
            return
        self._last, self._blank = begun, False
        begun.add(rest)

    def _ends(self, text: bytes) -> bool:
        return bool(
            _END.match(text) or _PROMPT.match(text) or (self._blank and _PROSE.match(text) and not _CHAIN.match(text))
        )

    def _skip(self, number: int, text: bytes) -> None:
        if not _MARKUP.match(text):
            self._skipped.add(number, text)

    def _soft(self, begun: _Begun) -> bytes | None:
        """Return what joins the next line to a head that a mail program cut at a blank; None if it is complete."""
        if len(begun.lines) > 1 or len(begun.lines[0]) > 400 or not begun.wrapped.head:
            return None
        return b" " if _OPEN.search(begun.lines[0]) or _BARE_HEAD.search(begun.lines[0]) else None

    def _is_json(self, text: bytes) -> bool:
        return json_lines.entry_of(text, self._clock) is not None

    def _record(self, begun: _Begun) -> Iterator[Record]:
        """Yield the record of a head and its lines, none if it turns out to be incomplete."""
        text = b"\n".join(begun.lines)[:MAX_MESSAGE]
        wrapped = begun.wrapped
        name = wrapped.name or self.file
        known = {"prefix": name, "pid": wrapped.pid, "log_line": begun.number}
        time = self._time(wrapped)
        for formats in self._own:
            match = formats.match(text)
            if match is not None:
                yield formats.record(match, text[match.end() :], self._clock, **known, time=time)
                return
        record: Record | None = line_heads.record(text, self._clock, begun.number, name, wrapped.pid)
        if record is None and wrapped.timed is not None:
            record = self._devstack(text, known, time) or line_heads.untimed_record(
                text, time, begun.number, name, wrapped.pid
            )
        if record is None and text.startswith(b"{"):
            record = self._json(text, known, time)
        if record is not None:
            yield record
        else:
            for number, line in enumerate(begun.lines, begun.number):
                self._skipped.add(number, line)

    def _devstack(self, text: bytes, known: dict[str, object], time: int) -> Record | None:
        match = oslo_formats.DEVSTACK.match(text)
        if match is None:
            return None
        return oslo_formats.DEVSTACK.record(match, text[match.end() :], self._clock, **known, time=time)

    def _json(self, text: bytes, known: dict[str, object], time: int) -> Record | None:
        entry = json_lines.entry_of(text.partition(b"\n")[0], self._clock)
        if entry is None or "message" not in entry.known:
            return None
        values = {"level": "INFO", "logger": "", **known, "time": entry.time or time, **entry.known}
        values["pid"] = entry.pid or known["pid"]
        return Record(**values)

    def _time(self, wrapped: Wrapped) -> int:
        return wrappers.time_of(wrapped, self._clock) or self._clock.last_time


class RecordHeads(blocks.Heads[Record]):
    """The heads of records in a text whose other lines are read one by one."""

    def __init__(self, lines: PastedLines) -> None:
        super().__init__()
        self.lines = lines

    def end_of(self, text: bytes, start: int, end: int) -> int:
        """Return the end of a record, whose head ends at ``start``: lines of another form are ``foreign``."""
        line_feed = text.find(b"\n", start, end)
        if line_feed < 0:
            self.line += 1
            return end
        # The pattern begins with a colon, which is found as fast as bytes are read.
        if _CLOCK.search(text, line_feed, end) or any(text.find(sign, line_feed, end) >= 0 for sign in _SIGNS):
            first = self.lines.first(text, line_feed + 1, end)
            if first < end:
                self.foreign, end = text[first : end + 1], first - 1
        self.line += 1 + text.count(b"\n", start, end)
        return end

    def between(self, text: bytes) -> Iterator[Record]:
        """Yield the records of lines of other forms."""
        yield from self.lines.read(text, self.line)
        self.line += text.count(b"\n")

    def finish(self) -> Iterator[Record]:
        """Yield the records that no line will continue."""
        return self.lines.finish()


def matches(sample: bytes) -> bool:
    """Return whether a text needs to be read line by line, although some lines may be a service's own."""
    rows = sample[:_SAMPLE].split(b"\n")
    lines = [line for _, line in plain_lines.plain(enumerate(rows))]
    return (
        any(map(plain_lines.is_html, rows))
        or any(wrappers.parse(line).timed is not None for line in lines[:_FIRST])
        or any(wrapped_rows.widths(lines))
    )


def read(data: Buffer, own: tuple[Formats, ...], clock: Clock, skipped: SkippedLines) -> Iterator[Record]:
    """Yield the records of a text line by line."""
    lines, number = PastedLines(own, clock, skipped), 1
    for block in blocks.whole(data):
        yield from lines.read(block, number)
        number += block.count(b"\n")
    yield from lines.finish()
