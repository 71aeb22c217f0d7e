"""Prefixes that other programs put before a line: grep, docker, kubectl, syslog, mail and the like."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field

from tracer.sources.logs import line_heads, times
from tracer.sources.logs.oslo_formats import Formats
from tracer.sources.logs.times import Clock

_RFC3339 = rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
_STAMP_FOLLOWS = (
    rb"(?=\[?\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d\d/[A-Z][a-z]{2}/\d{4}:"
    rb"|\[(?:uwsgi|pid:) \d)"
)
_FILE = rb"[\w./+@~%=,#-]{1,200}"
#: The kinds of prefixes, each a group. A line may have several, one behind the other.
_TOKENS = re.compile(
    rb"(?P<blank>(?:[ \t]|\xc2\xa0){1,400})"
    rb"|(?P<quote>(?:[>|`]|\xe2\x94\x82)(?: ?[>|`])*(?: (?! ))?)"
    rb"|(?P<bullet>(?:[*+-]|\xe2\x80\xa2) )"
    rb"|\[pod/(?P<pod>[^\s\]/]{1,253}/[^\s\]]{1,253})\] "
    rb"|(?P<juju>(?:unit|machine|controller|application)-[\w-]{1,200}?(?:-\d{1,6})?)(?:\[\d{1,10}\])?: "
    rb"(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d (?:TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL) \S{1,200} "
    rb"|(?P<cri>" + _RFC3339 + rb") (?P<channel>stdout|stderr) (?P<part>[FP])(?::\S{0,100})?(?: |$)"
    rb"|(?:<\d{1,3}>(?:1 )?)?(?:"
    rb"(?P<short>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?)"
    rb"|(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d))"
    rb"|[A-Z][a-z]{2} (?P<full>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?) (?P<zone>[\w+:/-]{1,32})"
    rb"|(?P<unix>\d{10}\.\d{1,9})"
    rb") (?P<host>[\w.:-]{1,255}) (?P<syslog>[^\s\[\]:]{1,128})(?:\[(?P<pid>\d{1,10})\])?:(?: |$)"
    rb"|(?P<stamp>" + _RFC3339 + rb")(?: |$)"
    rb"|(?P<number>\d{1,9}):(?:\d{1,6}:)?"
    rb"|(?P<compose>\w[\w.-]{0,127}) {0,60}\|(?: |$)"
    rb"|(?P<file>" + _FILE + rb"):(?:\d{1,9}:){0,2} ?"
    rb"|(?P<context>" + _FILE + rb"?)-(?:\d{1,9}-)?" + _STAMP_FOLLOWS +
    rb"|(?P<context_number>\d{1,9})-" + _STAMP_FOLLOWS
)  # fmt: skip
_STAMP_TOKEN = re.compile(_RFC3339 + rb"(?: |$)")
#: Any other text before a record: a few words, the last of which may name it.
_GENERIC = re.compile(rb"[^\n]{1,160}?(?<=[\s:|>\])-])(?=" + line_heads.STRICT + rb")")
_WORD = re.compile(rb"(?:.*[/ ])?(?P<name>[\w.@-]+?)(?:\[(?P<pid>\d{1,10})\])?[\s|:\]>]*\Z")
#: A file's name has one of these: a word with a colon is no file.
_FILE_NAME = re.compile(r"[a-z].*[._-]|[._-].*[a-z]")
_JUJU = re.compile(r"(?:unit|application)-(.*?)(?:-\d+)?\Z")
#: Kinds that name the writer of a line.
_NAMES = ("pod", "juju", "syslog", "compose", "file", "context")
#: Kinds that are the same, or of the same length, in each line of a quoted text.
_CONSTANT = frozenset({"blank", "quote", "bullet"})
_GREP = frozenset({"number", "file", "context", "context_number"})
_CONTEXT_END = re.compile(rb"-(?:\d{1,9}-)?\Z")
#: A line has no more prefixes than this.
_MAX_TOKENS = 7
#: Kinds that every line of a text has, also one that continues a record.
_EVERY_LINE = frozenset({"pod", "juju", "cri", "stamp", "compose", "quote", "context"})

Match = re.Match[bytes]
#: A writer's name, process and channel.
Stream = tuple[str, int, bytes]


@dataclass(slots=True)
class Wrapped:
    """A line's prefixes, and the offset of the text behind them; ``head``: a record begins there."""

    tokens: list[tuple[str, bytes]] = field(default_factory=list)
    start: int = 0
    head: bool = False
    name: str = ""
    pid: int = 0
    #: the match of the prefix that contains a time
    timed: Match | None = None
    #: the line continues in the next one of its stream
    cut: bool = False
    #: a container's: stdout or stderr
    channel: bytes = b""

    @property
    def syslog(self) -> bool:
        """Return whether a syslog or journal line precedes the text."""
        return any(kind == "syslog" for kind, _ in self.tokens)

    @property
    def stream(self) -> Stream:
        """Return the key of the lines that continue each other."""
        return self.name, self.pid, self.channel


