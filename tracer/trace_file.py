"""The trace file, JSON Lines, gzipped by suffix: a header with the version and the boots, the steps, log lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from tracer import gc_pause, packed, trace_fields
from tracer.errors import TracerError
from tracer.files import read as files_read
from tracer.files.write import written
from tracer.model import Request, Step, Trace, lanes, participants, sub_lanes
from tracer.text import command, printable

FORMAT = "bootseq-trace"
FORMAT_VERSION = 1

#: No line that bootseq writes is nearly this long, and no file, unpacked.
MAX_LINE = 16 << 20
MAX_SIZE = 4 << 30

_STEP_LINE = ("boot", *trace_fields.STEP)
_fields = attrgetter(*trace_fields.STEP)


def write(path: Path, trace: Trace, *, replace: bool = True) -> None:
    """Write the whole trace, or leave ``path`` unchanged where that fails, as on a full disk."""
    with written(path, replace=replace) as binary, packed.writer(binary, path.name) as file:
        for line in lines(trace):
            file.write(data_of(line) + b"\n")


def data_of(line: dict[str, Any]) -> bytes:
    """Return a line's bytes, in UTF-8."""
    try:
        return msgspec.json.encode(line)
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can hold and UTF-8 cannot, becomes JSON's escape
        return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def lines(trace: Trace) -> Iterator[dict[str, Any]]:
    """Yield the lines of a trace's file: the header, then the steps."""
    yield {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "versions": trace.versions,
        "warnings": trace.warnings,
        "untied": [asdict(left) for left in trace.untied],
        "lines": len(trace.lines),
        "boots": [_boot_line(boot) for boot in trace.boots],
        "others": [_boot_line(boot) for boot in trace.others],
    }
    for boot in [*trace.boots, *trace.others]:
        for step in boot.walk():
            yield dict(zip(_STEP_LINE, (boot.number, *_fields(step)), strict=True))
    for line in trace.lines:
        yield asdict(line)


def _boot_line(boot: Request) -> dict[str, Any]:
    """Return a request's part of the header; ``steps`` is the number of its lines, which shows a cut-off file."""
    counted = {"steps": sum(1 for _ in boot.walk()), "left_out": [asdict(left) for left in boot.left_out]}
    return {name: getattr(boot, name) for name in trace_fields.BOOT} | counted


def read(path: Path) -> Trace:
    """Return the trace in ``path``; raise a TracerError with the line number where it is invalid."""
    return _read(path, lambda reader: reader.trace())


def read_header(path: Path) -> Trace:
    """Return the trace in ``path`` without its steps and log lines, which are not read."""
    return _read(path, lambda reader: reader.header())


def read_boot(path: Path, choose: Callable[[Trace], Request]) -> Request:
    """Return the request that ``choose`` picks from a trace without steps; the steps of the others are skipped."""
    chosen: list[Request] = []

    def pick(trace: Trace) -> Request:
        chosen.append(choose(trace))
        return chosen[0]

    _read(path, lambda reader: reader.trace(pick))
    return chosen[0]


def scan(path: Path, begin: Callable[[Trace], Callable[[Request, Step], object]]) -> Trace:
    """Return the trace in ``path`` without its steps, each of which is passed on and forgotten.

    ``begin`` is called with the trace before its steps are read, and returns the function to pass them to.
    """
    return _read(path, lambda reader: reader.scan(begin))


def _read(path: Path, work: Callable[[_Reader], Trace]) -> Trace:
    try:
        with files_read.opened(path) as file, gc_pause.paused(), packed.reader(file) as lines:
            return work(_Reader(path, lines))
    except IsADirectoryError:
        make = command("bootseq", "ingest", "-o", "FILE", path)
        raise TracerError(f"{path}: a folder, not a trace file; make one with: {make}") from None
    except packed.ERRORS:
        raise TracerError(f"{path}: cut off or damaged; ingest the capture again") from None
    except OSError as error:
        raise TracerError(f"{path}: cannot be read: {error.strerror or error}") from None


