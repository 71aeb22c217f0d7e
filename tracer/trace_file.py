"""The trace file, JSON Lines, gzipped by suffix: a header with the format's version and the boots, then the steps."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TextIO

from tracer import gc_pause
from tracer.errors import TracerError
from tracer.files import read as files_read
from tracer.files.write import written
from tracer.model import NOTES, NUMBERED, LeftOut, Request, Step, Trace, Unassigned
from tracer.text import command, printable

FORMAT = "bootseq-trace"
FORMAT_VERSION = 1

#: No line that bootseq writes is nearly this long, and no file, unpacked.
MAX_LINE = 16 << 20
MAX_SIZE = 4 << 30
#: No value that bootseq writes is nested so deep: hooks and log readers cut values.
MAX_DEPTH = 64

_ADDRESS = re.compile(r"[0-9]{1,9}([-/][0-9]{1,9})*")
#: A line without such numbers, and with few brackets, holds no value that is out of bounds.
_LONG_NUMBER = re.compile(rb"[0-9]{60}|[0-9][eE]\+?[0-9]{2}")
_MAX_NUMBER = 1 << 256
#: Above any date, and any correction of clocks.
_MAX_TIME = 1 << 65

#: The types that a value may have, by the name of its field, in the order of writing.
_Types = Mapping[str, tuple[type, ...]]
_BOOT: _Types = {
    "number": (int,), "operation": (str,), "server": (str,), "uuid": (str,), "request_id": (str,),
    "request_ids": (list,), "outcome": (str,), "host": (str,),
}  # fmt: skip
_LEFT_OUT: _Types = {"service": (str,), "what": (str,), "kind": (str,), "count": (int,)}
_UNTIED: _Types = {
    "why": (str,), "service": (str,), "kind": (str,), "what": (str,), "count": (int,), "first": (int,), "last": (int,),
}  # fmt: skip
_STEP: _Types = {
    "address": (str,), "kind": (str,), "service": (str,), "host": (str,), "pid": (int,), "thread": (int,),
    "name": (str,), "start": (int,), "end": (int, type(None)), "request_id": (str, type(None)),
    "global_request_id": (str, type(None)), "error": (str, type(None)), "attributes": (dict,), "witnesses": (list,),
    "tied_by": (str,), "opens": (list,), "opened_by": (str,), "id": (str,),
}  # fmt: skip


def write(path: Path, trace: Trace, *, replace: bool = True) -> None:
    """Write the whole trace, or leave ``path`` unchanged where that fails, as on a full disk."""
    with written(path, replace=replace) as binary, _as_text(binary, path.suffix == ".gz") as file:
        for line in _lines(trace):
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


@contextmanager
def _as_text(binary: BinaryIO, zipped: bool) -> Iterator[TextIO]:
    # Without a name and a time in it the same trace gives the same bytes.
    packing = gzip.GzipFile("", "wb", 6, binary, mtime=0) if zipped else nullcontext(binary)
    with packing as packed:
        # Half a surrogate pair, which JSON can hold and UTF-8 cannot, becomes JSON's own escape for it.
        file = io.TextIOWrapper(packed, encoding="utf-8", errors="backslashreplace", write_through=True)
        yield file
        file.flush()
        file.detach()


def _lines(trace: Trace) -> Iterator[dict[str, Any]]:
    yield {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "versions": trace.versions,
        "warnings": trace.warnings,
        "untied": [asdict(left) for left in trace.untied],
        "boots": [_boot_line(boot) for boot in trace.boots],
        "others": [_boot_line(boot) for boot in trace.others],
    }
    for boot in [*trace.boots, *trace.others]:
        for step in boot.walk():
            yield {"boot": boot.number} | {name: getattr(step, name) for name in _STEP}


def _boot_line(boot: Request) -> dict[str, Any]:
    """Return a request's part of the header; ``steps`` is the number of its lines, which shows a cut-off file."""
    counted = {"steps": sum(1 for _ in boot.walk()), "left_out": [asdict(left) for left in boot.left_out]}
    return {name: getattr(boot, name) for name in _BOOT} | counted


def read(path: Path) -> Trace:
    """Return the trace in ``path``; raise a TracerError with the line number where it is invalid."""
    return _read(path, None)


def read_boot(path: Path, choose: Callable[[Trace], Request]) -> Request:
    """Return the request that ``choose`` picks from a trace without steps; the steps of the others are skipped."""
    chosen: list[Request] = []

    def pick(trace: Trace) -> Request:
        chosen.append(choose(trace))
        return chosen[0]

    _read(path, pick)
    return chosen[0]


def _read(path: Path, choose: Callable[[Trace], Request] | None) -> Trace:
    try:
        with files_read.opened(path) as file, gc_pause.paused():
            zipped = file.peek(2)[:2] == b"\x1f\x8b"
            with gzip.GzipFile(fileobj=file) if zipped else nullcontext(file) as lines:
                return _Reader(path, lines).trace(choose)
    except IsADirectoryError:
        make = command("bootseq", "ingest", "-o", "FILE", path)
        raise TracerError(f"{path}: a folder, not a trace file; make one with: {make}") from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise TracerError(f"{path}: cut off or damaged; ingest the capture again") from None
    except OSError as error:
        raise TracerError(f"{path}: cannot be read: {error.strerror or error}") from None


