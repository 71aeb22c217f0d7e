"""The trace file, JSON Lines, gzipped by suffix: a header with the format's version and the boots, then the steps."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from tracer.errors import TracerError
from tracer.model import Boot, LeftOut, Step, Trace

FORMAT = "bootseq-trace"
FORMAT_VERSION = 1

_BOOT = ("number", "operation", "server", "uuid", "request_id", "request_ids", "outcome", "host")
_STEP = (
    "address", "kind", "service", "host", "pid", "thread", "name", "start", "end", "request_id", "global_request_id",
    "error", "attributes", "witnesses", "tied_by", "opens", "opened_by", "id",
)  # fmt: skip


def write(path: Path, trace: Trace) -> None:
    """Write the whole trace or leave ``path`` as it was: a full disk does not cost an earlier file."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with _opened_for_writing(draft, path.suffix == ".gz") as file:
            for line in _lines(trace):
                file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise TracerError(f"{path}: cannot be written: {error.strerror}") from None


@contextmanager
def _opened_for_writing(path: Path, zipped: bool) -> Iterator[TextIO]:
    with path.open("wb") as raw:
        os.fchmod(raw.fileno(), 0o600)
        # Without a name and a time in it the same trace gives the same bytes.
        with gzip.GzipFile("", "wb", 6, raw, mtime=0) if zipped else raw as binary:
            with io.TextIOWrapper(binary, encoding="utf-8", errors="backslashreplace") as file:
                yield file


def _lines(trace: Trace) -> Iterator[dict[str, Any]]:
    yield {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "versions": trace.versions,
        "warnings": trace.warnings,
        "boots": [_boot_line(boot) for boot in trace.boots],
        "others": [_boot_line(boot) for boot in trace.others],
    }
    for boot in [*trace.boots, *trace.others]:
        for step in boot.walk():
            yield {"boot": boot.number} | {name: getattr(step, name) for name in _STEP}


def _boot_line(boot: Boot) -> dict[str, Any]:
    return {name: getattr(boot, name) for name in _BOOT} | {"left_out": [asdict(left) for left in boot.left_out]}


def read(path: Path) -> Trace:
    """The trace in ``path``; a TracerError says what is wrong with it and in which line."""
    try:
        opened = gzip.open(path, "rt", encoding="utf-8") if _is_gzip(path) else path.open(encoding="utf-8")
        with opened as file:
            return _trace(path, enumerate(file, 1))
    except IsADirectoryError:
        raise TracerError(f"{path}: a folder, not a trace file; make one with: bootseq ingest -o FILE {path}") from None
    except (EOFError, gzip.BadGzipFile):
        raise TracerError(f"{path}: cut off or damaged; ingest the capture again") from None
    except UnicodeDecodeError:
        raise TracerError(f"{path}: not a trace file of bootseq's") from None
    except OSError as error:
        raise TracerError(f"{path}: cannot be read: {error.strerror}") from None


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _trace(path: Path, lines: Iterator[tuple[int, str]]) -> Trace:
    header = _header(path, next(lines, (1, ""))[1])
    boots: dict[int, Boot] = {}
    trace = Trace([], [], header.get("versions", {}), header.get("warnings", []))
    steps: dict[tuple[int, str], Step] = {}
    number = 1
    try:
        for kind, made in (("boots", trace.boots), ("others", trace.others)):
            made.extend(_boot(line) for line in header[kind])
            boots |= {boot.number: boot for boot in made}
        for number, line in lines:
            _take_step(json.loads(line), boots, steps)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TracerError(f"{path}:{number}: not a line of a trace file ({type(error).__name__}: {error})") from None
    return trace


def _header(path: Path, line: str) -> dict[str, Any]:
    try:
        header = json.loads(line)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise TracerError(f"{path}: not a trace file of bootseq's; make one with: bootseq ingest -o FILE CAPTURE")
    if header.get("version") != FORMAT_VERSION:
        raise TracerError(
            f"{path}: trace format {header.get('version')}, this bootseq reads {FORMAT_VERSION}; use the bootseq that wrote it"
        )
    return header


def _boot(line: dict[str, Any]) -> Boot:
    left_out = [LeftOut(**left) for left in line["left_out"]]
    return Boot(chapters=[], left_out=left_out, **{name: line[name] for name in _BOOT})


def _take_step(line: dict[str, Any], boots: dict[int, Boot], steps: dict[tuple[int, str], Step]) -> None:
    step = Step(**{name: line[name] for name in _STEP})
    step.witnesses = tuple(step.witnesses)
    boot, address = line["boot"], step.address
    steps[boot, address] = step
    parent = address[: max(address.rfind("-"), address.rfind("/"), 0)]
    if parent:
        steps[boot, parent].children.append(step)
    else:
        boots[boot].chapters.append(step)
