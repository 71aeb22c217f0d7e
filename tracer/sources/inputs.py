"""What a path holds: a capture, a log, message copies, or a folder of logs and copies."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from tracer.errors import TracerError, UnreadableError
from tracer.events import Events
from tracer.recording import capture
from tracer.sources import parallel
from tracer.sources.broker import copies as broker_copies
from tracer.sources.hooks import segments
from tracer.sources.logs import reader
from tracer.sources.logs.buffers import STDIN
from tracer.sources.logs.detect import Hints

#: Where ``bootseq tap`` writes in a capture (tracer.tap.message_file).
TAPPED = "messages.jsonl"
_COPIES = (".jsonl", ".json", ".ndjson")
#: Bytes of logs from which on to read them is longer than to start processes for it.
WORTH_HELP = 48 << 20
#: Hears which path is read, and which share of all.
Told = Callable[[Path, float], None]


def expanded(paths: tuple[Path, ...]) -> Iterator[Path]:
    """Each source once: captures and files as they are, the files of other folders, what a pattern stands for."""
    seen: dict[Path, None] = {}
    for path in paths:
        seen.update(dict.fromkeys(_expanded(path)))
    yield from seen


def _expanded(path: Path) -> list[Path]:
    if path == STDIN:
        return [path]
    try:
        path.stat()
    except OSError as error:
        matched = sorted(map(Path, glob.glob(str(path), recursive=True))) if glob.has_magic(str(path)) else []
        if matched:
            return [each for match in matched for each in _expanded(match)]
        raise TracerError(f"{path}: cannot be read: {error.strerror}") from None
    if not path.is_dir() or capture.is_capture(path):
        return [path]
    inside = [*reader.logs_in(path), *(file for file in sorted(path.rglob("*.jsonl")) if file.is_file())]
    if not inside:
        raise TracerError(f"{path}: neither a capture that `bootseq run -o` recorded into, nor are logs in it")
    return inside


def read_all(
    paths: Sequence[Path], hints: Hints, told: Told = lambda path, share: None
) -> Iterator[tuple[Path, Events]]:
    """Each of them with its events, in their order; long logs are read on all cores.

    ``told`` hears now and then which path is read and which share of all of them has been, from 0 to 1.
    """
    sizes = {path: _size(path) for path in paths}
    total, shares = sum(sizes.values()) or 1, dict.fromkeys(paths, 0.0)

    def tell(path: Path, share: float) -> None:
        shares[path] = share
        told(path, sum(share * sizes[path] for path, share in shares.items()) / total)

    logs = [path for path in paths if path != STDIN and path.is_file() and not _is_copies(path)]
    offsets: dict[str, int] = {}
    with ExitStack() as stack:
        answers: Iterator[Events] | None = None
        if len(logs) > 1 and parallel.cores() > 1 and sum(sizes[path] for path in logs) >= WORTH_HELP:
            work = partial(_log, hints=hints)
            answers = stack.enter_context(closing(parallel.each(work, logs, [sizes[path] for path in logs], tell)))
        for path in paths:
            if answers is not None and path in logs:
                yield path, next(answers)
            else:
                tell(path, 0.0)
                yield path, read(path, offsets, hints, partial(tell, path))
            tell(path, 1.0)


def _size(path: Path) -> int:
    """How much work a path is, as far as the outside tells: a packed log holds about ten times its size."""
    if path == STDIN or not path.is_file():
        return 0
    return path.stat().st_size * (10 if path.suffix == ".gz" else 1)


def _is_copies(path: Path) -> bool:
    return any(suffix in _COPIES for suffix in path.suffixes)


def read(
    path: Path, offsets: dict[str, int], hints: Hints, told: Callable[[float], None] = lambda share: None
) -> Events:
    """The events of one of them; ``hints``: what its log's lines do not tell themselves."""
    if path != STDIN and path.is_dir():
        return _capture(path, offsets)
    if path != STDIN and _is_copies(path):
        if broker_copies.is_copies(path):
            return broker_copies.read(path)
        found = _log(path, hints, told)
        return found if found.events or found.damaged else Events(warnings=[f"{path}: {_why_not(path)}, left out"])
    return _log(path, hints, told)


def _log(path: Path, hints: Hints, told: Callable[[float], None]) -> Events:
    """The events of a log; that it cannot be read is no reason not to read the others."""
    try:
        return reader.read(path, hints, told)
    except UnreadableError as error:
        return Events(warnings=[str(error)], damaged=True)


def _why_not(path: Path) -> str:
    if ".trace" in path.suffixes:
        return "a trace file already, as list, show, draw and diff take them"
    return "no copies of messages and no log"


def _capture(path: Path, offsets: dict[str, int]) -> Events:
    """What hooks recorded into a capture, and what ``bootseq tap`` did."""
    tapped = path / TAPPED
    # That hooks recorded nothing is worth a word, unless it was the tap's alone.
    found = segments.read(path, offsets) if segments.recorded(path) or not tapped.is_file() else Events()
    if tapped.is_file():
        copies = broker_copies.read(tapped)
        found.events += copies.events
        found.processes += copies.processes
        found.warnings += copies.warnings
        found.damaged = found.damaged or copies.damaged
    return found