class _Reader:
    """The reader of one trace file, which may come from anyone: every value is checked."""

    def __init__(self, path: Path, file: Any) -> None:
        self._path = path
        self._file = file
        self._number = self._size = 0

    def trace(self, choose: Callable[[Trace], Request] | None) -> Trace:
        """Return the whole trace, or the trace with the steps of one request only."""
        header = self._header()
        try:
            versions = _checked(header, {"versions": (dict,)})["versions"]
            trace = Trace([], [], dict(zip(versions, _texts(list(versions.values())), strict=True)))
            trace.warnings = _texts(header["warnings"])
            trace.untied = [_unassigned(line) for line in header.get("untied", [])]
            for kind, requests in (("boots", trace.boots), ("others", trace.others)):
                requests.extend(_boot(line) for line in header[kind])
                for boot in requests:
                    boot.versions = trace.versions
            only = choose(trace) if choose else None
            for line, boot in zip([*header["boots"], *header["others"]], [*trace.boots, *trace.others], strict=True):
                count = _checked(line, {"steps": (int,)})["steps"]
                if only is None or boot is only:
                    self._take_steps(boot, count)
                else:
                    self._skip(count)
            if self._file.read(1):
                raise ValueError("more lines than its header counts")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise TracerError(f"{self._path}:{self._number}: invalid line of a trace file: {printable(what)}") from None
        return trace

    def _header(self) -> dict[str, Any]:
        try:
            header = self._next()
        except (ValueError, RecursionError):
            header = None
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            reason = "not a bootseq trace file; make one with: bootseq ingest -o FILE CAPTURE"
            raise TracerError(f"{self._path}: {reason}")
        version = header.get("version")
        if version != FORMAT_VERSION:
            format_ = version if isinstance(version, int) else "unknown"
            reason = f"trace format {format_}, this bootseq reads {FORMAT_VERSION}; use the bootseq that wrote it"
            raise TracerError(f"{self._path}: {reason}")
        return header

    def _next(self) -> Any:
        line = self._line()
        value = json.loads(line, parse_constant=_refuse)
        if line.count(b"[") + line.count(b"{") > MAX_DEPTH or _LONG_NUMBER.search(line):
            _check_value(value)
        return value

    def _line(self) -> bytes:
        line: bytes = self._file.readline(MAX_LINE + 1)
        self._number += 1
        self._size += len(line)
        if not line and self._number > 1:
            raise TracerError(f"{self._path}: cut off after line {self._number - 1}; ingest the capture again")
        if len(line) > MAX_LINE or self._size > MAX_SIZE:
            what = (
                f"a line of over {MAX_LINE >> 20} MB" if len(line) > MAX_LINE else f"over {MAX_SIZE >> 30} GB unpacked"
            )
            raise TracerError(f"{self._path}:{self._number}: {what}; not a bootseq trace file")
        return line

    def _skip(self, count: int) -> None:
        for _ in range(count):
            self._line()

    def _take_steps(self, boot: Request, count: int) -> None:
        steps: dict[str, Step] = {}
        for _ in range(count):
            line = self._next()
            if _checked(line, {"boot": (int,)})["boot"] != boot.number:
                raise ValueError(f"expected a step of boot {boot.number}")
            step = _step(line)
            if step.address in steps:
                raise ValueError(f"address {step.address} is repeated")
            steps[step.address] = step
            parent = step.address[: max(step.address.rfind("-"), step.address.rfind("/"), 0)]
            (steps[parent].children if parent else boot.chapters).append(step)


def _boot(line: Any) -> Request:
    boot = Request(chapters=[], **_checked(line, _BOOT))
    boot.left_out = [LeftOut(**_checked(left, _LEFT_OUT)) for left in line["left_out"]]
    _texts(boot.request_ids)
    return boot


def _step(line: Any) -> Step:
    step = Step(**_checked(line, _STEP))
    step.witnesses = tuple(_texts(line["witnesses"]))
    _texts(step.opens)
    if step.kind not in NUMBERED | NOTES:
        raise ValueError(f"unknown kind {step.kind!r}")
    if not _ADDRESS.fullmatch(step.address):
        raise ValueError(f"invalid address {step.address!r}")
    _check_times(step.start, step.end or 0)
    return step


def _unassigned(line: Any) -> Unassigned:
    left = Unassigned(**_checked(line, _UNTIED))
    _check_times(left.first, left.last)
    if left.why not in Unassigned.WHYS:
        raise ValueError(f"unknown reason {left.why!r}")
    return left


def _check_times(*times: int) -> None:
    if not all(-_MAX_TIME < time < _MAX_TIME for time in times):
        raise ValueError("a time out of range")


def _check_value(value: Any, depth: int = 0) -> None:
    """Raise ValueError where values are nested deeper, or numbers larger, than any that bootseq writes."""
    if isinstance(value, (dict, list)):
        if depth > MAX_DEPTH:
            raise ValueError(f"a value nested over {MAX_DEPTH} deep")
        for item in value.values() if isinstance(value, dict) else value:
            _check_value(item, depth + 1)
    elif isinstance(value, (int, float)) and not -_MAX_NUMBER < value < _MAX_NUMBER:
        raise ValueError("a number out of range")


def _checked(line: Any, types: _Types) -> dict[str, Any]:
    """Return the fields that ``types`` names; raise ValueError or KeyError where one has another type or is missing."""
    if type(line) is not dict:
        raise ValueError("not an object")
    for name, allowed in types.items():
        if type(line[name]) not in allowed:
            raise ValueError(f"{name} is of type {type(line[name]).__name__}")
        if type(line[name]) is int and not -_MAX_TIME < line[name] < _MAX_TIME:
            raise ValueError(f"{name} is out of range")
    return {name: line[name] for name in types}


def _texts(value: Any) -> list[str]:
    if type(value) is not list or not all(type(item) is str for item in value):
        raise ValueError("expected a list of texts")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not valid JSON")
