"""Input paths, each a capture, a log, message copies, or a folder of logs and copies, read as events."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from tracer.errors import TracerError
from tracer.events import Events
from tracer.recording import capture
from tracer.sources import contents, parallel
from tracer.sources.broker import copies as broker_copies
from tracer.sources.hooks import segments
from tracer.sources.listing import Listing
from tracer.sources.logs.buffers import STDIN
from tracer.sources.logs.detect import Hints
from tracer.sources.logs.log_names import is_log_name

#: Where ``bootseq tap`` writes in a capture (tracer.tap.message_file).
TAPPED = "messages.jsonl"
_PACKED = (".gz", ".xz", ".zst", ".bz2", ".zip", ".tgz", ".txz")
#: Bytes of logs from which on starting processes is worth its time.
PARALLEL_FROM = 48 << 20
#: Receives the path being read, and the share of all paths that has been read, from 0 to 1.
OnProgress = Callable[[Path, float], None]


def expand(paths: tuple[Path, ...]) -> Iterator[Path]:
    """Yield each source once: captures and files themselves, the files in other folders, a pattern's matches."""
    sources: dict[Path, None] = {}
    listing = Listing()
    for path in paths:
        sources.update(dict.fromkeys(_expand(path, listing)))
    yield from sources


def _expand(path: Path, listing: Listing) -> list[Path]:
    if path == STDIN:
        return [path]
    try:
        path.stat()
    except OSError as error:
        matched = listing.matches(path) if glob.has_magic(str(path)) else []
        if matched:
            return [source for match in matched for source in _expand(match, listing)]
        raise TracerError(f"{path}: cannot be read: {error.strerror}") from None
    if not path.is_dir() or capture.is_capture(path):
        return [path]
    files = listing.files(path)
    inside = [*filter(is_log_name, files), *(file for file in files if file.name.endswith(".jsonl"))]
    if not inside:
        raise TracerError(f"{path}: not a capture (see: bootseq run -o), and contains no logs")
    return inside


def read_all(
    paths: Sequence[Path], hints: Hints, on_progress: OnProgress = lambda path, share: None
) -> Iterator[tuple[Path, Events]]:
    """Yield each path with its events, in the given order; long logs are read on all cores.

    ``on_progress`` is called now and then with the path being read and the share of all that is done, from 0 to 1.
    """
    sizes = {path: _size(path) for path in paths}
    total, done, shares = sum(sizes.values()) or 1, 0.0, dict.fromkeys(paths, 0.0)

    def report(path: Path, share: float) -> None:
        nonlocal done
        done += (share - shares[path]) * sizes[path]
        shares[path] = share
        on_progress(path, done / total)

    logs = [path for path in paths if path != STDIN and path.is_file() and not contents.may_be_copies(path)]
    offsets: dict[str, int] = {}
    with ExitStack() as stack:
        answers: Iterator[Events] | None = None
        if len(logs) > 1 and parallel.cores() > 1 and sum(sizes[path] for path in logs) >= PARALLEL_FROM:
            work = partial(contents.read, hints=hints)
            answers = stack.enter_context(
                closing(parallel.map_paths(work, logs, [sizes[path] for path in logs], report))
            )
        parallel_logs = frozenset(logs if answers is not None else ())
        for path in paths:
            if answers is not None and path in parallel_logs:
                yield path, next(answers)
            else:
                report(path, 0.0)
                yield path, read(path, offsets, hints, partial(report, path))
            report(path, 1.0)


def _size(path: Path) -> int:
    """Estimate the work a path is, in bytes: a packed log holds about ten times its size."""
    if path == STDIN or not path.is_file():
        return 0
    return path.stat().st_size * (10 if path.suffix in _PACKED else 1)


def read(
    path: Path, offsets: dict[str, int], hints: Hints, on_progress: Callable[[float], None] = lambda share: None
) -> Events:
    """Read one path's events; ``hints`` are the facts that a log's lines lack."""
    if path != STDIN and path.is_dir():
        return _capture(path, offsets)
    return contents.read(path, hints, on_progress)


def _capture(path: Path, offsets: dict[str, int]) -> Events:
    """Read what hooks and ``bootseq tap`` recorded into a capture."""
    tapped = path / TAPPED
    # A capture without hooks' records is worth a warning, unless it was the tap's alone.
    events = segments.read(path, offsets) if segments.recorded(path) or not tapped.is_file() else Events()
    if tapped.is_file():
        copies = broker_copies.read(tapped)
        events.events += copies.events
        events.processes += copies.processes
        events.warnings += copies.warnings
        events.damaged = events.damaged or copies.damaged
    return events