def parse(line: bytes, own: tuple[Formats, ...] = ()) -> Wrapped:
    """Parse the prefixes of a line up to the record, or as many as there are."""
    result = Wrapped()
    while True:
        if line_heads.begins(line, result.start) or any(formats.begins(line, result.start) for formats in own):
            result.head = True
            return result
        match = _TOKENS.match(line, result.start) if len(result.tokens) < _MAX_TOKENS else None
        if match is None:
            break
        _add(result, match)
    if result.timed is not None and line_heads.begins_untimed(line, result.start):
        result.head = True
    elif not result.syslog:
        generic = _GENERIC.match(line)
        if generic is not None:
            return _generic(generic)
    return result


def _add(result: Wrapped, match: Match) -> None:
    kind = match.lastgroup or ""
    if kind == "part":
        kind = "cri"
        result.cut, result.channel = match["part"] == b"P", match["channel"]
    elif kind == "pid":
        kind = "syslog"
    result.tokens.append((kind, match[0]))
    result.start = match.end()
    if kind in ("cri", "stamp", "syslog"):
        result.timed = match
    if kind in _NAMES:
        name = match[kind].decode("utf-8", "replace")
        if kind == "syslog":
            result.pid = int(match["pid"] or 0)
            name = f"{match['host'].decode('utf-8', 'replace')}/{name}"
        elif kind == "juju":
            known = _JUJU.fullmatch(name)
            name = known[1] if known else name
        else:
            name = name.rstrip("/").rpartition("/")[2]
        if name and (kind != "file" or _FILE_NAME.search(name)):
            result.name = sys.intern(name)


def _generic(match: Match) -> Wrapped:
    word = _WORD.fullmatch(match[0])
    result = Wrapped([("generic", match[0])], match.end(), head=True)
    if word is not None:
        result.name, result.pid = sys.intern(word["name"].decode("utf-8", "replace")), int(word["pid"] or 0)
    return result


def strip(line: bytes, tokens: list[tuple[str, bytes]]) -> tuple[int, bool]:
    """Return (offset of the text of a line that continues a record with these prefixes, whether it has all of them)."""
    start = 0
    for kind, text in tokens:
        end = start + len(text) if line.startswith(text, start) else _end(line, start, kind, text)
        if end < 0:
            return start, False
        start = end
    return start, True


def _end(line: bytes, start: int, kind: str, text: bytes) -> int:
    """Return the end of a prefix like ``text`` of a line before; -1 if it has none."""
    if kind in ("blank", "generic") or (kind == "syslog" and line[start : start + 1].isspace()):
        # journalctl indents the further lines of a message by the width of its head
        width = len(line[start : start + len(text)]) - len(line[start : start + len(text)].lstrip(b" \t"))
        return start + width if width else -1
    if kind == "quote":
        return start + len(text.rstrip()) if line.startswith(text.rstrip(), start) else -1
    if kind in _GREP:
        match = _separators(kind, text).match(line, start)
    elif kind == "stamp":
        match = _STAMP_TOKEN.match(line, start)
    else:
        match, earlier = _TOKENS.match(line, start), _TOKENS.match(text)
        if match is not None and (earlier is None or _writer(match) != _writer(earlier)):
            match = None
    return match.end() if match is not None else -1


def _writer(match: Match) -> tuple[object, ...]:
    """Return what a prefix names: the same in all lines of a writer."""
    return tuple(match[kind] for kind in ("quote", "channel", "host", "pid", *_NAMES))


def _separators(kind: str, text: bytes) -> re.Pattern[bytes]:
    """Return the pattern of grep's prefixes with the same file as in ``text``: context has minus signs."""
    name = b""
    if kind == "file":
        name = text.partition(b":")[0]
    elif kind == "context":
        name = _CONTEXT_END.sub(b"", text)
    return re.compile(re.escape(name) + (rb"[:-](?:\d{1,9}[:-]){0,2}" if name else rb"\d{1,9}[:-]"))


def constant(tokens: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Return the prefixes that also the further rows of a wrapped line have."""
    return [token for token in tokens if token[0] in _CONSTANT]


def on_every_line(tokens: list[tuple[str, bytes]]) -> bool:
    """Return whether lines that continue a record have its prefixes too."""
    return any(kind in _EVERY_LINE for kind, _ in tokens)


def time_of(wrapped: Wrapped, clock: Clock) -> int:
    """Return the time in a line's prefixes, in nanoseconds; 0 without any."""
    match = wrapped.timed
    if match is None:
        return 0
    if match["short"]:
        return clock.of(match["short"].decode(), "%b %d %H:%M:%S")
    if match["unix"]:
        return times.of_seconds(float(match["unix"]))
    full = match["full"] and match["full"] + (b"Z" if match["zone"] == b"UTC" else b"")
    return clock.of((match["cri"] or match["stamp"] or match["iso"] or full).decode())