class _Reader:
    """The reader of one trace file, which may come from anyone: every value is checked."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._number = self._size = 0
        self._services: set[str] = set()

    def header(self) -> Trace:
        """Return the trace without steps; what follows the header is not read."""
        header = self._header()
        with self._errors():
            return self._described(header)[0]

    def trace(self, choose: Callable[[Trace], Request] | None = None) -> Trace:
        """Return the whole trace, or the trace with the steps of one request only."""

        def begin(trace: Trace) -> Callable[[Request, int], None]:
            only = choose(trace) if choose else None

            def take(request: Request, count: int) -> None:
                if only is None or request is only:
                    self._take_steps(request, count)
                else:
                    self._skip(count)

            return take

        trace = self._trace(begin)
        if any(map(lanes.is_divided, self._services)):
            _divide([*trace.boots, *trace.others])
        return trace

    def scan(self, begin: Callable[[Trace], Callable[[Request, Step], object]]) -> Trace:
        """Return the trace without steps, each of which is passed to the function that ``begin`` returns."""

        def begin_requests(trace: Trace) -> Callable[[Request, int], None]:
            take = begin(trace)

            def take_steps(request: Request, count: int) -> None:
                for _ in range(count):
                    take(request, self._step(request))

            return take_steps

        return self._trace(begin_requests)

    def _trace(self, begin: Callable[[Trace], Callable[[Request, int], None]]) -> Trace:
        header = self._header()
        with self._errors():
            trace, counts = self._described(header)
            take = begin(trace)
            for request, count in zip([*trace.boots, *trace.others], counts, strict=True):
                take(request, count)
            lines = trace_fields.checked({"lines": 0} | header, {"lines": (int,)})["lines"]
            trace.lines = [trace_fields.log_line(self._next()) for _ in range(lines)]
            if self._file.read(1):
                raise ValueError("more lines than its header counts")
        return trace

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Report an invalid value with the file and the line that was read last."""
        try:
            yield
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise TracerError(f"{self._path}:{self._number}: invalid line of a trace file: {printable(what)}") from None

    def _described(self, header: dict[str, Any]) -> tuple[Trace, list[int]]:
        """Return the trace that the header describes, and the number of steps of each request."""
        versions = trace_fields.checked(header, {"versions": (dict,)})["versions"]
        trace = Trace([], [], dict(zip(versions, trace_fields.texts(list(versions.values())), strict=True)))
        trace.warnings = trace_fields.texts(header["warnings"])
        trace.untied = [trace_fields.unassigned(line) for line in header.get("untied", [])]
        for kind, requests in (("boots", trace.boots), ("others", trace.others)):
            requests.extend(map(trace_fields.request, header[kind]))
            for request in requests:
                request.versions = trace.versions
        lines = [*header["boots"], *header["others"]]
        return trace, [trace_fields.checked(line, {"steps": (int,)})["steps"] for line in lines]

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
        return trace_fields.parse(self._line())

    def _line(self) -> bytes:
        line = self._file.readline(MAX_LINE + 1)
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

    def _step(self, request: Request) -> Step:
        number, step = trace_fields.step(self._line())
        if number != request.number:
            raise ValueError(f"expected a step of boot {request.number}")
        return step

    def _take_steps(self, request: Request, count: int) -> None:
        steps: dict[str, Step] = {}
        for _ in range(count):
            step = self._step(request)
            if step.address in steps:
                raise ValueError(f"address {step.address} is repeated")
            steps[step.address] = step
            self._services.add(step.service)
            parent = step.address[: max(step.address.rfind("-"), step.address.rfind("/"), 0)]
            (steps[parent].children if parent else request.chapters).append(step)


def _divide(requests: list[Request]) -> None:
    """Tell Cinder's and Neutron's services apart, which older versions wrote under one name each."""
    if sub_lanes.divide([chapter for request in requests for chapter in request.chapters]):
        for request in requests:
            _name_peers(request)


def _name_peers(request: Request) -> None:
    heads = {chapter.address: chapter for chapter in request.chapters}

    def receivers(step: Step) -> list[Step]:
        return [heads[address] for address in step.opens if address in heads]

    participants.name_peers([step for step in request.walk() if step.is_client], receivers)
